"""Taggers to compare with: rules, a CRF, and taggers that other packages ship."""

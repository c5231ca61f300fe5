"""Baselines: taggers of rules, a CRF, and taggers of other packages."""

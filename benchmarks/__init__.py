"""Measure speed against the stock tools, interleaved in one run."""

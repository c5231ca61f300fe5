"""A run, or any system's predictions, to scores: python -m evaluate runs/cpu-small."""

"""Score a run, or the predictions of any system: `python -m evaluate runs/cpu-small`."""

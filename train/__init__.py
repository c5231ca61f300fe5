"""Data and a config to a run folder: python -m train configs/cpu-small.yaml."""

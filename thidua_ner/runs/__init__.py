"""A run on disk: its folder, its manifest, and what its models have read."""

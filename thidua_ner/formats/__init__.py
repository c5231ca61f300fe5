"""Documents and texts in files: one module per format, and the registry of all formats."""

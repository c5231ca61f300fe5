"""Annotated documents and texts in files: one module per format, and the registry of them."""

"""The annotated corpus: reading and checking it, and building the dataset from it."""

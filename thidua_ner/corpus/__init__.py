"""The annotated corpus and the dataset repository that is built from it."""

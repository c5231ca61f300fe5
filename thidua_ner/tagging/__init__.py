"""From a model and texts to documents with spans, on a terminal or in shards."""

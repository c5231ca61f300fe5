"""Encoders and checkpoints: the only part of `thidua_ner` that imports torch, transformers and tokenizers."""

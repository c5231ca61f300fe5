"""Encoders and checkpoints: the only room that imports torch, transformers and tokenizers."""

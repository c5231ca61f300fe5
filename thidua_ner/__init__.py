"""Named entities in Vietnamese public-security news: documents, spans, tokens and scores."""

__version__ = "0.1.0"

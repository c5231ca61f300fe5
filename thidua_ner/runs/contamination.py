"""What a model has read: fingerprints of texts that survive a change of format, spacing or Unicode composition."""

import hashlib
from collections.abc import Iterable

from thidua_ner.text.characters import compose
from thidua_ner.text.spans import Document

MIN_SENTENCE_LENGTH = 30
"""Letters and digits that a sentence needs for a fingerprint; shorter ones recur in unrelated texts."""


def text_fingerprints(document: Document) -> frozenset[str]:
    """Hash the letters and digits of a text, and of each long sentence in it (SHA-256, 16 hexadecimal digits)."""
    parts = [document.text, *(document.text[s.start : s.end] for s in document.sentences())]
    whole, *sentences = (_letters_and_digits(part) for part in parts)
    kept = [whole, *(sentence for sentence in sentences if len(sentence) >= MIN_SENTENCE_LENGTH)]
    return frozenset(hashlib.sha256(part.encode("utf-8")).hexdigest()[:16] for part in kept if part)


def all_fingerprints(documents: Iterable[Document]) -> frozenset[str]:
    """Return the fingerprints of all documents as one set."""
    return frozenset().union(*(text_fingerprints(document) for document in documents))


def _letters_and_digits(text: str) -> str:
    """Reduce a text to its composed letters and digits in lower case."""
    composed = compose(text)
    return "".join(character for character in composed.lower() if character.isalnum())

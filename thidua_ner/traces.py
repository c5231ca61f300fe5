"""What a model has read: fingerprints of texts that survive a change of format, spacing or Unicode form."""

import hashlib
import unicodedata
from collections.abc import Iterable

from thidua_ner.spans import Document

LONG = 30
"""Letters and digits that make a sentence telling; shorter ones recur in unrelated texts."""


def traces(document: Document) -> frozenset[str]:
    """Hash the letters and digits of a text as a whole, and of each long sentence in it."""
    parts = [document.text, *(document.text[s.start : s.end] for s in document.sentences())]
    plain = [_plain(part) for part in parts]
    told = [plain[0], *(sentence for sentence in plain[1:] if len(sentence) >= LONG)]
    return frozenset(hashlib.sha256(part.encode("utf-8")).hexdigest()[:16] for part in told if part)


def traces_of(documents: Iterable[Document]) -> frozenset[str]:
    """Join the traces of many documents."""
    return frozenset().union(*(traces(document) for document in documents))


def _plain(text: str) -> str:
    """Reduce a text to its composed letters and digits, lower case."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(character for character in composed.lower() if character.isalnum())

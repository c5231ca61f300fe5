"""Named entities in Vietnamese public-security news: documents, taggers and scores.

Public names are loaded on first use, so that importing the package is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from thidua_ner.version import __version__

if TYPE_CHECKING:
    from thidua_ner.formats.registry import read_documents
    from thidua_ner.scoring.comparison import compare
    from thidua_ner.scoring.strict import score, score_tags
    from thidua_ner.tagging.tagger import load_tagger
    from thidua_ner.text.spans import Document, Span

__all__ = ["Document", "Span", "__version__", "compare", "load_tagger", "read_documents", "score", "score_tags"]

_HOMES = {
    "Document": "text.spans",
    "Span": "text.spans",
    "compare": "scoring.comparison",
    "load_tagger": "tagging.tagger",
    "read_documents": "formats.registry",
    "score": "scoring.strict",
    "score_tags": "scoring.strict",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

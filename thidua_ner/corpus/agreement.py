"""How far two annotators agree: span F1, Cohen's kappa on token tags, and every disagreement."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from thidua_ner.scoring.strict import score, tag_pair
from thidua_ner.text.spans import Document, Span


class Disagreement(NamedTuple):
    """A span that only one annotator marked so, with the line it stands on (from 1)."""

    document: str
    line: int
    annotator: int
    span: Span
    surface: str


def agree(first: Sequence[Document], second: Sequence[Document]) -> dict[str, Any]:
    """Compare two passes over the same documents, in the same order; ValueError where the texts differ.

    Span F1 takes the first pass as gold; it is the same the other way round.
    """
    scores = score(first, second)
    return {
        "documents": len(first),
        "spans": {"first": sum(len(d.spans) for d in first), "second": sum(len(d.spans) for d in second)},
        "span_f1": round(scores["micro"]["f1"], 4),
        "span_f1_per_type": {label: round(row["f1"], 4) for label, row in scores["per_type"].items()},
        "token_kappa": round(token_kappa(first, second), 4),
        "disagreements": len(disagreements(first, second)),
    }


def token_kappa(first: Sequence[Document], second: Sequence[Document]) -> float:
    """Cohen's kappa over the IOB2 tags of all tokens, the frequent O included."""
    from sklearn.metrics import cohen_kappa_score

    pairs = [tag_pair(left, right) for left, right in zip(first, second, strict=True)]
    return float(cohen_kappa_score(*([tag for pair in pairs for tag in pair[side]] for side in (0, 1))))


def disagreements(first: Sequence[Document], second: Sequence[Document]) -> list[Disagreement]:
    """List the spans that one pass has and the other has not, in the order of the text."""
    found: list[Disagreement] = []
    for left, right in zip(first, second, strict=True):
        for annotator, own, other in ((1, left, right), (2, right, left)):
            for span in set(own.spans) - set(other.spans):
                line = own.text.count("\n", 0, span.start) + 1
                found.append(Disagreement(own.id, line, annotator, span, own.surface(span)))
    return sorted(found, key=lambda d: (d.document, d.span, d.annotator))

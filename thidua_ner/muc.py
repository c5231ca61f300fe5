"""The four schemes of MUC, as `nervaluate` counts them: what a near miss is worth.

Each predicted span is paired with a gold span that it overlaps, if there is one: with one that is right by the
scheme before one that is not, and each gold span at most once. `strict` asks for boundaries and label, `exact` for
boundaries, `partial` for boundaries with half a point for any overlap, `type` for the label and any overlap.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from thidua_ner.spans import Document, Span

_RIGHT: dict[str, Callable[[Span, Span], bool]] = {
    "strict": lambda gold, span: gold == span,
    "exact": lambda gold, span: (gold.start, gold.end) == (span.start, span.end),
    "partial": lambda gold, span: (gold.start, gold.end) == (span.start, span.end),
    "type": lambda gold, span: gold.label == span.label,
}
OUTCOMES = ("correct", "incorrect", "partial", "missed", "spurious")


def muc_schemes(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, dict[str, float]]:
    """Count outcomes under each scheme over all documents, with precision, recall and F1 (fractions)."""
    schemes = {}
    for name in _RIGHT:
        counts = Counter(
            outcome
            for left, right in zip(gold, predicted, strict=True)
            for outcome in _outcomes(left.spans, right.spans, name)
        )
        schemes[name] = {**{outcome: counts[outcome] for outcome in OUTCOMES}, **_scores(counts)}
    return schemes


def _outcomes(gold: Sequence[Span], predicted: Sequence[Span], scheme: str) -> Iterable[str]:
    """Yield the outcome of each predicted span and of each gold span that none was paired with."""
    free = list(gold)
    for span in predicted:
        overlapping = [g for g in free if g.start < span.end and span.start < g.end]
        right = [g for g in overlapping if _RIGHT[scheme](g, span)]
        if not overlapping:
            yield "spurious"
            continue
        # of several golds with the right label, the one with the nearest boundaries
        paired = (
            min(right, key=lambda g: abs(g.start - span.start) + abs(g.end - span.end)) if right else overlapping[0]
        )
        free.remove(paired)
        yield "correct" if right else "partial" if scheme == "partial" else "incorrect"
    yield from ("missed" for _ in free)


def _scores(counts: Counter[str]) -> dict[str, float]:
    """Turn outcomes into scores; a partial match is worth half, a zero denominator gives 0."""
    points = counts["correct"] + 0.5 * counts["partial"]
    paired = counts["correct"] + counts["incorrect"] + counts["partial"]
    actual, possible = paired + counts["spurious"], paired + counts["missed"]
    return {
        "precision": points / actual if actual else 0.0,
        "recall": points / possible if possible else 0.0,
        "f1": 2 * points / (actual + possible) if actual + possible else 0.0,
    }

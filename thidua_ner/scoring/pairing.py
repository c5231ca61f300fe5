"""Pairing of gold and predicted spans: correct, wrong in type or boundary, missed or spurious."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from thidua_ner.scoring.results import NO_SPAN, Boundaries, BoundaryEnds, Confusion
from thidua_ner.text.labels import label_order
from thidua_ner.text.spans import Document, Span, Triple

Kind = Literal["correct", "wrong type", "wrong boundary", "wrong both", "missed", "spurious"]
KINDS: tuple[Kind, ...] = ("correct", "wrong type", "wrong boundary", "wrong both", "missed", "spurious")
SIDES = ("before", "at", "after")


class Pair(NamedTuple):
    """A gold span and the predicted span that corresponds to it, or one of them alone."""

    gold: Span | None
    predicted: Span | None

    @property
    def kind(self) -> Kind:
        """What is wrong with the prediction, if anything."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        same_type = self.gold.label == self.predicted.label
        if (self.gold.start, self.gold.end) == (self.predicted.start, self.predicted.end):
            return "correct" if same_type else "wrong type"
        return "wrong boundary" if same_type else "wrong both"

    @property
    def start(self) -> int:
        """The start of the earlier span."""
        return min(span.start for span in self if span is not None)

    @property
    def end(self) -> int:
        """The end of the later span."""
        return max(span.end for span in self if span is not None)


def pair_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Pair]:
    """Pair flat, sorted spans one to one, in the order of the text.

    Equal spans are paired first, then those with equal boundaries, then those with the same label, then those that
    share the most characters; a span that overlaps no unpaired span stays alone.
    """
    candidates = sorted(
        overlaps([span.triple for span in gold], [span.triple for span in predicted]),
        key=lambda places: (_nearness(gold[places[0]], predicted[places[1]]), places),
    )
    free = dict.fromkeys(range(len(gold))), dict.fromkeys(range(len(predicted)))
    pairs: list[Pair] = []
    for left, right in candidates:
        if left in free[0] and right in free[1]:
            del free[0][left], free[1][right]
            pairs.append(Pair(gold[left], predicted[right]))
    pairs += [Pair(gold[place], None) for place in free[0]] + [Pair(None, predicted[place]) for place in free[1]]
    return sorted(pairs, key=lambda pair: (pair.start, pair.gold is None))


def overlaps(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Iterator[tuple[int, int]]:
    """Yield the indices of each gold and predicted span that share a character; both inputs must be sorted and flat."""
    first = 0
    for number, left in enumerate(gold):
        while first < len(predicted) and predicted[first][1] <= left[0]:
            first += 1
        place = first
        while place < len(predicted) and predicted[place][0] < left[1]:
            yield number, place
            place += 1


def _nearness(gold: Span, predicted: Span) -> tuple[bool, bool, int]:
    shared = min(gold.end, predicted.end) - max(gold.start, predicted.start)
    same_ends = (gold.start, gold.end) == (predicted.start, predicted.end)
    return not same_ends, gold.label != predicted.label, -shared


def confusions(gold: Sequence[Document], predicted: Sequence[Document]) -> Confusion:
    """Count pairs by kind, by gold and predicted label, and by how their boundaries differ."""
    kinds: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    ends: Counter[tuple[str, str]] = Counter()
    for left, right in zip(gold, predicted, strict=True):
        for pair in pair_spans(left.spans, right.spans):
            kinds[pair.kind] += 1
            row, column = (span.label if span else NO_SPAN for span in pair)
            labels[row, column] += 1
            if pair.gold and pair.predicted and row == column:
                ends[_side(pair.predicted.start, pair.gold.start), _side(pair.predicted.end, pair.gold.end)] += 1
    return Confusion(
        kinds={kind: kinds[kind] for kind in KINDS},
        type=_matrix(labels),
        boundary=Boundaries(*(BoundaryEnds(*(ends[row, column] for column in SIDES)) for row in SIDES)),
    )


def _side(predicted: int, gold: int) -> str:
    return SIDES[(predicted > gold) - (predicted < gold) + 1]


def _matrix(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Nest the counts of label pairs as rows and columns of a square matrix."""
    labels = sorted({name for pair in counts for name in pair} - {NO_SPAN}, key=label_order)
    return {row: {column: counts[row, column] for column in [*labels, NO_SPAN]} for row in [*labels, NO_SPAN]}

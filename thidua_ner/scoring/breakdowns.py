"""Scores by group of mentions (seen in training or not, length, place) and the calibration of their confidence."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from thidua_ner.scoring.pairing import confusions
from thidua_ner.scoring.results import Bin, Calibration, Confusion, Counts, Score, SeenScores
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.spelling import normalise_surface

Grouping = Callable[[Document], Callable[[Span], str]]
"""Maps a document to the function that names the group of each of its spans."""

Mentions = Mapping[str, frozenset[str]]
"""By document id, the surfaces of the entities that the models of the document were trained on."""

_LENGTHS = ((1, "1"), (2, "2"), (3, "3"), (4, "4"), (7, "5 to 7"), (10, "8 to 10"))
_LONGER = "11 or more"
_THIRDS = ("first third", "middle third", "last third")
_PLACES = ((1, "first"), (2, "second"), (5, "third to fifth"), (10, "sixth to tenth"))
_LATER = "later"
_LONG = ("8 to 10", _LONGER)
SEEN = ("seen", "unseen")
HARD = ("unseen", "of another type", "8 tokens or more")
"""The groups of hard mentions: of a surface that the training documents lack, or have with other types only; long."""

_EASY = ""
_BINS = 10


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The breakdowns of an evaluation, by kind of error and of mention; the fields are those of `Evaluation`."""

    confusion: Confusion
    seen: SeenScores | None
    length: dict[str, Score]
    place_in_sentence: dict[str, Score]
    sentence: dict[str, Score]
    calibration: Calibration | None


def breakdown(gold: Sequence[Document], predicted: Sequence[Document], mentions: Mentions | None = None) -> Breakdown:
    """Break scores down by the kinds of errors and of mentions.

    A span belongs to the group of its own surface and place, whether it is gold or predicted, so that precision, recall
    and F1 mean the same in a group as over all spans. Without `mentions`, the field `seen` is None.
    """
    return Breakdown(
        confusion=confusions(gold, predicted),
        seen=None if mentions is None else _seen(gold, predicted, mentions),
        length=_grouped(gold, predicted, _by_length, [*(name for _, name in _LENGTHS), _LONGER]),
        place_in_sentence=_grouped(gold, predicted, _by_place, _THIRDS),
        sentence=_grouped(gold, predicted, _by_sentence, [*(name for _, name in _PLACES), _LATER]),
        calibration=calibration(gold, predicted),
    )


def _grouped(
    gold: Sequence[Document], predicted: Sequence[Document], grouping: Grouping, order: Sequence[str]
) -> dict[str, Score]:
    """Score each group of spans, in the given order; groups without spans are left out."""
    correct, found, known = Counter[str](), Counter[str](), Counter[str]()
    for left, right in zip(gold, predicted, strict=True):
        group = grouping(left)
        correct.update(group(span) for span in right.spans if span.triple in left.triples())
        found.update(map(group, right.spans))
        known.update(map(group, left.spans))
    used = {*found, *known}
    return {name: Counts(correct[name], found[name], known[name]).score() for name in order if name in used}


def _seen(gold: Sequence[Document], predicted: Sequence[Document], mentions: Mentions) -> SeenScores:
    """Score seen and unseen mentions, by exact and by normalised surface."""

    def by_surface(write: Callable[[str], str]) -> Grouping:
        def grouping(document: Document) -> Callable[[Span], str]:
            known = {write(surface) for surface in mentions[document.id]}
            return lambda span: SEEN[write(document.surface(span)) not in known]

        return grouping

    return SeenScores(
        exact=_grouped(gold, predicted, by_surface(str), SEEN),
        normalised=_grouped(gold, predicted, by_surface(normalise_surface), SEEN),
    )


def hard_groups(
    gold: Sequence[Document], predicted: Sequence[Document], training: Sequence[Document]
) -> dict[str, Score]:
    """Score the hard mentions, in the groups `HARD`: by their surface in training documents, and long ones."""
    labels: dict[str, set[str]] = {}
    for document in training:
        for span in document.spans:
            labels.setdefault(normalise_surface(document.surface(span)), set()).add(span.label)

    def by_surface(document: Document) -> Callable[[Span], str]:
        def group(span: Span) -> str:
            known = labels.get(normalise_surface(document.surface(span)))
            return HARD[0] if known is None else _EASY if span.label in known else HARD[1]

        return group

    def by_length(document: Document) -> Callable[[Span], str]:
        length = _by_length(document)
        return lambda span: HARD[2] if length(span) in _LONG else _EASY

    return _grouped(gold, predicted, by_surface, HARD[:2]) | _grouped(gold, predicted, by_length, HARD[2:])


def _name(number: int, names: Sequence[tuple[int, str]], beyond: str) -> str:
    """Name the range that a number is in; each range begins after the one before."""
    return next((name for most, name in names if number <= most), beyond)


def _by_length(document: Document) -> Callable[[Span], str]:
    """Group spans by the number of syllable tokens that they overlap."""
    tokens = [token for sentence in document.sentences() for token in sentence.tokens]
    starts, ends = [token.start for token in tokens], [token.end for token in tokens]

    def group(span: Span) -> str:
        return _name(bisect_left(starts, span.end) - bisect_right(ends, span.start), _LENGTHS, _LONGER)

    return group


def _by_place(document: Document) -> Callable[[Span], str]:
    """Group spans by the third of the sentence, in characters, in which they begin."""
    sentences = document.sentences()
    starts = [sentence.start for sentence in sentences]

    def group(span: Span) -> str:
        if not sentences:  # a span of white space alone
            return _THIRDS[0]
        sentence = sentences[max(bisect_right(starts, span.start) - 1, 0)]
        part = 3 * (span.start - sentence.start) // (sentence.end - sentence.start)
        return _THIRDS[min(max(part, 0), 2)]

    return group


def _by_sentence(document: Document) -> Callable[[Span], str]:
    """Group spans by the number of their sentence in the document."""
    starts = [sentence.start for sentence in document.sentences()]
    return lambda span: _name(max(bisect_right(starts, span.start), 1), _PLACES, _LATER)


def calibration(gold: Sequence[Document], predicted: Sequence[Document]) -> Calibration | None:
    """Compare the confidence of predicted spans with the share that is correct, in ten bins of equal width.

    The expected calibration error (Naeini et al. 2015) is the mean distance between the two, weighted by spans.
    Returns None if nothing is predicted or a span has no score between 0 and 1.
    """
    outcomes = [
        (span.score, span.triple in left.triples())
        for left, right in zip(gold, predicted, strict=True)
        for span in right.spans
        if span.score is not None and 0 <= span.score <= 1
    ]
    if not outcomes or len(outcomes) < sum(len(document.spans) for document in predicted):
        return None
    bins = []
    for number in range(_BINS):
        inside = [(score, right) for score, right in outcomes if min(int(score * _BINS), _BINS - 1) == number]
        if inside:
            confidence, accuracy = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            bins.append(Bin(number / _BINS, (number + 1) / _BINS, len(inside), confidence, accuracy))
    error = sum(row.spans * abs(row.confidence - row.accuracy) for row in bins) / len(outcomes)
    return Calibration(tuple(bins), error)

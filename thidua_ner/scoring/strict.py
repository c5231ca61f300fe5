"""Strict scores of predicted spans against gold spans: start, end and label must be equal.

`seqeval` gives the same figures on token tags (`mode="strict"`, IOB2); `check_against_seqeval` asserts it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from statistics import mean, stdev
from typing import NamedTuple

from thidua_ner.faults import some_of
from thidua_ner.scoring.muc import muc_schemes
from thidua_ner.scoring.results import Counts, DocumentMean, Score, Scores
from thidua_ner.scoring.units import unit_notes
from thidua_ner.text import iob2
from thidua_ner.text.alike import describe_difference
from thidua_ner.text.iob2 import Repair
from thidua_ner.text.labels import ENTITY_TYPES, label_order
from thidua_ner.text.spans import Document, Span, Triple, document_of_tokens, fingerprint
from thidua_ner.text.syllables import Token, tokenize
from thidua_ner.version import __version__


class Sides(NamedTuple):
    """The triples of a document that are correct, predicted and in the gold."""

    correct: frozenset[Triple]
    predicted: frozenset[Triple]
    gold: frozenset[Triple]


def match(gold: Document, predicted: Document) -> Sides:
    """Find the spans that are correct, predicted and in the gold; raises ValueError if the two texts differ."""
    if (gold.id, gold.text) != (predicted.id, predicted.text):
        raise ValueError(f"the prediction for {predicted.id!r} does not have the text of {gold.id!r}")
    return Sides(gold.triples() & predicted.triples(), predicted.triples(), gold.triples())


def score(gold: Sequence[Document], predicted: Sequence[Document]) -> Scores:
    """Score predictions against the gold, document by document, both in the same order.

    Averages over labels leave out a label that neither side uses; the mean over documents leaves out a document
    without an entity on either side. `macro` and `weighted` are defined as in `seqeval`. Raises ValueError if the
    documents are not the same texts.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(predicted)} predicted documents for {len(gold)} gold documents")
    by_document: dict[str, Counts] = {}
    correct, found, known = Counter[str](), Counter[str](), Counter[str]()
    for gold_document, predicted_document in zip(gold, predicted, strict=True):
        sides = match(gold_document, predicted_document)
        by_document[gold_document.id] = Counts(*map(len, sides))
        for counter, side in zip((correct, found, known), sides, strict=True):
            counter.update(map(itemgetter(2), side))
    labels = sorted({*found, *known}, key=label_order)
    by_label = {label: Counts(correct[label], found[label], known[label]) for label in labels}
    per_type = {label: counts.score() for label, counts in by_label.items()}
    total = Counts(correct.total(), found.total(), known.total())
    return Scores(
        micro=total.score(),
        macro=_average(per_type, [1] * len(labels), total.gold),
        weighted=_average(per_type, [counts.gold for counts in by_label.values()], total.gold),
        document_macro=_document_macro(by_document),
        per_type=per_type,
        per_document={name: counts.score() for name, counts in by_document.items()},
        muc=muc_schemes(gold, predicted),
        counts=by_label,
        notes=(*_label_notes(by_label), *_document_notes(by_document), *unit_notes(gold, predicted)),
        signature=signature(gold),
    )


def score_tags(
    gold_tags: Sequence[Sequence[str]], predicted_tags: Sequence[Sequence[str]], repair: Repair = "none"
) -> Scores:
    """Score lists of IOB2 tags, one list per sentence, as `seqeval` does in strict mode.

    Each sentence counts as a document whose id is its number from 1. `repair` says how to read an I- tag that does not
    continue an entity, on both sides. Raises ValueError, with the sentence, if tags are not IOB2 or the lists differ
    in length.
    """
    if len(gold_tags) != len(predicted_tags):
        raise ValueError(f"{len(predicted_tags)} predicted sentences for {len(gold_tags)} gold sentences")
    gold: list[Document] = []
    predicted: list[Document] = []
    for number, (known, found) in enumerate(zip(gold_tags, predicted_tags, strict=True), start=1):
        if len(known) != len(found):
            raise ValueError(f"sentence {number}: {len(found)} predicted tags for {len(known)} gold tags")
        document = document_of_tokens(["_"] * len(known), str(number))
        for tags, documents in ((known, gold), (found, predicted)):
            try:
                spans = iob2.decode(tags, document.given[0].tokens if tags else (), repair)
            except ValueError as error:
                raise ValueError(f"sentence {number}, {error}") from None
            documents.append(document.with_spans(tuple(spans)))
    return score(gold, predicted)


def _document_macro(by_document: dict[str, Counts]) -> DocumentMean:
    """Average the scores of documents; the deviation of a single document is 0."""
    rows = [counts.score() for counts in by_document.values() if counts.predicted or counts.gold]
    return DocumentMean(
        precision=mean(row.precision for row in rows) if rows else 0.0,
        recall=mean(row.recall for row in rows) if rows else 0.0,
        f1=mean(row.f1 for row in rows) if rows else 0.0,
        f1_spread=stdev(row.f1 for row in rows) if len(rows) > 1 else 0.0,
        documents=len(rows),
    )


def _label_notes(by_label: dict[str, Counts]) -> Iterator[str]:
    """Say which labels averages leave out, and which scores are 0 because their denominator is."""
    if set(by_label) <= set(ENTITY_TYPES):
        for label in ENTITY_TYPES:
            if label not in by_label:
                yield f"{label} is in neither gold nor predictions: left out of macro"
    for label in sorted(by_label, key=label_order):
        if not by_label[label].predicted:
            yield f"nothing is predicted as {label}: its precision counts as 0"
        if not by_label[label].gold:
            yield f"the gold has no {label}: its recall counts as 0"
            for other in by_label:
                if difference := describe_difference(label, other):
                    yield f"{label!r} of the predictions differs from {other!r} in {difference}"


def _document_notes(by_document: dict[str, Counts]) -> Iterator[str]:
    """Say how many documents the mean over documents leaves out."""
    empty = sum(not counts.predicted and not counts.gold for counts in by_document.values())
    if empty:
        yield f"{empty} of {len(by_document)} documents have no entity on either side: left out of the document macro"


def _average(per_type: dict[str, Score], weights: Sequence[int], support: int) -> Score:
    """Average the scores of labels by weights."""
    whole = sum(weights)
    pairs = list(zip(weights, per_type.values(), strict=True))
    return Score(
        precision=sum(w * s.precision for w, s in pairs) / whole if whole else 0.0,
        recall=sum(w * s.recall for w, s in pairs) / whole if whole else 0.0,
        f1=sum(w * s.f1 for w, s in pairs) / whole if whole else 0.0,
        support=support,
    )


def signature(gold: Sequence[Document]) -> str:
    """Identify in one line how scores are computed (version, matching) and on what (the gold and its size)."""
    return f"thidua-ner:{__version__}|match:exact|{_gold_signature(gold)}"


def _gold_signature(gold: Sequence[Document]) -> str:
    spans = sum(len(document.spans) for document in gold)
    return f"gold:{fingerprint(gold)[:12]}|documents:{len(gold)}|entities:{spans}"


def is_scored_on(signed: str, gold: Sequence[Document]) -> bool:
    """Tell whether a signature, of any version, is of scores on this gold."""
    return signed.endswith(f"|{_gold_signature(gold)}")


def scoring_tokens(text: str, spans: Sequence[Span]) -> list[Token]:
    """Cut a text at every token and span boundary, so that each span is a whole number of tokens.

    White space is a token only at the edge of a span, where it distinguishes `Hà Nội` from `Hà Nội `.
    """
    cuts = {offset for token in tokenize(text) for offset in (token.start, token.end)}
    cuts |= {offset for span in spans for offset in (span.start, span.end)}
    ordered = sorted(cuts)
    pieces = [Token(text[a:b], a, b) for a, b in pairwise(ordered)]
    starts, ends = {span.start for span in spans}, {span.end for span in spans}
    return [p for p in pieces if not p.text.isspace() or p.start in starts or p.end in ends]


def tag_pair(left: Document, right: Document) -> tuple[list[str], list[str]]:
    """Tag two annotations of the same text in IOB2, over tokens that fit the spans of both exactly."""
    tokens = scoring_tokens(left.text, (*left.spans, *right.spans))
    return iob2.encode(left.spans, tokens), iob2.encode(right.spans, tokens)


def seqeval_report(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, dict[str, float]]:
    """Score with `seqeval` (`mode="strict"`, IOB2), one tag sequence per document; rows by label and average."""
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    pairs = [tag_pair(left, right) for left, right in zip(gold, predicted, strict=True)]
    gold_tags, predicted_tags = ([pair[side] for pair in pairs] for side in (0, 1))
    report: dict[str, dict[str, float]] = classification_report(
        gold_tags, predicted_tags, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
    )
    return report


def check_against_seqeval(gold: Sequence[Document], predicted: Sequence[Document], scores: Scores) -> None:
    """Raise AssertionError, with the first figure that differs, unless `seqeval` gives the same scores."""
    if not scores.per_type:
        return  # seqeval gives no report if there are no entities; every score is 0 by definition
    report = seqeval_report(gold, predicted)
    averages = {"micro avg": scores.micro, "macro avg": scores.macro, "weighted avg": scores.weighted}
    ours = {**scores.per_type, **averages}
    if set(ours) != set(report):
        raise AssertionError(f"seqeval gives {some_of(sorted(report))}, span counting gives {some_of(sorted(ours))}")
    for row, figures in ours.items():
        for name, figure in zip(
            ("precision", "recall", "f1-score", "support"),
            (figures.precision, figures.recall, figures.f1, figures.support),
            strict=True,
        ):
            if abs(float(report[row][name]) - figure) > 1e-9:
                raise AssertionError(f"{row} {name}: seqeval gives {report[row][name]}, span counting {figure}")

"""Scores of predicted spans against gold spans, exact to the character.

A prediction is right when its start, its end and its label are. The same figures come from `seqeval`
(strict, IOB2) on token tags; `seqeval_report` computes them and `check_against_seqeval` compares.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import itemgetter
from statistics import mean, stdev
from typing import Any, NamedTuple

from thidua_ner import __version__, iob2
from thidua_ner.labels import ENTITY_TYPES, label_order
from thidua_ner.muc import muc_schemes
from thidua_ner.spans import Document, Span, Triple
from thidua_ner.syllables import Token, tokenize

Scores = dict[str, Any]


class Counts(NamedTuple):
    """How many spans were right, predicted and in the gold."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def scores(self) -> dict[str, float]:
        """Return precision, recall, F1 (fractions, 0 where the denominator is) and support."""
        precision, recall = _ratio(self.correct, self.predicted), _ratio(self.correct, self.gold)
        f1 = _ratio(2 * self.correct, self.predicted + self.gold)
        return {"precision": precision, "recall": recall, "f1": f1, "support": self.gold}


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def compare(gold: Document, predicted: Document) -> tuple[frozenset[Triple], frozenset[Triple], frozenset[Triple]]:
    """Return the spans that are right, predicted and in the gold; ValueError where the two texts differ."""
    if (gold.id, gold.text) != (predicted.id, predicted.text):
        raise ValueError(f"the prediction for {predicted.id!r} is not of the text of {gold.id!r}")
    return gold.triples() & predicted.triples(), predicted.triples(), gold.triples()


def score(gold: Sequence[Document], predicted: Sequence[Document]) -> Scores:
    """Score predictions document by document; both sequences in the same order.

    Returns micro, macro and weighted averages, each label, each document, their mean, and the MUC schemes. Averages
    over labels leave out a label that neither side uses, the mean over documents a document without an entity on
    either side; `macro` and `weighted` are `seqeval`'s. What is left out, or 0 by convention, is told in `notes`.
    """
    by_document: dict[str, Counts] = {}
    by_side = tuple(Counter[str]() for _ in Counts._fields)
    for gold_document, predicted_document in zip(gold, predicted, strict=True):
        sides = compare(gold_document, predicted_document)
        by_document[gold_document.id] = Counts(*map(len, sides))
        for counter, side in zip(by_side, sides, strict=True):
            counter.update(map(itemgetter(2), side))
    by_label = {label: Counts(*(counter[label] for counter in by_side)) for label in set().union(*by_side)}
    labels = sorted(by_label, key=label_order)
    per_type = {label: by_label[label].scores() for label in labels}
    total = Counts(*map(sum, zip(*by_label.values(), strict=True))) if by_label else Counts()
    return {
        "micro": total.scores(),
        "macro": _average(per_type, [1] * len(labels), total.gold),
        "weighted": _average(per_type, [by_label[label].gold for label in labels], total.gold),
        "document_macro": _document_macro(by_document),
        "per_type": per_type,
        "per_document": {name: counts.scores() for name, counts in by_document.items()},
        "muc": muc_schemes(gold, predicted),
        "counts": {label: by_label[label]._asdict() for label in labels},
        "notes": [*_notes(by_label), *_empty(by_document)],
    }


def _document_macro(by_document: dict[str, Counts]) -> dict[str, float]:
    """Average the scores of documents, with the standard deviation of their F1 (0 where there is one document)."""
    rows = [counts.scores() for counts in by_document.values() if counts.predicted or counts.gold]
    average = {name: mean(row[name] for row in rows) if rows else 0.0 for name in ("precision", "recall", "f1")}
    spread = stdev(row["f1"] for row in rows) if len(rows) > 1 else 0.0
    return {**average, "f1_spread": spread, "documents": len(rows)}


def _notes(by_label: dict[str, Counts]) -> Iterator[str]:
    """Tell which labels are left out of averages, and which scores are 0 because nothing could be divided."""
    if set(by_label) <= set(ENTITY_TYPES):
        for label in ENTITY_TYPES:
            if label not in by_label:
                yield f"{label} is in neither gold nor predictions: left out of macro"
    for label in sorted(by_label, key=label_order):
        if not by_label[label].predicted:
            yield f"nothing is predicted as {label}: its precision counts as 0"
        if not by_label[label].gold:
            yield f"the gold has no {label}: its recall counts as 0"


def _empty(by_document: dict[str, Counts]) -> Iterator[str]:
    """Tell how many documents the mean over documents leaves out."""
    empty = sum(not counts.predicted and not counts.gold for counts in by_document.values())
    if empty:
        yield f"{empty} of {len(by_document)} documents have no entity on either side: left out of the document macro"


def _average(per_type: dict[str, dict[str, float]], weights: Sequence[int], support: int) -> dict[str, float]:
    """Average the scores of labels by `weights`."""
    whole = sum(weights)
    average: dict[str, float] = {
        name: sum(w * s[name] for w, s in zip(weights, per_type.values(), strict=True)) / whole if whole else 0.0
        for name in ("precision", "recall", "f1")
    }
    return {**average, "support": support}


def signature(gold: Sequence[Document]) -> str:
    """Say in one line what a score was computed with and on."""
    spans = sum(len(document.spans) for document in gold)
    return f"thidua-ner:{__version__}|match:exact|gold:{fingerprint(gold)[:12]}|documents:{len(gold)}|entities:{spans}"


def fingerprint(documents: Sequence[Document]) -> str:
    """Hash the ids, texts and spans of documents, in any order (SHA-256, hexadecimal)."""
    parts = sorted(repr((d.id, d.text_sha256, [(s.start, s.end, s.label) for s in d.spans])) for d in documents)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def scoring_tokens(text: str, spans: Sequence[Span]) -> list[Token]:
    """Cut a text at every token and span boundary, so that each span is a whole number of tokens.

    White space is a token only at the edge of a span, where it tells `Hà Nội` from `Hà Nội ` apart.
    """
    cuts = {offset for token in tokenize(text) for offset in (token.start, token.end)}
    cuts |= {offset for span in spans for offset in (span.start, span.end)}
    ordered = sorted(cuts)
    pieces = [Token(text[a:b], a, b) for a, b in pairwise(ordered)]
    starts, ends = {span.start for span in spans}, {span.end for span in spans}
    return [p for p in pieces if not p.text.isspace() or p.start in starts or p.end in ends]


def tag_pair(left: Document, right: Document) -> tuple[list[str], list[str]]:
    """Tag two annotations of the same text in IOB2, over tokens that hold the spans of both exactly."""
    tokens = scoring_tokens(left.text, (*left.spans, *right.spans))
    return iob2.encode(left.spans, tokens), iob2.encode(right.spans, tokens)


def seqeval_report(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, dict[str, float]]:
    """Score with `seqeval` (`mode="strict"`, IOB2), one tag sequence a document."""
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    pairs = [tag_pair(left, right) for left, right in zip(gold, predicted, strict=True)]
    gold_tags, predicted_tags = ([pair[side] for pair in pairs] for side in (0, 1))
    report: dict[str, dict[str, float]] = classification_report(
        gold_tags, predicted_tags, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
    )
    return report


def check_against_seqeval(gold: Sequence[Document], predicted: Sequence[Document], scores: Scores) -> None:
    """Assert that `seqeval` gives the same averages and labels; AssertionError names the first that differs."""
    if not scores["per_type"]:
        return  # seqeval has no report without a single entity; every score is 0 by definition
    report = seqeval_report(gold, predicted)
    ours = {**scores["per_type"], **{f"{name} avg": scores[name] for name in ("micro", "macro", "weighted")}}
    if set(ours) != set(report):
        raise AssertionError(f"seqeval scores {sorted(report)}, the span counts {sorted(ours)}")
    for row, figures in ours.items():
        for name, figure in figures.items():
            theirs = float(report[row]["f1-score" if name == "f1" else name])
            if abs(theirs - figure) > 1e-9:
                raise AssertionError(f"{row} {name}: seqeval has {theirs}, the span counts {figure}")

"""How far annotation passes agree: span F1, Cohen's kappa on token tags, and every disagreement."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from thidua_ner.corpus.annotations import GOLD_PART, PAIRS_PART, PASSES, SYNTHETIC_PART, AnnotatedPart, Annotations
from thidua_ner.corpus.checks import read_checked_annotations
from thidua_ner.corpus.wild import ORIGINS, WILD_PART, WILD_PASSES, Wild
from thidua_ner.faults import Fault
from thidua_ner.files import format_json, read_json, write_text
from thidua_ner.scoring.results import Counts
from thidua_ner.scoring.strict import score, tag_pair
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span

AGREEMENT = "agreement.json"
_REMEDY = "run `thidua-ner agreement`"


class Disagreement(NamedTuple):
    """A span that only one of two passes has; `line` counts from 1, `annotator` is 1 or 2."""

    document: str
    line: int
    annotator: int
    span: Span
    surface: str


@dataclass(frozen=True, slots=True)
class SpanTotals:
    """How many spans each of two passes has."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class PassAgreement:
    """How far two passes over the same documents agree; `disagreements` counts the spans that only one of them has.

    Kappa is null where the project does not have the texts, whose tokens it counts.
    """

    documents: int
    spans: SpanTotals
    span_f1: float
    span_f1_per_type: dict[str, float]
    token_kappa: float | None
    disagreements: int


@dataclass(frozen=True, slots=True)
class PartAgreement:
    """How far the two passes over a part agree with each other, and each pass, by name, with the settled spans."""

    between_passes: PassAgreement
    settled_and_pass: dict[str, PassAgreement]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of all parts of the corpus, of `wild` by source: the content of agreement.json."""

    gold: PartAgreement
    synthetic: PartAgreement
    pairs: PartAgreement
    wild: dict[str, PartAgreement]

    def parts(self) -> dict[str, tuple[str, PartAgreement]]:
        """Return the agreement of each part, and of each source of `wild`, with the part, by a name to show."""
        own = {part: (part, getattr(self, part)) for part in (GOLD_PART, SYNTHETIC_PART, PAIRS_PART)}
        return own | {f"{WILD_PART}, {name}": (WILD_PART, found) for name, found in self.wild.items()}


def agree(first: Sequence[Document], second: Sequence[Document]) -> PassAgreement:
    """Compare two passes over the same documents in the same order; raises ValueError if the texts differ.

    Span F1 takes the first pass as gold; it is the same the other way round.
    """
    scores = score(first, second)
    return PassAgreement(
        documents=len(first),
        spans=SpanTotals(sum(len(d.spans) for d in first), sum(len(d.spans) for d in second)),
        span_f1=round(scores.micro.f1, 4),
        span_f1_per_type={label: round(row.f1, 4) for label, row in scores.per_type.items()},
        token_kappa=round(token_kappa(first, second), 4),
        disagreements=len(disagreements(first, second)),
    )


def token_kappa(first: Sequence[Document], second: Sequence[Document]) -> float:
    """Compute Cohen's kappa over the IOB2 tags of all tokens, the frequent O included."""
    from sklearn.metrics import cohen_kappa_score

    pairs = [tag_pair(left, right) for left, right in zip(first, second, strict=True)]
    return float(cohen_kappa_score(*([tag for pair in pairs for tag in pair[side]] for side in (0, 1))))


def disagreements(first: Sequence[Document], second: Sequence[Document]) -> list[Disagreement]:
    """List the spans that only one of two passes has, in the order of the text."""
    found: list[Disagreement] = []
    for left, right in zip(first, second, strict=True):
        for annotator, own, other in ((1, left, right), (2, right, left)):
            for span in set(own.spans) - set(other.spans):
                line = own.text.count("\n", 0, span.start) + 1
                found.append(Disagreement(own.id, line, annotator, span, own.surface(span)))
    return sorted(found, key=lambda d: (d.document, d.span, d.annotator))


def measure_agreement(annotations: Annotations) -> Agreement:
    """Measure the agreement of all parts of annotations that have no fault."""
    gold, synthetic, pairs = map(_measure_part, annotations.parts())
    return Agreement(gold, synthetic, pairs, _measure_wild(annotations.wild))


def _measure_part(part: AnnotatedPart) -> PartAgreement:
    first, second = (part.passes[name].documents for name in PASSES[part.name])
    settled = part.settled.documents
    return PartAgreement(
        between_passes=agree(first, second),
        settled_and_pass={name: agree(settled, folder.documents) for name, folder in part.passes.items()},
    )


def _measure_wild(wild: Wild) -> dict[str, PartAgreement]:
    """Measure the agreement over the texts of each source."""
    settled = {name: spans for split in wild.splits.values() for name, spans in split.items()}
    found: dict[str, PartAgreement] = {}
    for source in ORIGINS:
        ids = [row.id for row in wild.sources.rows if row.source == source]
        first, second = ([one[name] for name in ids] for one in (wild.passes[name] for name in WILD_PASSES))
        found[source] = PartAgreement(
            between_passes=_agree_on_spans(first, second),
            settled_and_pass={
                name: _agree_on_spans([settled[i] for i in ids], [spans[i] for i in ids])
                for name, spans in wild.passes.items()
            },
        )
    return found


def _agree_on_spans(first: Sequence[Sequence[Span]], second: Sequence[Sequence[Span]]) -> PassAgreement:
    """Compare two passes over the same documents, whose texts are not here, in the same order."""
    sides = [{(number, span.triple) for number, spans in enumerate(one) for span in spans} for one in (first, second)]
    common = sides[0] & sides[1]
    counted = [Counter(label for _, (_, _, label) in side) for side in (common, sides[1], sides[0])]
    per_type = {label: Counts(*(one[label] for one in counted)).score() for label in ENTITY_TYPES}
    return PassAgreement(
        documents=len(first),
        spans=SpanTotals(len(sides[0]), len(sides[1])),
        span_f1=round(Counts(len(common), len(sides[1]), len(sides[0])).score().f1, 4),
        span_f1_per_type={label: round(row.f1, 4) for label, row in per_type.items()},
        token_kappa=None,
        disagreements=len(sides[0] ^ sides[1]),
    )


def read_agreement(annotations: Path) -> Agreement:
    """Read the agreement.json of an annotations folder; raises DataError if it is missing or not such a file."""
    return read_json(annotations / AGREEMENT, Agreement, _REMEDY)


def write_agreement(annotations: Path) -> str:
    """Write agreement.json from the passes of an annotations folder, and return its content.

    Raises DataError, and writes nothing, if a file breaks a rule of form.
    """
    content = format_json(measure_agreement(read_checked_annotations(annotations)))
    write_text(annotations / AGREEMENT, content)
    return content


def check_agreement(annotations: Path, measured: Agreement) -> list[Fault]:
    """Check that the agreement.json of an annotations folder is what was measured, to the byte."""
    path = annotations / AGREEMENT
    if path.is_file() and path.read_bytes() == format_json(measured).encode():
        return []
    return [Fault(str(path), "is not what the passes give", _REMEDY)]

"""The results of scoring as typed values; `scores.json` is an `Evaluation`, read and written by `files.py`.

Precision, recall, F1 and everything made of them are fractions; 0 stands for a division by zero.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from thidua_ner.scoring.ceilings import Ceiling

Interval = tuple[float, float]
"""The lower and the upper end."""

Unit = Literal["document", "sentence"]
"""What is resampled."""

UNITS: tuple[Unit, ...] = ("document", "sentence")

MAX_ROWS = 25
"""Of more documents than these the scores are left out of tables; `scores.json` has them."""


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of a group of spans; `support` counts those of the gold."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many spans are correct, predicted and in the gold."""

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    def score(self) -> Score:
        """Compute precision, recall and F1."""
        return Score(
            precision=_ratio(self.correct, self.predicted),
            recall=_ratio(self.correct, self.gold),
            f1=_ratio(2 * self.correct, self.predicted + self.gold),
            support=self.gold,
        )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class DocumentMean:
    """The mean scores over documents with an entity on either side, and the standard deviation of their F1."""

    precision: float
    recall: float
    f1: float
    f1_spread: float
    documents: int


@dataclass(frozen=True, slots=True)
class MucScore:
    """Outcomes of one MUC scheme, and the scores that they give."""

    correct: int
    incorrect: int
    partial: int
    missed: int
    spurious: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of predictions; printing them gives a table.

    `per_type` and `counts` are by label, `per_document` by document id, `muc` by scheme. `notes` say what averages
    leave out and what is 0 by convention; `signature` says what the scores were computed with and on.
    """

    micro: Score
    macro: Score
    weighted: Score
    document_macro: DocumentMean
    per_type: dict[str, Score]
    per_document: dict[str, Score]
    muc: dict[str, MucScore]
    counts: dict[str, Counts]
    notes: tuple[str, ...]
    signature: str

    def table(self) -> str:
        """Tabulate the scores in percent: labels, averages, then documents if they are few."""
        from tabulate import SEPARATING_LINE, tabulate

        averages = {"micro": self.micro, "macro": self.macro, "weighted": self.weighted}
        documents = self.per_document if len(self.per_document) <= MAX_ROWS else {}
        blocks = [_score_rows(group) for group in (self.per_type, averages, documents) if group]
        body = [row for block in blocks for row in (SEPARATING_LINE, *block)][1:]
        headers = ["", "precision", "recall", "F1", "entities"]
        align = ("left", "right", "right", "right", "right")
        return tabulate(body, headers=headers, colalign=align, disable_numparse=True)

    def __str__(self) -> str:
        return "\n\n".join([self.table(), *(f"note: {note}" for note in self.notes), self.signature])


def _score_rows(group: dict[str, Score]) -> list[list[object]]:
    return [
        [name, f"{100 * row.precision:.2f}", f"{100 * row.recall:.2f}", f"{100 * row.f1:.2f}", row.support]
        for name, row in group.items()
    ]


@dataclass(frozen=True, slots=True)
class UnitIntervals:
    """The 95% intervals of micro F1 by resampling one kind of unit."""

    percentile: Interval
    bca: Interval


@dataclass(frozen=True, slots=True)
class Confusion:
    """Pairs of gold and predicted spans, counted.

    `kinds` are by what is wrong with the prediction. `type` has a row per gold label and a column per predicted one;
    the row of spurious spans and the column of missed ones is `no span`. `boundary` has, for pairs of one label, a row
    for where the prediction starts and a column for where it ends: before, at or after the gold span's boundary.
    """

    kinds: dict[str, int]
    type: dict[str, dict[str, int]]
    boundary: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class SeenScores:
    """Scores of mentions that training had (`seen`) and had not (`unseen`), by exact and by normalised surface."""

    exact: dict[str, Score]
    normalised: dict[str, Score]


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted spans of like confidence: how confident they are, and how many of them are correct."""

    from_: float
    to: float
    spans: int
    confidence: float
    accuracy: float

    __pydantic_config__: ClassVar[dict[str, object]] = {"alias_generator": lambda name: name.rstrip("_")}


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins of confidence, and the expected calibration error."""

    bins: tuple[Bin, ...]
    ece: float


@dataclass(frozen=True, slots=True)
class Robustness:
    """Scores on texts that are written otherwise: F1, its change with a 95% interval, and how many texts differ."""

    f1: float
    change: float
    interval: Interval
    texts: int


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """What a run says of itself, kept with its scores."""

    commit: str | None
    data_fingerprint: str | None
    seed: int | None
    train_documents: float | None


@dataclass(frozen=True, slots=True)
class Evaluation(Scores):
    """All figures of one set of predictions: the content of `scores.json`.

    `length`, `place_in_sentence` and `sentence` are scores by group of mentions. `seen` is None if the training
    mentions are not known, `calibration` if predictions have no confidence. `trained_on` lists documents that every
    model has read, None if that is not known. The fields with a default are there for runs alone.
    """

    intervals: dict[Unit, UnitIntervals]
    confusion: Confusion
    seen: SeenScores | None
    length: dict[str, Score]
    place_in_sentence: dict[str, Score]
    sentence: dict[str, Score]
    calibration: Calibration | None
    trained_on: tuple[str, ...] | None
    segmentation_ceiling: Ceiling | None = None
    run: ScoredRun | None = None
    robustness: dict[str, Robustness] | None = None

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset({"segmentation_ceiling", "run", "robustness"})


@dataclass(frozen=True, slots=True)
class SystemScore:
    """The micro F1 of a system with its 95% intervals."""

    f1: float
    intervals: dict[Unit, UnitIntervals]


@dataclass(frozen=True, slots=True)
class PairTest:
    """The difference of two systems by one unit: its 95% interval, the p-value, and the p-value corrected by Holm."""

    interval: Interval
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two systems, the difference of their micro F1 (first minus second), and its test by either unit."""

    systems: tuple[str, str]
    difference: float
    document: PairTest
    sentence: PairTest

    def test(self, unit: Unit) -> PairTest:
        """Return the test by a unit."""
        return self.document if unit == "document" else self.sentence


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems by name, every pair of them, the smallest p-value that the units allow, and the number of units."""

    systems: dict[str, SystemScore]
    pairs: tuple[PairComparison, ...]
    smallest_p: dict[Unit, float]
    units: dict[Unit, int]

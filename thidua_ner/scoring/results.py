"""The results of scoring as typed values; `scores.json` is an `Evaluation`, read and written by `files.py`.

Precision, recall, F1 and everything computed from them are fractions; a division by zero gives 0.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from thidua_ner.faults import some_of
from thidua_ner.scoring.ceilings import Ceiling

NO_SPAN = "no span"
"""The name of the row and column of spans without a counterpart; labels contain no spaces, so it cannot be one."""

Interval = tuple[float, float]
"""The lower and the upper end."""

Unit = Literal["document", "sentence"]
"""The unit of resampling."""

UNITS: tuple[Unit, ...] = ("document", "sentence")

MAX_ROWS = 25
"""If there are more documents, tables leave out their scores; `scores.json` has them."""


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 of a group of spans; `support` is the number of gold spans."""

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
    """The counts of each outcome under one MUC scheme, and the scores computed from them."""

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
    leave out and what is 0 by convention; `signature` identifies the version, the matching and the gold.
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
        """Tabulate the scores in percent: labels, averages, then documents if there are at most `MAX_ROWS`."""
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
class Intervals:
    """The intervals by document and by sentence."""

    document: UnitIntervals
    sentence: UnitIntervals

    def of(self, unit: Unit) -> UnitIntervals:
        """Return the intervals by one unit."""
        return self.document if unit == "document" else self.sentence


@dataclass(frozen=True, slots=True)
class BoundaryEnds:
    """Counts of the predictions in a row of `Boundaries`, by where they end."""

    before: int
    at: int
    after: int


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Predictions of the right label by where they start: before, at or after the gold span's start."""

    before: BoundaryEnds
    at: BoundaryEnds
    after: BoundaryEnds


@dataclass(frozen=True, slots=True)
class Confusion:
    """Pairs of gold and predicted spans, counted.

    `kinds` counts by what is wrong with the prediction. `type` has a row per gold label and a column per predicted one;
    the row of spurious spans and the column of missed ones is `no span`. `boundary` has, for pairs of one label, a row
    for where the prediction starts and a column for where it ends: before, at or after the gold span's boundary.
    """

    kinds: dict[str, int]
    type: dict[str, dict[str, int]]
    boundary: Boundaries


@dataclass(frozen=True, slots=True)
class SeenScores:
    """Scores of mentions that are in the training data (`seen`) or not (`unseen`), by exact and normalised surface."""

    exact: dict[str, Score]
    normalised: dict[str, Score]


@dataclass(frozen=True, slots=True)
class Bin:
    """Predicted spans of similar confidence: their number, mean confidence, and the share that is correct."""

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
    """Scores on texts that are written differently: F1, its change with a 95% interval, and how many texts changed."""

    f1: float
    change: float
    interval: Interval
    texts: int


@dataclass(frozen=True, slots=True)
class PairRate:
    """How many minimal pairs are right in both halves, of how many, and the 95% interval of the share (Wilson)."""

    right: int
    pairs: int
    interval: Interval

    @property
    def share(self) -> float:
        """The share of right pairs."""
        return _ratio(self.right, self.pairs)


@dataclass(frozen=True, slots=True)
class PairScores:
    """The rate of right minimal pairs, over all and by phenomenon."""

    all: PairRate
    phenomena: dict[str, PairRate]


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """Facts about a run that are kept with its scores; None if not known."""

    commit: str | None
    data_fingerprint: str | None
    seed: int | None
    train_documents: float | None


@dataclass(frozen=True, slots=True)
class Evaluation(Scores):
    """All figures of one set of predictions: the content of `scores.json`.

    `length`, `place_in_sentence` and `sentence` are scores by group of mentions. `seen` is None if the training
    mentions are not known, `calibration` if predictions have no confidence. `trained_on` lists the ids of
    documents that every model has read, None if that is not known. Fields with a default are set for runs only.
    """

    intervals: Intervals
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
    pairs: PairScores | None = None
    hard: dict[str, Score] | None = None
    """Of published results: scores by group of mentions that the benchmark's training documents make hard."""

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset(
        {"segmentation_ceiling", "run", "robustness", "pairs", "hard"}
    )

    @property
    def warning(self) -> str | None:
        """A warning if every model has read some of the test documents, otherwise None."""
        if not self.trained_on:
            return None
        return f"every model was trained on the text of {some_of(self.trained_on)}: scores say little about new texts"

    def __post_init__(self) -> None:
        rows = {*self.per_type, NO_SPAN}
        if set(self.confusion.type) != rows or any(set(columns) != rows for columns in self.confusion.type.values()):
            raise ValueError("the labels of per_type and of confusion.type differ")


@dataclass(frozen=True, slots=True)
class SystemScore:
    """The micro F1 of a system with its 95% intervals."""

    f1: float
    intervals: Intervals


@dataclass(frozen=True, slots=True)
class PairTest:
    """The test of a difference with one unit: its 95% interval, the p-value, and the p-value corrected by Holm."""

    interval: Interval
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Two systems, the difference of their micro F1 (first minus second), and its test with each unit."""

    systems: tuple[str, str]
    difference: float
    document: PairTest
    sentence: PairTest

    def test(self, unit: Unit) -> PairTest:
        """Return the test with one unit of resampling."""
        return self.document if unit == "document" else self.sentence


@dataclass(frozen=True, slots=True)
class Comparison:
    """Systems by name, every pair of them, the smallest p-value that the units allow, and the number of units."""

    systems: dict[str, SystemScore]
    pairs: tuple[PairComparison, ...]
    smallest_p: dict[Unit, float]
    units: dict[Unit, int]

"""What the leaderboard measures: its columns, and how each system does in them.

A column is measured from published predictions and our annotations as offsets, so that the texts of `wild` are not
needed. The counts of a system are means over its seeds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from thidua_ner.corpus.wild import ORIGINS, Standoff
from thidua_ner.faults import fail, some_of
from thidua_ner.formats.brat import read_folder
from thidua_ner.formats.jsonl import read_standoff
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.scored import GOLD_FOLDER, OTHER_TESTS
from thidua_ner.scoring.pairs import join_halves, mcnemar, pair_of, wilson
from thidua_ner.scoring.resampling import CountTable, difference_interval, interval, paired_test
from thidua_ner.scoring.results import Counts, Interval
from thidua_ner.scoring.strict import Sides
from thidua_ner.text.spans import Span

GOLD, PAIRS, WILD = "gold", "pairs", "wild"
STANDOFF = {PAIRS: OTHER_TESTS[PAIRS], WILD: Path("data/wild/test.jsonl")}
"""The annotations of the tests other than the gold, in the project's folder."""

_NORMAL_WIDTH = 2 * 1.959964
_NEEDED = 1.959964 + 0.841621
"""Standard errors that a difference needs to be found in four of five samples by a two-sided test at 5%."""
_FEWEST = 6
"""Units; of fewer the tests give no p below 5%, however large the difference."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the leaderboard: the documents of a test by id, with their spans."""

    name: str
    test: str
    gold: Standoff

    @property
    def unit(self) -> str:
        """What is resampled and counted."""
        return "pair" if self.test == PAIRS else "document"

    @property
    def size(self) -> int:
        """How many units there are."""
        return len({pair_of(name) for name in self.gold}) if self.test == PAIRS else len(self.gold)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a system does in a column.

    `figures` are the micro F1 of each seed, or the share of minimal pairs that are right, as fractions. `found` is the
    share of seeds that find each gold span, by document and span. `right` tells of each pair whether most seeds have it
    right; there is none in other columns.
    """

    figures: tuple[float, ...]
    interval: Interval
    counts: CountTable
    found: Mapping[tuple[str, int, int, str], float]
    right: Mapping[str, bool]

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return mean(self.figures)


def read_columns(root: Path) -> list[Column]:
    """Read the columns of a project in the order of the table; a test whose annotations are not there has none."""
    tests = {name: read_standoff(root / path) for name, path in STANDOFF.items() if (root / path).is_file()}
    wild = tests.get(WILD, {})
    columns = [
        Column(origin.column, WILD, {name: spans for name, spans in wild.items() if origin.has(name)})
        for origin in ORIGINS.values()
    ]
    columns += [
        Column(PAIRS, PAIRS, tests.get(PAIRS, {})),
        Column(GOLD, GOLD, {document.id: document.spans for document in read_folder(root / GOLD_FOLDER)}),
    ]
    return [column for column in columns if column.gold]


def predictions_of(seed: RunFolder, test: str) -> Path:
    """Return the file of what a published run found in a test."""
    return (seed if test == GOLD else seed.test(test)).predictions


def measure(column: Column, seeds: Sequence[RunFolder]) -> Standing | None:
    """Measure a system in a column from the predictions of its seeds; None if a seed has none for its test.

    Raises DataError if predictions are not of the column's documents.
    """
    import numpy as np

    files = [predictions_of(seed, column.test) for seed in seeds]
    if not files or not all(path.is_file() for path in files):
        return None
    predicted = [_read_predictions(path, column) for path in files]
    sides = [[_sides(column.gold[name], one[name]) for name in column.gold] for one in predicted]
    counts = [np.array([[len(side) for side in three] for three in own], dtype=float) for own in sides]
    found = {
        (name, *triple): mean(float(triple in own[place].correct) for own in sides)
        for place, name in enumerate(column.gold)
        for triple in sides[0][place].gold
    }
    means = np.mean(counts, axis=0)
    if column.test != PAIRS:
        figures = tuple(Counts(*map(int, table.sum(axis=0))).score().f1 for table in counts)
        return Standing(figures, interval(means, "BCa"), means, found, {})
    rights = [
        join_halves((name, predicted == gold) for name, (_, predicted, gold) in zip(column.gold, own, strict=True))
        for own in sides
    ]
    return _pairs_standing(rights, means, found)


def _pairs_standing(
    rights: Sequence[Mapping[str, bool]], counts: CountTable, found: Mapping[tuple[str, int, int, str], float]
) -> Standing:
    """Sum up which pairs each seed has right."""
    figures = tuple(mean(map(float, right.values())) for right in rights)
    n = len(rights[0])
    majority = {pair: 2 * sum(right[pair] for right in rights) > len(rights) for pair in rights[0]}
    return Standing(figures, wilson(round(mean(figures) * n), n), counts, found, majority)


def _read_predictions(path: Path, column: Column) -> Standoff:
    predicted = read_standoff(path)
    if missing := [name for name in column.gold if name not in predicted]:
        fail(path, f"has no prediction for {some_of(missing)}", "publish the run again")
    return predicted


def _sides(gold: Sequence[Span], predicted: Sequence[Span]) -> Sides:
    known, own = (frozenset(span.triple for span in spans) for spans in (gold, predicted))
    return Sides(known & own, own, known)


def difference_p(column: Column, first: Standing, second: Standing) -> float:
    """Test whether two systems differ in a column: the two-sided p, not corrected.

    Minimal pairs are tested by McNemar's exact test, documents by paired approximate randomisation.
    """
    if column.test == PAIRS:
        return mcnemar(first.right, second.right)
    return paired_test(first.counts, second.counts)


def units_needed(column: Column, first: Standing, second: Standing, difference: float) -> float:
    """Estimate how many units a difference (a fraction) needs so that the test finds it four times in five, at 5%.

    The spread is that of the two systems' difference over resampled units of the column.
    """
    if column.test == PAIRS:
        apart = [first.right[pair] - second.right[pair] for pair in first.right]
        middle = mean(apart)
        error = (mean((one - middle) ** 2 for one in apart) / len(apart)) ** 0.5
    else:
        low, high = difference_interval(first.counts, second.counts)
        error = (high - low) / _NORMAL_WIDTH
    return max(float(column.size * (_NEEDED * error / difference) ** 2), _FEWEST)

"""Intervals and paired tests of micro F1, from counts by document or by sentence.

A benchmark is a sample of documents: intervals by document are valid, and wide if there are few documents. The
sentences of one document are similar, so intervals by sentence are too narrow.
"""

from collections.abc import Callable, Sequence
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from thidua_ner.scoring.results import UNITS, Interval, Intervals, Unit, UnitIntervals
from thidua_ner.scoring.strict import match
from thidua_ner.text.spans import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CountTable: TypeAlias = "NDArray[np.number[Any]]"
"""One row per unit, three columns: the numbers (or mean numbers) of spans that are correct, predicted, in the gold."""

Method = Literal["percentile", "BCa"]
RESAMPLES = 10_000
_LEVEL = 0.95
_ROUNDING = 1e-12
_NORMAL = NormalDist()


def count_units(gold: Sequence[Document], predicted: Sequence[Document], unit: Unit) -> CountTable:
    """Count spans per document, or per sentence of the gold document in which they begin."""
    import numpy as np

    rows: list[list[int]] = []
    for left, right in zip(gold, predicted, strict=True):
        if unit == "document":
            rows.append([len(side) for side in match(left, right)])
            continue
        starts = np.array([sentence.start for sentence in left.sentences()])
        table = np.zeros((max(len(starts), 1), 3), dtype=np.int64)
        for column, triples in enumerate(match(left, right)):
            for start, _, _ in triples:
                table[max(int(np.searchsorted(starts, start, side="right")) - 1, 0), column] += 1
        rows += table.tolist()
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def interval(counts: CountTable, method: Method, seed: int = 0) -> Interval:
    """Bootstrap the 95% interval of micro F1 over the units of `counts`.

    If all units have the same score, or there is only one, both ends are the micro F1 itself.
    """
    return _bootstrap(counts, _f1, method, seed)


def intervals(gold: Sequence[Document], predicted: Sequence[Document]) -> Intervals:
    """Compute the 95% intervals of micro F1 by each unit."""
    tables = [count_units(gold, predicted, unit) for unit in UNITS]
    return Intervals(*(UnitIntervals(interval(table, "percentile"), interval(table, "BCa")) for table in tables))


def difference_interval(first: CountTable, second: CountTable, seed: int = 0) -> Interval:
    """Bootstrap the 95% interval of the difference in micro F1 of two systems on the same units."""
    import numpy as np

    return _bootstrap(np.hstack([first, second]), _f1_difference, "percentile", seed)


def paired_test(first: CountTable, second: CountTable, seed: int = 0) -> float:
    """Test whether the micro F1 of two systems on the same units differ: approximate randomisation, two-sided p.

    The systems' counts are exchanged unit by unit: in every possible way if there are at most `RESAMPLES` ways,
    otherwise at random (Noreen 1989).
    """
    import numpy as np

    exact = 2 ** len(first) <= RESAMPLES
    if exact:
        kinds, sizes = np.hstack([first, second]), np.ones(len(first), dtype=np.int64)
        exchanged = np.array(list(product((0, 1), repeat=len(first))), dtype=np.int64)
    else:
        kinds, sizes = np.unique(np.hstack([first, second]), axis=0, return_counts=True)
        exchanged = np.random.default_rng(seed).binomial(sizes, 0.5, size=(RESAMPLES, len(kinds)))
    swapped = np.hstack([kinds[:, 3:], kinds[:, :3]])
    differences = np.abs(_f1_difference((sizes - exchanged) @ kinds + exchanged @ swapped))
    observed = abs(float(_f1_difference(sizes @ kinds)))
    extreme = int(np.sum(differences >= observed - _ROUNDING))
    return extreme / len(differences) if exact else (extreme + 1) / (len(differences) + 1)


def smallest_p(n_units: int) -> float:
    """Compute the smallest p-value that the two-sided test can give with `n_units` units."""
    return 2.0 ** (1 - n_units) if 2**n_units <= RESAMPLES else 1 / (RESAMPLES + 1)


def holm(ps: Sequence[float]) -> list[float]:
    """Correct p-values for their number by the step-down method (Holm 1979), in the order given."""
    corrected, running = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        running = max(running, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = running
    return corrected


def _f1(counts: Any) -> Any:
    """Compute micro F1 of counts along the last axis; 0 if no span is predicted or in the gold."""
    import numpy as np

    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def _f1_difference(counts: Any) -> Any:
    """Subtract the F1 of the last three counts from that of the first three."""
    return _f1(counts[..., :3]) - _f1(counts[..., 3:])


def _bootstrap(rows: CountTable, statistic: Callable[[Any], Any], method: Method, seed: int) -> Interval:
    """Bootstrap a statistic of the sum of rows.

    Equal rows are drawn together, by a multinomial over the distinct ones, which is many times faster.
    """
    import numpy as np

    point = float(statistic(rows.sum(axis=0)))
    kinds, sizes = np.unique(rows, axis=0, return_counts=True)
    without_one = statistic(rows.sum(axis=0) - kinds)
    deviations = np.average(without_one, weights=sizes) - without_one if len(rows) else np.zeros(0)
    if len(rows) < 2 or np.ptp(without_one) <= _ROUNDING:
        return point, point
    drawn = np.random.default_rng(seed).multinomial(len(rows), sizes / len(rows), size=RESAMPLES) @ kinds
    values = statistic(drawn)
    levels = [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2]
    if method == "BCa":
        acceleration = float(sizes @ deviations**3) / (6 * float(sizes @ deviations**2) ** 1.5)
        levels = [_bca_level(level, values, point, acceleration) for level in levels]
    low, high = np.quantile(values, levels)
    return float(low), float(high)


def _bca_level(level: float, values: Any, point: float, acceleration: float) -> float:
    """Correct a level of the bootstrap distribution for bias and skewness (Efron 1987)."""
    import numpy as np

    below = float(np.mean(values < point - _ROUNDING) + np.mean(values <= point + _ROUNDING)) / 2
    bias = _NORMAL.inv_cdf(min(max(below, 1 / RESAMPLES), 1 - 1 / RESAMPLES))
    shifted = bias + _NORMAL.inv_cdf(level)
    return _NORMAL.cdf(bias + shifted / (1 - acceleration * shifted))

"""Compare systems on the same documents: intervals and paired tests, corrected for the number of pairs."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from thidua_ner.scoring.resampling import (
    CountTable,
    count_units,
    difference_interval,
    holm,
    intervals,
    paired_test,
    smallest_p,
)
from thidua_ner.scoring.results import UNITS, Comparison, Interval, PairComparison, PairTest, SystemScore, Unit
from thidua_ner.scoring.strict import score
from thidua_ner.scoring.tables import figures_table
from thidua_ner.text.spans import Document


def compare(gold: Sequence[Document], systems: Mapping[str, Sequence[Document]]) -> Comparison:
    """Score systems, by name, with intervals, and test every pair of them.

    The p-values are those of paired approximate randomisation, two-sided, corrected by Holm's method for the number of
    pairs. Raises ValueError if there are fewer than two systems or their documents are not the gold documents.
    """
    if len(systems) < 2:
        raise ValueError("name at least two systems")
    f1 = {name: score(gold, predicted).micro.f1 for name, predicted in systems.items()}
    pairs = list(combinations(systems, 2))
    tests = {unit: _tests({n: count_units(gold, p, unit) for n, p in systems.items()}, pairs) for unit in UNITS}
    units = {unit: len(count_units(gold, gold, unit)) for unit in UNITS}
    return Comparison(
        systems={name: SystemScore(f1[name], intervals(gold, predicted)) for name, predicted in systems.items()},
        pairs=tuple(
            PairComparison((a, b), f1[a] - f1[b], *(tests[unit][place] for unit in UNITS))
            for place, (a, b) in enumerate(pairs)
        ),
        smallest_p={unit: smallest_p(number) for unit, number in units.items()},
        units=units,
    )


def _tests(counts: Mapping[str, CountTable], pairs: Sequence[tuple[str, str]]) -> list[PairTest]:
    """Test each pair of systems with one unit of resampling."""
    ps = [paired_test(counts[a], counts[b]) for a, b in pairs]
    ranges = [difference_interval(counts[a], counts[b]) for a, b in pairs]
    return [PairTest(*row) for row in zip(ranges, ps, holm(ps), strict=True)]


def format_comparison(compared: Comparison) -> str:
    """Tabulate the systems and the pairs, with the smallest p that the number of documents allows."""
    systems = [
        [name, _percent(row.f1), *(_range(row.intervals.of(unit).bca) for unit in UNITS)]
        for name, row in sorted(compared.systems.items(), key=lambda item: -item[1].f1)
    ]
    pairs = [
        [
            " - ".join(pair.systems),
            f"{100 * pair.difference:+.2f}",
            *(cell for unit in UNITS for cell in _test_cells(pair, unit)),
        ]
        for pair in compared.pairs
    ]
    corrected = len(compared.pairs) > 1
    return "\n".join(
        [
            figures_table(["system", "micro F1", "by document", "by sentence"], systems),
            "\n95% intervals: BCa bootstrap, 10,000 resamples\n",
            figures_table(["difference", "micro F1", "by document", "p", "by sentence", "p (optimistic)"], pairs),
            f"\np: paired approximate randomisation, two-sided{', corrected by Holm' if corrected else ''}",
            f"{compared.units['document']} documents cannot give a p below {compared.smallest_p['document']:.4g}"
            f"{' before correction' if corrected else ''}; "
            "sentences of one document are similar, so the p by sentence is too small",
        ]
    )


def _test_cells(pair: PairComparison, unit: Unit) -> tuple[str, str]:
    return _range(pair.test(unit).interval), f"{pair.test(unit).p_holm:.4f}"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _range(ends: Interval) -> str:
    return " to ".join(map(_percent, ends))

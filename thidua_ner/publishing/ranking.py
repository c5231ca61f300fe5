"""Who is better: paired tests between systems, ranks with ties, and what the columns of the leaderboard can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from thidua_ner.publishing.columns import Column, Standing, difference_p, units_needed
from thidua_ner.scoring.resampling import holm

ALPHA = 0.05
DIFFERENCES = (0.01, 0.02, 0.05)
"""The differences of which the leaderboard says how many documents they need."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The systems of a column, best first, with their ranks and the p-values of all pairs, corrected by Holm.

    The rank of a system is one more than the number of systems that are significantly better.
    """

    column: Column
    standings: Mapping[str, Standing]
    ranks: Mapping[str, int]
    p: Mapping[tuple[str, str], float]

    def p_of(self, first: str, second: str) -> float:
        """Return the corrected p of two systems, in either order."""
        return self.p[first, second] if (first, second) in self.p else self.p[second, first]


def rank(column: Column, standings: Mapping[str, Standing]) -> Ranking:
    """Test every pair of systems, by name, and rank them."""
    ordered = dict(sorted(standings.items(), key=lambda item: (-item[1].mean, item[0])))
    pairs = list(combinations(ordered, 2))
    corrected = holm([difference_p(column, ordered[a], ordered[b]) for a, b in pairs])
    p = dict(zip(pairs, corrected, strict=True))
    # of a pair the first has the higher mean
    better = {name: sum(value < ALPHA for (_, worse), value in p.items() if worse == name) for name in ordered}
    return Ranking(column, ordered, {name: 1 + number for name, number in better.items()}, p)


def median_units_needed(ranking: Ranking) -> dict[float, float]:
    """Estimate, for each of `DIFFERENCES`, the units that it needs: the median over all pairs of systems."""
    pairs = [(ranking.standings[a], ranking.standings[b]) for a, b in ranking.p]
    return {
        difference: median(units_needed(ranking.column, first, second, difference) for first, second in pairs)
        for difference in DIFFERENCES
    }


def rank_correlations(figures: Mapping[str, Mapping[str, float]]) -> dict[tuple[str, str], float | None]:
    """Compute Kendall's tau-b between columns, over the systems that both have; None if they are fewer than three."""
    from scipy.stats import kendalltau

    found: dict[tuple[str, str], float | None] = {}
    for first, second in combinations(figures, 2):
        common = [name for name in figures[first] if name in figures[second]]
        sides = [[figures[column][name] for name in common] for column in (first, second)]
        found[first, second] = float(kendalltau(*sides).statistic) if len(common) > 2 else None
    return found


def shares_found(standings: Sequence[Standing]) -> dict[tuple[str, int, int, str], float]:
    """Compute for each gold span of a column the share of systems that find it; seeds of a system count as parts."""
    spans = standings[0].found
    return {span: sum(standing.found[span] for standing in standings) / len(standings) for span in spans}

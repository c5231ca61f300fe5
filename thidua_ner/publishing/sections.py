"""The sections of the leaderboard on its figures: who is better, what the columns can tell, which mentions are hard."""

import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tabulate import tabulate

from thidua_ner.publishing.markdown import plain_text
from thidua_ner.publishing.ranking import (
    ALPHA,
    DIFFERENCES,
    Ranking,
    median_units_needed,
    rank_correlations,
    shares_found,
)
from thidua_ner.scoring.resampling import smallest_p

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The ends of the groups of mentions by the share of systems that find them."""


def who_is_better(rankings: Sequence[Ranking]) -> list[str]:
    """Tabulate for each column the difference of every pair of systems, with its corrected p."""
    compared = [ranking for ranking in rankings if ranking.p]
    if not compared:
        return []
    parts = [
        "## Who is better\n",
        "Row minus column in points, and in brackets the p of their difference: paired approximate randomisation by\n"
        "document, for `pairs` McNemar's exact test over the pairs that most seeds have right; corrected by Holm for\n"
        f"the number of comparisons in the column. Bold: p below {ALPHA}. The test and the interval pool\n"
        "the seeds of a system; the figures are means over them.\n",
    ]
    for ranking in compared:
        names = list(ranking.standings)
        body = [
            [f"{plain_text(first)}, {_interval(ranking, first)}", *(_difference(ranking, first, one) for one in names)]
            for first in names
        ]
        headers = [f"{ranking.column.name}, 95% interval", *map(plain_text, names)]
        parts += [tabulate(body, headers=headers, tablefmt="github", disable_numparse=True), ""]
        if ranking.column.unit == "document" and (least := smallest_p(ranking.column.size)) > ALPHA / len(ranking.p):
            parts += [
                f"{ranking.column.size} documents cannot give a p below {least:.4f} before correction: no difference\n"
                "in this column is significant, however large.\n"
            ]
    return parts


def _interval(ranking: Ranking, name: str) -> str:
    return " to ".join(f"{100 * end:.1f}" for end in ranking.standings[name].interval)


def _difference(ranking: Ranking, first: str, second: str) -> str:
    if first == second:
        return ""
    p = ranking.p_of(first, second)
    shown = f"{100 * (ranking.standings[first].mean - ranking.standings[second].mean):+.1f} ({_p(p)})"
    return f"**{shown}**" if p < ALPHA else shown


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"


def columns_agree(rankings: Sequence[Ranking], robust: Mapping[str, tuple[float, float] | None]) -> list[str]:
    """Tabulate Kendall's tau between the columns, and between them and the mean over spellings."""
    figures = {one.column.name: {name: own.mean for name, own in one.standings.items()} for one in rankings}
    figures["robust"] = {name: own[0] for name, own in robust.items() if own}
    tau = rank_correlations(figures)
    names = list(figures)
    body = [
        [
            first,
            *("" if names.index(second) <= names.index(first) else _tau(tau[first, second]) for second in names[1:]),
        ]
        for first in names[:-1]
    ]
    return [
        "## Do the columns agree\n",
        "Kendall's τ between the orders of the systems; 1 is the same order, 0 no relation. With few systems only a\n"
        "value near 1 or -1 says much.\n",
        tabulate(body, headers=["", *names[1:]], tablefmt="github", disable_numparse=True),
        "",
    ]


def _tau(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.2f}"


def needed_section(rankings: Sequence[Ranking]) -> list[str]:
    """Tabulate how many documents a difference needs in each column."""
    body = []
    for ranking in rankings:
        if ranking.p:
            needed = median_units_needed(ranking)
            cells = (f"{math.ceil(needed[difference]):,}" for difference in DIFFERENCES)
            body.append([ranking.column.name, f"{ranking.column.size} {ranking.column.unit}s", *cells])
    if not body:
        return []
    headers = [
        "column",
        "it has",
        *(f"for {100 * one:.0f} {'point' if one == DIFFERENCES[0] else 'points'}" for one in DIFFERENCES),
    ]
    return [
        "## What the columns can tell\n",
        "How many documents (or pairs) a difference between two systems needs so that the test finds it four times in\n"
        "five at p = 0.05, without correction: the median over the pairs of systems, from the spread of their\n"
        "difference over resampled documents.\n",
        tabulate(body, headers=headers, tablefmt="github", disable_numparse=True),
        "",
    ]


def hard_mentions(rankings: Sequence[Ranking]) -> list[str]:
    """Count the gold mentions of each column by the share of systems that find them."""
    body = []
    for ranking in rankings:
        shares = list(shares_found(list(ranking.standings.values())).values())
        groups = [sum(share == 0 for share in shares)]
        groups += [sum(low < share <= high for share in shares) for low, high in pairwise(_SHARES[:-1])]
        groups += [sum(_SHARES[-2] < share < 1 for share in shares), sum(share == 1 for share in shares)]
        body.append([ranking.column.name, len(shares), *(f"{100 * n / max(len(shares), 1):.1f}" for n in groups)])
    if not body:
        return []
    between = [f"to {100 * high:.0f}%" for high in _SHARES[1:-1]]
    headers = ["column", "mentions", "no system", *between, "more", "all systems"]
    return [
        "## Which mentions are hard\n",
        "The percentage of gold mentions by the share of systems that find them; of a system with several seeds, each\n"
        "counts for its part.\n",
        tabulate(body, headers=headers, tablefmt="github", disable_numparse=True),
        "",
    ]


def mean_or_dash(values: Sequence[float | None]) -> str:
    """Format the mean of values in percent; a dash if one is not known."""
    known = [100 * value for value in values if value is not None]
    return f"{statistics.mean(known):.1f}" if known and len(known) == len(values) else "-"

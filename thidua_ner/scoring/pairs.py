"""Scores of minimal pairs: a pair counts if both of its halves are wholly right.

The id of a passage is that of its pair and `a` or `b`; the id of a pair is its phenomenon and its number.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from thidua_ner.scoring.results import Interval, PairRate, PairScores
from thidua_ner.text.spans import Document

HALVES = "ab"
_PASSAGE = re.compile(rf".{{1,200}}-[0-9]{{2,6}}[{HALVES}]")


def passage_id(phenomenon: str, pair: int, half: str) -> str:
    """Name half of a pair."""
    return f"{phenomenon}-{pair:02}{half}"


def pair_of(passage: str) -> str:
    """Return the pair of a passage, both by id."""
    return passage[:-1]


def phenomenon_of(pair: str) -> str:
    """Return the phenomenon of a pair."""
    return pair.rpartition("-")[0]


def are_pairs(documents: Sequence[Document]) -> bool:
    """Tell whether documents are the halves of minimal pairs, by their ids."""
    halves = Counter(pair_of(d.id) for d in documents if _PASSAGE.fullmatch(d.id))
    return bool(halves) and set(halves.values()) == {len(HALVES)} and halves.total() == len(documents)


def right_pairs(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, bool]:
    """Tell of each pair, by id, whether all passages of it are wholly right."""
    return join_halves(
        (left.id, left.triples() == found.triples()) for left, found in zip(gold, predicted, strict=True)
    )


def join_halves(right: Iterable[tuple[str, bool]]) -> dict[str, bool]:
    """Tell of each pair whether all its passages are right, given the id of each passage and whether it is."""
    pairs: dict[str, bool] = {}
    for passage, is_right in right:
        pair = pair_of(passage)
        pairs[pair] = pairs.get(pair, True) and is_right
    return pairs


def pair_scores(gold: Sequence[Document], predicted: Sequence[Document]) -> PairScores | None:
    """Count right pairs, in all and by phenomenon; None if the documents are not the halves of pairs."""
    if not are_pairs(gold):
        return None
    right = right_pairs(gold, predicted)
    groups: dict[str, list[bool]] = {}
    for pair, is_right in right.items():
        groups.setdefault(phenomenon_of(pair), []).append(is_right)
    return PairScores(_rate(right.values()), {name: _rate(own) for name, own in sorted(groups.items())})


def _rate(right: Iterable[bool]) -> PairRate:
    """Compute the share of right pairs and its 95% interval."""
    values = list(right)
    return PairRate(sum(values), len(values), wilson(sum(values), len(values)))


def wilson(right: int, pairs: int) -> Interval:
    """Compute the 95% interval of a share (Wilson 1927)."""
    from scipy.stats import binomtest

    found = binomtest(right, pairs).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def mcnemar(first: Mapping[str, bool], second: Mapping[str, bool]) -> float:
    """Test whether two systems get the same pairs right: McNemar's exact test, two-sided p."""
    from scipy.stats import binomtest

    only_first = sum(first[pair] and not second[pair] for pair in first)
    only_second = sum(second[pair] and not first[pair] for pair in first)
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0

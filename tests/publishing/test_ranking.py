"""Who is better: ranks with ties, and what the columns can tell."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from thidua_ner.publishing.columns import Column, Standing, difference_p, units_needed
from thidua_ner.publishing.ranking import median_units_needed, rank, rank_correlations, shares_found
from thidua_ner.publishing.sections import columns_agree
from thidua_ner.scoring.pairs import mcnemar
from thidua_ner.scoring.resampling import holm, paired_test


def standing(counts):
    """A system of one seed with these counts of correct, predicted and gold spans by document."""
    table = np.array(counts, dtype=float)
    correct, predicted, gold = table.sum(axis=0)
    return Standing((float(2 * correct / (predicted + gold)),), (0.0, 1.0), table, {}, {})


def pair_standing(right):
    own = [bool(one) for one in right]
    return Standing((sum(own) / len(own),), (0.0, 1.0), np.zeros((1, 3)), {}, dict(enumerate(own)))


def documents(number):
    return Column("wild news", "wild", {f"baomoi-{n}": () for n in range(number)})


def pairs(number):
    return Column("pairs", "pairs", {f"x-{n:03}{half}": () for n in range(number) for half in "ab"})


def of_ten(*corrects):
    """A system that finds these numbers of ten gold spans, document by document, and nothing else."""
    return standing([(correct, correct, 10) for correct in corrects])


def test_the_clearly_better_system_is_first_whatever_the_order():
    for names in (("a", "b"), ("b", "a")):
        good, bad = names
        found = rank(documents(12), {"a": None, "b": None} | {good: of_ten(*[9] * 12), bad: of_ten(*[2] * 12)})
        assert dict(found.ranks) == {good: 1, bad: 2}
        assert list(found.standings) == [good, bad]
        assert found.p_of("a", "b") == found.p_of("b", "a") == 2 / 2**12


def test_equal_systems_share_the_first_rank():
    found = rank(documents(12), {name: of_ten(*[7] * 12) for name in "abc"})
    assert dict(found.ranks) == {"a": 1, "b": 1, "c": 1}
    assert set(found.p.values()) == {1.0}


def test_a_system_in_the_middle_ties_with_both():
    # best and worst differ in all documents, the middle one from each by turns
    best, worst = [8] * 12, [6] * 12
    middle = [10, 4] * 6
    found = rank(documents(12), {"best": of_ten(*best), "middle": of_ten(*middle), "worst": of_ten(*worst)})
    assert found.p_of("best", "worst") < 0.05 <= min(found.p_of("best", "middle"), found.p_of("middle", "worst"))
    assert dict(found.ranks) == {"best": 1, "middle": 1, "worst": 2}


def test_the_p_of_all_pairs_are_corrected_together():
    systems = {
        "a": of_ten(*[9] * 12),
        "b": of_ten(*[8] * 11, 10),
        "c": of_ten(*[7] * 9, 9, 9, 10),
        "d": of_ten(*[1] * 12),
    }
    found = rank(documents(12), systems)
    raw = [paired_test(systems[a].counts, systems[b].counts) for a, b in found.p]
    assert list(found.p.values()) == holm(raw)
    assert len(raw) == 6
    assert sum(one > first for one, first in zip(found.p.values(), raw, strict=True)) >= 4


def test_five_documents_never_give_a_better_system():
    found = rank(documents(5), {"all": of_ten(*[10] * 5), "nothing": of_ten(*[0] * 5)})
    assert dict(found.p) == {("all", "nothing"): 0.0625}
    assert dict(found.ranks) == {"all": 1, "nothing": 1}


def test_pairs_are_tested_by_mcnemar():
    first, second = [True] * 9 + [False] * 3, [True] * 2 + [False] * 9 + [True]
    systems = {"a": pair_standing(first), "b": pair_standing(second)}
    # seven pairs that only the first has right, one that only the second has: 2 * (1 + 8) / 2**8
    assert difference_p(pairs(12), systems["a"], systems["b"]) == pytest.approx(18 / 256)
    assert dict(rank(pairs(12), systems).ranks) == {"a": 1, "b": 1}
    systems["b"] = pair_standing([False] * 12)
    assert dict(rank(pairs(12), systems).ranks) == {"a": 1, "b": 2}  # 2 / 2**9


KINDS = np.array([[8, 9, 10], [7, 10, 10], [5, 5, 6], [3, 7, 9]], dtype=float)
OTHERS = np.array([[6, 9, 10], [8, 10, 10], [3, 5, 6], [3, 6, 9]], dtype=float)


def test_as_many_documents_as_are_said_to_be_needed_find_the_difference_four_times_in_five():
    first, second = (standing(np.repeat(kinds, 50, axis=0)) for kinds in (KINDS, OTHERS))
    needed = units_needed(documents(200), first, second, first.mean - second.mean)
    assert 15 < needed < 100
    chance, draws = np.random.default_rng(1), 150
    places = [chance.integers(0, 200, math.ceil(needed)) for _ in range(draws)]
    found = sum(paired_test(first.counts[own], second.counts[own]) < 0.05 for own in places)
    assert 0.7 < found / draws < 0.9


def test_as_many_pairs_as_are_said_to_be_needed_find_the_difference_four_times_in_five():
    first = np.array([True] * 60 + [False] * 30 + [True] * 110)
    second = np.array([False] * 60 + [True] * 30 + [True] * 110)
    needed = units_needed(pairs(200), *map(pair_standing, (first, second)), 0.15)
    # (1.96 + 0.84)² / 0.15² of the variance 0.45 - 0.15²
    assert needed == pytest.approx(149.1, abs=0.1)
    chance, draws = np.random.default_rng(1), 300
    found = 0
    for _ in range(draws):
        own = chance.integers(0, 200, math.ceil(needed))
        found += mcnemar(pair_standing(first[own]).right, pair_standing(second[own]).right) < 0.05
    assert 0.68 < found / draws < 0.9  # the exact test is the more careful one


@pytest.mark.parametrize("column", [documents(200), pairs(200)])
def test_half_the_difference_needs_four_times_the_units(column):
    chance = np.random.default_rng(2)
    if column.unit == "pair":
        systems = [pair_standing(chance.random(200) < share) for share in (0.7, 0.5)]
    else:
        systems = [standing(np.repeat(kinds, 50, axis=0)) for kinds in (KINDS, OTHERS)]
    assert units_needed(column, *systems, 0.01) == pytest.approx(4 * units_needed(column, *systems, 0.02))
    assert units_needed(column, *systems, 0.01) == pytest.approx(
        units_needed(column, *reversed(systems), 0.01), rel=0.1
    )


def test_no_difference_is_found_with_fewer_than_six_units():
    assert units_needed(documents(12), of_ten(*[9] * 12), of_ten(*[8] * 12), 0.05) == 6
    assert paired_test(of_ten(*[9] * 6).counts, of_ten(*[8] * 6).counts) < 0.05
    assert paired_test(of_ten(*[9] * 5).counts, of_ten(*[8] * 5).counts) > 0.05


def test_the_median_of_the_units_needed_is_over_all_pairs():
    chance = np.random.default_rng(3)
    systems = {name: of_ten(*chance.integers(low, 11, 12)) for name, low in (("a", 7), ("b", 4), ("c", 1))}
    found = rank(documents(12), systems)
    each = sorted(units_needed(found.column, systems[a], systems[b], 0.02) for a, b in found.p)
    assert median_units_needed(found)[0.02] == each[1] != each[0]


def test_kendalls_tau_is_that_of_the_orders():
    figures = {
        "one": {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6},
        "same": {"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.2},
        "turned": {"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4},
        "swap": {"a": 0.9, "b": 0.7, "c": 0.8, "d": 0.6, "e": 1.0},
        "ties": {"a": 0.5, "b": 0.5, "c": 0.4, "d": 0.1},
        "two": {"a": 0.5, "b": 0.4},
    }
    found = rank_correlations(figures)
    assert found["one", "same"] == pytest.approx(1.0)
    assert found["one", "turned"] == pytest.approx(-1.0)
    assert found["one", "swap"] == pytest.approx(4 / 6)  # five pairs of systems in the same order, one turned
    assert found["one", "ties"] == pytest.approx(kendalltau([4, 3, 2, 1], [3, 3, 2, 1]).statistic)
    assert found["one", "ties"] == pytest.approx(5 / 30**0.5)
    assert found["one", "two"] is None
    assert len(found) == 15


def test_a_correlation_that_is_not_known_is_a_dash():
    varied, equal = ({"a": 9, "b": 5, "c": 1}, dict.fromkeys("abc", 4))
    rankings = [
        rank(Column(name, "wild", documents(12).gold), {key: of_ten(*[n] * 12) for key, n in own.items()})
        for name, own in (("varied", varied), ("equal", equal))
    ]
    lines = columns_agree(rankings, {"a": (90.0, 80.0), "b": (50.0, 40.0), "c": None})
    assert lines[2].splitlines() == [
        "|        | equal   | robust   |",
        "|--------|---------|----------|",
        "| varied | -       | -        |",
        "| equal  |         | -        |",
    ]


def test_the_share_of_systems_that_find_a_span_counts_seeds_as_parts():
    spans = [("x", 0, 1, "ORG"), ("x", 2, 3, "PER"), ("y", 0, 1, "LOC")]
    systems = [
        Standing((0.5,), (0, 1), np.zeros((1, 3)), dict(zip(spans, found, strict=True)), {})
        for found in ((1.0, 1 / 3, 0.0), (1.0, 1.0, 0.0))
    ]
    assert shares_found(systems) == pytest.approx({spans[0]: 1.0, spans[1]: 2 / 3, spans[2]: 0.0})

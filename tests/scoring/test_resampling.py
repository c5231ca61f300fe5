"""Intervals and tests against scipy's, on tables of counts."""

import numpy as np
import pytest
from hypothesis import given
from scipy import stats

from tests.strategies import scored_pairs
from thidua_ner.scoring.resampling import (
    count_units,
    difference_interval,
    holm,
    interval,
    paired_test,
    smallest_p,
)
from thidua_ner.scoring.results import UNITS
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span


def f1(counts):
    return 2 * counts[..., 0] / np.maximum(counts[..., 1] + counts[..., 2], 1)


def table(seed, units):
    """Counts of a system that finds about four of five spans."""
    rng = np.random.default_rng(seed)
    gold = rng.poisson(3, units)
    correct = rng.binomial(gold, 0.8)
    return np.stack([correct, correct + rng.poisson(0.5, units), gold], axis=1)


def swapping(first, second):
    """The statistic of scipy's permutation test, which exchanges numbers that stand for rows of counts."""
    rows = np.concatenate([first, second])
    numbers = np.arange(len(first))

    def statistic(left, right, **_):
        return np.abs(f1(rows[left].sum(axis=-2)) - f1(rows[right].sum(axis=-2)))

    return (numbers, numbers + len(first)), statistic


@pytest.mark.parametrize("method", ["percentile", "BCa"])
@pytest.mark.parametrize("units", [5, 12, 84])
def test_intervals_are_scipys(method, units):
    counts = table(units, units)
    theirs = stats.bootstrap(
        tuple(counts.T),
        lambda correct, predicted, gold, axis: 2 * correct.sum(axis) / (predicted.sum(axis) + gold.sum(axis)),
        paired=True, vectorized=True, n_resamples=10_000, method=method, rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert interval(counts, method) == pytest.approx((theirs.low, theirs.high), abs=0.006)


@pytest.mark.parametrize("units", [2, 5, 9])
def test_the_exact_test_is_scipys(units):
    first, second = table(1, units), table(2, units)
    second[:, 2] = first[:, 2]
    data, statistic = swapping(first, second)
    theirs = stats.permutation_test(
        data, statistic,
        permutation_type="samples", vectorized=True, alternative="greater", n_resamples=np.inf,
    )  # fmt: skip
    assert paired_test(first, second) == pytest.approx(theirs.pvalue)


def test_the_randomised_test_is_scipys():
    first, second = table(3, 60), table(4, 60)
    second[:, 2] = first[:, 2]
    data, statistic = swapping(first, second)
    theirs = stats.permutation_test(
        data, statistic, permutation_type="samples", vectorized=True, alternative="greater", n_resamples=10_000,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    assert paired_test(first, second) == pytest.approx(theirs.pvalue, abs=0.02)


def test_a_system_does_not_differ_from_itself():
    counts = table(5, 30)
    assert paired_test(counts, counts) == 1
    assert difference_interval(counts, counts) == (0, 0)


@pytest.mark.parametrize("units", [1, 2, 5, 13])
def test_the_smallest_p_is_reached_by_the_plainest_difference(units):
    right = np.full((units, 3), 4)
    wrong = right * [0, 1, 1]
    assert paired_test(right, wrong) == pytest.approx(smallest_p(units))
    assert smallest_p(5) == 0.0625


def test_many_units_reach_the_smallest_p_of_as_many_draws():
    right = np.full((200, 3), 4)
    assert paired_test(right, right * [0, 1, 1]) == pytest.approx(smallest_p(200)) == pytest.approx(1 / 10_001)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_an_interval_without_variation_is_the_point(method):
    assert interval(np.array([[3, 4, 5]]), method) == pytest.approx((6 / 9, 6 / 9))
    assert interval(np.full((7, 3), 2), method) == (1, 1)
    assert interval(np.zeros((7, 3), dtype=int), method) == (0, 0)


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_the_same_counts_give_the_same_interval_in_any_order(method):
    counts = table(6, 40)
    assert interval(counts, method) == interval(counts[::-1], method)


def test_intervals_hold_the_true_score_about_as_often_as_they_say():
    truth = 2 * 0.8 * 3 / (0.8 * 3 + 0.5 + 3)
    held = sum(low <= truth <= high for low, high in (interval(table(seed, 60), "BCa") for seed in range(100)))
    assert 88 <= held <= 100


def test_holm_is_the_step_down_method():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]


@given(scored_pairs())
def test_units_add_up_to_the_score(pair):
    gold, predicted = pair
    micro = score(gold, predicted).micro
    for unit in UNITS:
        counts = count_units(gold, predicted, unit).sum(axis=0)
        assert f1(counts) == pytest.approx(micro.f1)
        assert counts[2] == micro.support


def test_a_span_counts_for_the_sentence_in_which_it_begins():
    document = Document("a", "Một hai.\nBa bốn.", (Span(0, 3, "NUM"), Span(9, 11, "NUM")))
    predicted = document.with_spans((Span(4, 11, "NUM"),))
    assert count_units([document], [predicted], "sentence").tolist() == [[0, 1, 1], [0, 0, 1]]
    assert count_units([document], [predicted], "document").tolist() == [[0, 1, 2]]

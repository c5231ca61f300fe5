"""Scores by kinds of mentions, against counts made by hand and against the overall scores."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from tests.strategies import scored_pairs
from thidua_ner.scoring.breakdowns import breakdown, calibration
from thidua_ner.scoring.results import Score
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.spelling import normalise_surface

TEXT = "Sáng 3/4, Công an tỉnh Quảng Nam họp. Công an tỉnh thăm Huế."
ORG, LOC = Span(10, 32, "ORG"), Span(56, 59, "LOC")
GOLD = [Document("d", TEXT, (Span(5, 8, "DATE"), ORG, LOC))]


def found(*spans):
    return [GOLD[0].with_spans(spans)]


@given(scored_pairs())
def test_groups_add_up_to_the_whole(pair):
    gold, predicted = pair
    whole = score(gold, predicted).micro
    broken = breakdown(gold, predicted, {d.id: frozenset({"Quảng", "Công an"}) for d in gold})
    groupings = [broken.length, broken.place_in_sentence, broken.sentence, broken.seen.exact, broken.seen.normalised]
    for groups in groupings:
        assert sum(row.support for row in groups.values()) == whole.support
        right = sum(round(row.recall * row.support) for row in groups.values())
        assert right == round(whole.recall * whole.support)


def test_a_span_with_white_space_at_its_edge_has_its_own_length():
    document = Document("d", "ở Hà Nội nay", (Span(1, 8, "LOC"),))
    assert list(breakdown([document], [document]).length) == ["2"]


def test_mentions_are_seen_by_surface():
    mentions = {"d": frozenset({"HUẾ", "công  an tỉnh quảng nam", "3/4"})}
    seen = breakdown(GOLD, found(ORG), mentions).seen
    assert {name: row.support for name, row in seen.exact.items()} == {"seen": 1, "unseen": 2}
    assert seen.exact["unseen"] == Score(precision=1.0, recall=0.5, f1=2 / 3, support=2)
    assert {name: row.support for name, row in seen.normalised.items()} == {"seen": 3}
    assert breakdown(GOLD, found(ORG)).seen is None


@given(st.text())
def test_normal_surfaces_do_not_mind_form(surface):
    assert normalise_surface(unicodedata.normalize("NFD", surface)) == normalise_surface(
        unicodedata.normalize("NFC", surface)
    )
    assert normalise_surface(f"  {surface}\u00a0") == normalise_surface(surface)


def test_mentions_are_grouped_by_length_and_place():
    broken = breakdown(GOLD, found(LOC))
    assert {name: row.support for name, row in broken.length.items()} == {"1": 1, "3": 1, "5 to 7": 1}
    assert {name: row.support for name, row in broken.place_in_sentence.items()} == {
        "first third": 2,
        "last third": 1,
    }
    assert {name: (row.support, row.f1) for name, row in broken.sentence.items()} == {
        "first": (2, 0.0),
        "second": (1, 1.0),
    }


def test_a_prediction_outside_every_token_has_a_group_too():
    document = Document("d", " a\n\nb ")
    broken = breakdown([document], [document.with_spans((Span(2, 4, "ORG"),))])
    assert all(sum(row.precision == 0 for row in getattr(broken, key).values()) for key in ("length", "sentence"))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_calibration_is_that_of_scikit_learn(outcomes):
    text = "a " * len(outcomes)
    predicted = [Span(2 * i, 2 * i + 1, "ORG", score) for i, (score, _) in enumerate(outcomes)]
    right = tuple(span for span, (_, is_right) in zip(predicted, outcomes, strict=True) if is_right)
    table = calibration([Document("d", text, right)], [Document("d", text, tuple(predicted))])
    scores, hits = (np.array(column) for column in zip(*outcomes, strict=True))
    # scikit-learn's bins include their upper edge, ours the lower: only scores on an edge may move
    if not np.any(np.isclose(scores * 10, np.round(scores * 10))):
        accuracy, confidence = calibration_curve(hits, scores, n_bins=10)
        assert [row.accuracy for row in table.bins] == pytest.approx(accuracy)
        assert [row.confidence for row in table.bins] == pytest.approx(confidence)
    assert sum(row.spans for row in table.bins) == len(outcomes)
    assert 0 <= table.ece <= 1


def test_calibration_error_by_hand():
    predicted = [Document("d", "a b c d", tuple(Span(2 * i, 2 * i + 1, "ORG", s) for i, s in enumerate((0.95, 0.55))))]
    gold = [Document("d", "a b c d", (Span(0, 1, "ORG"), Span(6, 7, "ORG")))]
    assert calibration(gold, predicted).ece == pytest.approx((0.05 + 0.55) / 2)


@pytest.mark.parametrize("scores", [(None,), (0.5, None), (0.5, 1.5), (-0.1,), ()])
def test_no_calibration_without_probabilities(scores):
    spans = tuple(Span(2 * i, 2 * i + 1, "ORG", score) for i, score in enumerate(scores))
    assert calibration([Document("d", "a b c", ())], [Document("d", "a b c", spans)]) is None

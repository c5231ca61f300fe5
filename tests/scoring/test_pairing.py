"""Pairs of gold and predicted spans, and the confusions counted from them."""

from dataclasses import asdict

import pytest
from hypothesis import given

from tests.strategies import scored_pairs
from thidua_ner.scoring.pairing import KINDS, confusions, pair_spans
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span

TEXT = "Công an tỉnh Quảng Nam"


def span(start, end, label="ORG"):
    return Span(start, end, label)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([span(0, 22)], [span(0, 22)], ["correct"]),
        ([span(0, 22)], [span(0, 22, "LOC")], ["wrong type"]),
        ([span(0, 22)], [span(0, 7)], ["wrong boundary"]),
        ([span(0, 22)], [span(13, 22, "LOC")], ["wrong both"]),
        ([span(0, 22)], [], ["missed"]),
        ([], [span(0, 7)], ["spurious"]),
        ([span(0, 7)], [span(8, 12)], ["missed", "spurious"]),
        # one gold span, two predictions: the one of the same type is paired, even with a smaller overlap
        ([span(0, 22)], [span(0, 7), span(8, 22, "LOC")], ["wrong boundary", "spurious"]),
        ([span(0, 22)], [span(0, 2, "LOC"), span(8, 22, "LOC")], ["wrong both", "spurious"]),
        # two gold spans under one prediction: the one with its boundaries
        ([span(0, 7), span(8, 22)], [span(8, 22, "LOC")], ["missed", "wrong type"]),
        # an equal span is never paired with another
        ([span(0, 7), span(8, 22)], [span(0, 8), span(8, 22)], ["wrong boundary", "correct"]),
    ],
)
def test_pairs(gold, predicted, kinds):
    pairs = pair_spans(gold, predicted)
    assert sorted(pair.kind for pair in pairs) == sorted(kinds)
    assert [pair.start for pair in pairs] == sorted(pair.start for pair in pairs)


@given(scored_pairs())
def test_every_span_is_in_one_pair(pair):
    for gold, predicted in zip(*pair, strict=True):
        pairs = pair_spans(gold.spans, predicted.spans)
        assert sorted(p.gold for p in pairs if p.gold) == list(gold.spans)
        assert sorted(p.predicted for p in pairs if p.predicted) == list(predicted.spans)
        for p in pairs:
            if p.gold and p.predicted:
                assert max(p.gold.start, p.predicted.start) < min(p.gold.end, p.predicted.end)


@given(scored_pairs())
def test_confusions_add_up_to_the_scores(pair):
    gold, predicted = pair
    scores, found = score(gold, predicted), confusions(gold, predicted)
    assert list(found.kinds) == list(KINDS)
    assert found.kinds["correct"] == sum(counts.correct for counts in scores.counts.values())
    for label, counts in scores.counts.items():
        assert sum(found.type[label].values()) == counts.gold
        assert sum(row[label] for row in found.type.values()) == counts.predicted
    same_label = sum(found.type[label][label] for label in scores.counts)
    assert sum(sum(row.values()) for row in asdict(found.boundary).values()) == same_label
    assert found.boundary.at.at == found.kinds["correct"]


def test_boundaries_are_told_by_side():
    gold = [Document("d", TEXT, (span(5, 12),))]
    for start, end, row, column in ((0, 12, "before", "at"), (5, 22, "at", "after"), (8, 10, "after", "before")):
        found = confusions(gold, [gold[0].with_spans((span(start, end),))])
        assert asdict(found.boundary)[row][column] == 1
        assert found.kinds["wrong boundary"] == 1


def test_a_label_may_be_called_missed():
    document = Document("d", TEXT, (span(0, 4, "missed"), span(5, 7, "spurious")))
    found = confusions([document], [document]).type
    assert found["missed"]["missed"] == found["spurious"]["spurious"] == 1

"""The ceiling of a word segmentation: how many spans it leaves reachable."""

import pytest

from thidua_ner.scoring.ceilings import Ceiling, reachable_spans, segmentation_ceiling
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.words import SEGMENTERS

DOCUMENT = Document("a", "ở Công an Huế 5 vụ", (Span(2, 9, "ORG"), Span(14, 15, "NUM")))


def join_first_two(syllables):
    return [2, *[1] * (len(syllables) - 2)]


def test_a_cut_entity_lowers_the_ceiling():
    assert segmentation_ceiling([DOCUMENT], SEGMENTERS["none"]) == Ceiling(entities=2, reachable=2, recall=1.0)
    assert segmentation_ceiling([DOCUMENT], join_first_two) == Ceiling(entities=2, reachable=1, recall=0.5)


def test_no_spans_have_a_recall_of_zero():
    assert segmentation_ceiling([], SEGMENTERS["none"]) == Ceiling(entities=0, reachable=0, recall=0.0)


@pytest.mark.parametrize(("lengths", "reachable"), [([1] * 6, 2), ([1, 2, 1, 1, 1], 2), ([1, 1, 2, 1, 1], 1), ([6], 0)])
def test_a_span_is_reachable_if_it_begins_and_ends_with_a_word(lengths, reachable):
    assert reachable_spans(DOCUMENT, lambda _: lengths) == reachable

"""A text cut into plain strings and marks."""

import pytest
from hypothesis import given

from tests.strategies import documents, scored_pairs
from thidua_ner.pages.view import Mark, cut_into_marks, label_colours
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span

TEXT = "Công an tỉnh Quảng Nam"


def plain(parts):
    return "".join(part if isinstance(part, str) else "".join(piece.text for piece in part.pieces) for part in parts)


@given(scored_pairs())
def test_no_character_is_lost_or_moved(pair):
    for gold, predicted in zip(*pair, strict=True):
        parts = list(cut_into_marks(gold, predicted))
        assert plain(parts) == gold.text
        marks = [part for part in parts if isinstance(part, Mark)]
        assert sorted(p.gold for mark in marks for p in mark.pairs if p.gold) == list(gold.spans)
        for side, spans in (("gold", gold.spans), ("predicted", predicted.spans)):
            for span in spans:
                over = [p.text for mark in marks for p in mark.pieces if getattr(p, side) == span]
                assert "".join(over) == gold.surface(span)


@given(documents())
def test_spans_that_are_compared_with_nothing_are_only_found(document):
    marks = [part for part in cut_into_marks(document) if isinstance(part, Mark)]
    assert plain(cut_into_marks(document)) == document.text
    assert [mark.kind for mark in marks] == ["found"] * len(document.spans)
    assert [mark.badge for mark in marks] == [span.label for span in document.spans]


@pytest.mark.parametrize(
    ("gold", "predicted", "kind", "badge"),
    [
        ([(0, 22, "ORG")], [(0, 22, "ORG")], "correct", "ORG"),
        ([(0, 22, "ORG")], [], "missed", "−ORG"),
        ([], [(0, 22, "ORG")], "spurious", "+ORG"),
        ([(0, 22, "ORG")], [(0, 22, "LOC")], "wrong type", "ORG≠LOC"),
        ([(0, 22, "ORG")], [(0, 12, "ORG")], "wrong boundary", "ORG↔"),
        ([(0, 22, "ORG")], [(8, 22, "LOC")], "wrong both", "ORG≠LOC↔"),
        ([(0, 22, "ORG")], [(0, 12, "ORG"), (13, 22, "LOC")], "spurious", "ORG↔ +LOC"),
    ],
)
def test_a_mark_says_what_became_of_its_spans(gold, predicted, kind, badge):
    sides = [Document("d", TEXT, tuple(Span(*span) for span in spans)) for spans in (gold, predicted)]
    (mark,) = [part for part in cut_into_marks(*sides) if isinstance(part, Mark)]
    assert (mark.kind, mark.badge) == (kind, badge)
    assert "“Công an tỉnh" in mark.describe(sides[0]) or "“tỉnh Quảng Nam”" in mark.describe(sides[0])


def test_labels_have_colours_of_their_own():
    assert list(label_colours([*reversed(ENTITY_TYPES), "ORG"]).values()) == [0, 1, 2, 3, 4, 5]
    assert set(label_colours([f"label-{number}" for number in range(20)]).values()) == set(range(8))

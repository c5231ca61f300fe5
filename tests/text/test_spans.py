import pytest

from thidua_ner.text.spans import Document, Span


@pytest.mark.parametrize(("start", "end", "label"), [(-1, 2, "X"), (2, 2, "X"), (3, 2, "X"), (0, 1, ""), (0, 1, "A B")])
def test_bad_spans_are_refused(start, end, label):
    with pytest.raises(ValueError, match=r"span needs|label is"):
        Span(start, end, label)


def test_score_takes_no_part_in_equality():
    assert Span(0, 1, "X", 0.5) == Span(0, 1, "X", 0.9)
    assert len({Span(0, 1, "X", 0.5), Span(0, 1, "X")}) == 1


def test_document_sorts_its_spans():
    assert Document("d", "abcdef", (Span(3, 4, "X"), Span(0, 2, "Y"))).spans == (Span(0, 2, "Y"), Span(3, 4, "X"))


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ((Span(0, 2, "X"), Span(1, 3, "Y")), "overlap"),
        ((Span(0, 2, "X"), Span(0, 2, "X")), "overlap"),
        ((Span(0, 5, "X"), Span(1, 2, "Y")), "overlap"),
        ((Span(4, 7, "X"),), "outside"),
    ],
)
def test_document_refuses_overlap_and_offsets_outside(spans, message):
    with pytest.raises(ValueError, match=message):
        Document("d", "abcdef", spans)


def test_touching_spans_are_flat():
    assert len(Document("d", "5%6", (Span(0, 2, "X"), Span(2, 3, "X"))).spans) == 2

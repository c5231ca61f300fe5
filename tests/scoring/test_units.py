"""Offsets in other units than characters are told, since they score next to nothing without a hint."""

import pytest

from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span

TEXT = "😀😀 ông Lộc tới Huế, rồi về Vinh lúc 8 giờ sáng nay"
GOLD = Document("a", TEXT, (Span(7, 10, "PER"), Span(15, 18, "LOC"), Span(27, 31, "LOC")))
UTF_16 = (Span(9, 12, "PER"), Span(17, 20, "LOC"), Span(29, 33, "LOC"))
BYTES = (Span(14, 19, "PER"), Span(26, 31, "LOC"), Span(44, 48, "LOC"))


def notes(*predictions):
    gold = [Document(str(number), GOLD.text, GOLD.spans) for number in range(len(predictions))]
    return " ".join(score(gold, [one.with_spans(spans) for one, spans in zip(gold, predictions, strict=True)]).notes)


@pytest.mark.parametrize(("units", "spans"), [("UTF-16 units", UTF_16), ("bytes", BYTES)])
def test_offsets_in_other_units_are_told(units, spans):
    scores = score([GOLD], [GOLD.with_spans(spans)])
    assert scores.micro.f1 == 0
    assert f"the offsets look like {units}, not characters: read so, 3 instead of 0" in scores.notes[-1]


@pytest.mark.parametrize("spans", [GOLD.spans, (), (Span(0, 2, "PER"), Span(15, 18, "LOC"))])
def test_offsets_in_characters_give_no_note(spans):
    assert "offsets" not in notes(spans)


def test_matches_by_chance_give_no_note():
    assert "offsets" not in notes(UTF_16[:2])
    wrong = tuple(Span(place, place + 1, "ORG") for place in (3, 4, 5, 13))
    assert "offsets" in notes((*UTF_16, *wrong[:3]))
    assert "offsets" not in notes((*UTF_16, *wrong))

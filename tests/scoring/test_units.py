"""Offsets in other units than characters are told, since they score next to nothing without a hint."""

import pytest

from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span

TEXT = "😀😀 ông Lộc tới Huế, rồi về Vinh lúc 8 giờ"
GOLD = Document("a", TEXT, (Span(7, 10, "PER"), Span(15, 18, "LOC")))


@pytest.mark.parametrize(
    ("units", "spans"),
    [("UTF-16 units", ((9, 12), (17, 20))), ("bytes", ((14, 19), (26, 31)))],
)
def test_offsets_in_other_units_are_told(units, spans):
    (per, loc) = spans
    predicted = GOLD.with_spans((Span(*per, "PER"), Span(*loc, "LOC")))
    scores = score([GOLD], [predicted])
    assert scores.micro.f1 == 0
    assert f"the offsets look like {units}, not characters: read so, 2 instead of 0" in scores.notes[-1]


@pytest.mark.parametrize("spans", [GOLD.spans, (), (Span(0, 2, "PER"), Span(15, 18, "LOC"))])
def test_offsets_in_characters_give_no_note(spans):
    assert "offsets" not in " ".join(score([GOLD], [GOLD.with_spans(spans)]).notes)

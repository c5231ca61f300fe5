"""Perturbations: the spans still select the right text, and each perturbation does what its name says."""

import re
import unicodedata

import pytest
from hypothesis import given

from tests.clocks import keeps_pace
from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.formats import brat
from thidua_ner.text.perturbations import (
    PERTURBATIONS,
    UNSEEN_BODIES,
    UNSEEN_NAMES,
    UNSEEN_PLACES,
    Edit,
    apply_edits,
)
from thidua_ner.text.spans import Document, Span

GOLD = brat.read_folder(ROOT / "annotations/gold")
OTHER_WORDS = {
    "Telex slips",
    "short ranks",
    "unseen persons",
    "unseen places",
    "unseen bodies",
    "dates in words",
    "i and y",
}


def folded(text):
    """The letters and digits of a text, without case and marks."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if c.isalnum())
    return plain.lower().replace("đ", "d").replace("ð", "d")


@pytest.mark.parametrize("name", PERTURBATIONS)
@given(document=documents())
def test_spans_keep_their_order_labels_and_letters(name, document):
    changed = PERTURBATIONS[name](document)
    assert [span.label for span in changed.spans] == [span.label for span in document.spans]
    for before, after in zip(document.spans, changed.spans, strict=True):
        old, new = document.surface(before), changed.surface(after)
        assert new
        if name not in OTHER_WORDS:
            assert folded(new) == folded(old)
            assert new[0].isspace() == old[0].isspace()
            assert new[-1].isspace() == old[-1].isspace()


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_what_lies_between_the_spans_stays_in_its_place(name):
    for document in GOLD:
        changed = PERTURBATIONS[name](document)
        if name in OTHER_WORDS - {"short ranks", "unseen persons", "unseen places", "unseen bodies"}:
            continue
        gaps = [re.split("⟦[^⟧]*⟧", marked(d)) for d in (document, changed)]
        assert [folded(gap) for gap in gaps[0]] == [folded(gap) for gap in gaps[1]]


def marked(document):
    """A text with its spans in brackets."""
    text = document.text
    for span in reversed(document.spans):
        text = f"{text[: span.start]}⟦{text[span.start : span.end]}⟧{text[span.end :]}"
    return text


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_text_is_changed_in_the_same_way(name):
    for document in GOLD:
        assert PERTURBATIONS[name](document) == PERTURBATIONS[name](document)


@pytest.mark.parametrize("name", sorted(set(PERTURBATIONS) - {"straight quotes", "curly quotes", "i and y"}))
def test_each_changes_a_real_text(name):
    assert any(PERTURBATIONS[name](document).text != document.text for document in GOLD)


@pytest.mark.parametrize(
    ("name", "text", "spans", "changed"),
    [
        ("decomposed (NFD)", "⟦Hoà⟧", "PER", unicodedata.normalize("NFD", "⟦Hoà⟧")),
        ("tone on the other vowel", "⟦hoà⟧ thủy quý HOÁ khoẻ toàn", "LOC", "⟦hòa⟧ thuỷ quý HÓA khỏe toàn"),
        ("i and y", "kỹ Lí mì lịch y tế", "", "kĩ Lý mỳ lịch y tế"),
        ("lower case", "⟦CÔNG AN ĐỨC⟧ Ơ", "ORG", "⟦công an đức⟧ ơ"),
        ("capitals", "⟦công an đức⟧ ơ", "ORG", "⟦CÔNG AN ĐỨC⟧ Ơ"),
        ("no tones", "⟦Đường Hồ Ổi⟧", "LOC", "⟦Đương Hô Ôi⟧"),
        ("no diacritics", "⟦Đường Hồ Ổi⟧ ư", "LOC", "⟦Duong Ho Oi⟧ u"),
        ("Telex slips", "⟦Đường⟧ ở Huế", "LOC", "⟦Dduwowngf⟧ ở Huế"),
        ("doubled spaces", "ở ⟦Hà Nội⟧ đó", "LOC", "ở  ⟦Hà  Nội⟧  đó"),
        ("no-break spaces", "ở ⟦Hà Nội⟧", "LOC", "ở\u00a0⟦Hà\u00a0Nội⟧"),
        ("zero-width spaces", "ở ⟦Hà Nội⟧", "LOC", "ở \u200b⟦Hà Nội⟧"),
        ("zero-width characters", "⟦Đồng⟧ chí An nói ở Huế, họp", "ORG", "⟦Đồ\u200bng⟧ chí An nói ở Huế, họp"),
        (
            "soft hyphens",
            "Công ⟦an Quảng⟧ H'Mông nhân dân Đạt",
            "ORG",
            "Cô\u00adng ⟦an Quảng⟧ H'Mông nhân dân Đạ\u00adt",
        ),
        ("direction marks", "Mà ⟦Huế⟧", "LOC", "Mà ⟦Hu\u200eế⟧"),
        ("Ð for Đ", "⟦Đường Đi⟧ đó", "LOC", "⟦Ðường Ði⟧ đó"),
        ("straight quotes", "“Vì ⟦Huế⟧” l’an", "LOC", '"Vì ⟦Huế⟧" l\'an'),
        ("curly quotes", 'nói "Vì ⟦Huế⟧".', "LOC", "nói “Vì ⟦Huế⟧”."),
        ("other dashes", "⟦Cụm 7⟧ - ⟦Bộ⟧ 2-3 – x", "ORG", "⟦Cụm 7⟧ – ⟦Bộ⟧ 2-3 - x"),
        ("joined lines", "một \n\n⟦hai⟧\nba", "NUM", "một ⟦hai⟧ ba"),
        ("dates as 28-7", "⟦ngày 28/7⟧, ⟦1/2/2023⟧, 3/4", "DATE", "⟦ngày 28-7⟧, ⟦1-2-2023⟧, 3/4"),
        ("dates as 28.7", "⟦28/7⟧", "DATE", "⟦28.7⟧"),
        ("dates in words", "⟦ngày 28/7⟧ ⟦1/2/2023⟧", "DATE", "⟦ngày 28 tháng 7⟧ ⟦ngày 1 tháng 2 năm 2023⟧"),
        ("short ranks", "⟦Đại tá⟧ An, ⟦thiếu úy⟧ Ba, ⟦Binh nhì⟧", "RANK", "⟦Đ/tá⟧ An, ⟦Th/úy⟧ Ba, ⟦Binh nhì⟧"),
        ("unseen persons", "⟦An⟧ và ⟦Ba⟧", "PER", f"⟦{UNSEEN_NAMES[0]}⟧ và ⟦{UNSEEN_NAMES[1]}⟧"),
        ("unseen places", "⟦tỉnh An⟧, ⟦Ba⟧", "LOC", f"⟦tỉnh {UNSEEN_PLACES[0]}⟧, ⟦{UNSEEN_PLACES[1]}⟧"),
        ("unseen bodies", "⟦Công an⟧ nói", "ORG", f"⟦{UNSEEN_BODIES[0]}⟧ nói"),
    ],
)
def test_each_does_what_it_says(name, text, spans, changed):
    found, at = [], 0
    for number, part in enumerate(re.split("[⟦⟧]", text)):
        if number % 2:
            found.append(Span(at, at + len(part), spans))
        at += len(part)
    document = Document("d", re.sub("[⟦⟧]", "", text), tuple(found))
    assert marked(PERTURBATIONS[name](document)) == changed


def test_what_is_called_unseen_is_in_no_document():
    texts = [d.text for folder in ("gold", "synthetic") for d in brat.read_folder(ROOT / "annotations" / folder)]
    for surface in (*UNSEEN_NAMES, *UNSEEN_PLACES, *UNSEEN_BODIES):
        assert not [text for text in texts if surface.lower() in text.lower()], surface


def test_an_edit_across_an_edge_is_left_out_and_an_insertion_stays_outside():
    document = Document("d", "abcdef", (Span(2, 4, "ORG"),))
    assert apply_edits(document, [Edit(1, 3, "x")]) == document
    changed = apply_edits(document, [Edit(2, 2, "<"), Edit(4, 4, ">"), Edit(3, 3, "|")])
    assert changed.text == "ab<c|d>ef"
    assert changed.surface(changed.spans[0]) == "c|d"
    with pytest.raises(ValueError, match="overlap"):
        apply_edits(Document("d", "abcdef"), [Edit(1, 3, "x"), Edit(2, 5, "y")])


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("piece", ['"', " ", "\n", "Huế ", "28/7 ", "-", "a\u0301", "hoà "])
def test_a_long_text_takes_no_more_than_its_share_of_time(name, piece):
    def perturb(text):
        spans = tuple(Span(at, at + len(piece), "DATE") for at in range(0, len(text), 2 * len(piece)))
        PERTURBATIONS[name](Document("d", text, spans))

    assert keeps_pace(perturb, piece, 20_000)

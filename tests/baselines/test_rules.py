import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.baselines.rules import find_spans
from thidua_ner.text.spans import Document

TABLE = (ROOT / "thidua_ner/baselines/rules.tsv").read_text(encoding="utf-8")


def marked(text):
    """The text with each span written `[surface]LABEL`."""
    for span in reversed(find_spans(text)):
        text = f"{text[: span.start]}[{text[span.start : span.end]}]{span.label}{text[span.end :]}"
    return text


def bare(text):
    return re.sub(r"\[([^]]*)\][A-Z]+", r"\1", text)


@pytest.mark.parametrize(
    "expected",
    [
        # persons and ranks
        "[Đại tá]RANK [Phan Bá Lực]PER cảm ơn bà [Mai Thị Sen]PER.",
        "đồng chí [Lực]PER được thăng từ [Trung úy]RANK lên [Thượng uý]RANK",
        "[Th/tá]RANK [Sen]PER gặp anh [N.T.K]PER",
        "Ảnh: [Đ. Vinh]PER",
        "Bị hại là [Nguyễn Văn T.]PER, trú tại [xã Tân An]LOC",
        "Theo gương [Bác Hồ]PER, Chủ tịch [Hồ Chí Minh]PER",
        "các hạ sĩ quan, Phó Giám đốc, Chủ tịch",
        # organisations: units with their parent organisation, codes, bare and plural heads
        "[Phòng Tham mưu Công an tỉnh Hà Nam]ORG",
        "Phó Giám đốc [công an tỉnh]ORG và Chủ tịch [UBND huyện Mường La]ORG",
        "[Sở Giáo dục và Đào tạo]ORG, [Cục X03]ORG, [PC02]ORG",
        "[Cụm thi đua số 4]ORG - [Bộ Công an]ORG",
        "xây dựng [Đảng]ORG, quản lý nhà nước, [Chính phủ]ORG",
        "lực lượng Công an, Công an nhân dân, Công an các tỉnh, Công an xã, phường",
        "Bộ luật Hình sự, Hội nghị, Ban tổ chức",
        # places
        "tại [huyện Mường La]LOC, [tỉnh Sơn La]LOC và [Hà Nội]LOC",
        "từ [TP Hồ Chí Minh]LOC, [TP. Huế]LOC theo [Quốc lộ 1A]LOC ra [Bà Rịa - Vũng Tàu]LOC",
        "các phường [Tân An]LOC, [Tân Lợi]LOC và [Ea Tam]LOC",
        "biên giới [Việt]LOC - [Lào]LOC, [sông Đà]LOC, địa bàn tỉnh",
        # dates
        "Sáng [ngày 5/9]DATE, [Thứ Ba, 05/09/2023]DATE, 09:49 GMT+7",
        "[6 tháng đầu năm 2022]DATE, [quý I/2024]DATE, [cuối năm]DATE, [tháng 3/2021]DATE",
        "[giai đoạn 2020 - 2025]DATE, [Tết Nguyên đán Giáp Thìn 2024]DATE, (SN [1979]DATE)",
        "[ngày 28 tháng 7 năm 2023]DATE, [năm nay]DATE, hàng năm, cùng ngày",
        # numbers
        "[3.264]NUM vụ, đạt [86,2%]NUM, [1,2 tỷ]NUM đồng",
        "[mười hai]NUM mũi, [hai mươi bảy]NUM tổ, [năm]NUM đợt, lần thứ [VI]NUM",
        "Nghị quyết 12, Đề án 06, Quyết định số 521/QĐ-TTg, lúc 5 giờ 30, số 12, 15:42",
        "hàng trăm người, một số nơi",
    ],
)
def test_what_is_marked(expected):
    assert marked(bare(expected)) == expected


def test_an_empty_text_has_no_spans():
    assert find_spans("") == ()
    assert find_spans(" \n\u200b\n") == ()


def test_a_span_never_crosses_a_line():
    assert [s.end - s.start for s in find_spans("Công an tỉnh\nHà Nam")] == [12, 6]


TEXT = "Chiều 28/7, Đại tá Phan Bá Lực, Phó Giám đốc Công an tỉnh Hà Nam, trao 1,2 tỷ đồng ở thành phố Phủ Lý."


@pytest.mark.parametrize(
    "change",
    [
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace(" ", "  "),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" ", " \u200b"),
    ],
    ids=["NFD", "doubled spaces", "no-break spaces", "zero-width spaces"],
)
def test_other_writings_shift_the_offsets_alone(change):
    changed = change(TEXT)
    expected = [(change(TEXT[s.start : s.end]), s.label) for s in find_spans(TEXT)]
    assert len(expected) == 6
    assert [(changed[s.start : s.end], s.label) for s in find_spans(changed)] == expected


@given(st.one_of(st.text(), documents().map(lambda document: document.text)))
def test_spans_are_sorted_flat_and_of_one_line(text):
    spans = find_spans(text)
    assert Document("d", text, spans).spans == spans
    assert all("\n" not in text[s.start : s.end] for s in spans)
    assert all(text[s.start : s.end] == text[s.start : s.end].strip() for s in spans)


@given(documents())
def test_decomposed_text_has_the_same_spans(document):
    composed, decomposed = (unicodedata.normalize(form, document.text) for form in ("NFC", "NFD"))
    expected = [(unicodedata.normalize("NFD", composed[s.start : s.end]), s.label) for s in find_spans(composed)]
    assert [(decomposed[s.start : s.end], s.label) for s in find_spans(decomposed)] == expected


@pytest.mark.parametrize(
    "piece", ["Nguyễn ", "Công an ", "Phòng an ninh và ", "A", "1.", "a-", "ab.", "a\u0301", "N.", " "]
)
def test_long_repetitions_do_not_blow_up(piece):
    assert len(find_spans(piece * (200_000 // len(piece)))) <= 200_000


def test_the_lists_are_sorted_out():
    rows = TABLE.splitlines()
    assert rows[0] == "list\tentry"
    assert len(set(rows)) == len(rows)
    assert all(re.fullmatch(r"[a-z_]+\t\S.*\S|[a-z_]+\t\S", row) for row in rows)
    assert unicodedata.is_normalized("NFC", TABLE)

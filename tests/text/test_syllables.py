import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import keeps_pace
from thidua_ner.baselines.crf import token_features
from thidua_ner.baselines.rules import find_spans
from thidua_ner.formats import brat
from thidua_ner.text.characters import visible_text
from thidua_ner.text.spans import Document
from thidua_ner.text.syllables import split_sentences, tokenize
from thidua_ner.text.words import SEGMENTERS, segment

ROOT = Path(__file__).parent.parent.parent

VIETNAMESE = st.text(
    alphabet=st.one_of(
        st.sampled_from("aăâeêioôơuưyđĐÁỀỢ bcdghklmnpqrstvx.,;:!?%/-–()“”\"'’…0123456789\n\u00a0\u200b\u0301\u0323"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=80,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Chiều 28/7, khối", "Chiều 28 / 7 , khối"),
        ("đạt 86,2%, 3.264 vụ", "đạt 86,2 % , 3.264 vụ"),
        ("1.252 vụ/ 2.254 đối tượng", "1.252 vụ / 2.254 đối tượng"),
        ("date 2023-07 (QNO)", "date 2023-07 ( QNO )"),
        ("2023-07-28 28-7-2023 28.7.2023", "2023-07-28 28-7-2023 28.7.2023"),
        ("29/07/2022, 09:49", "29/07/2022 , 09:49"),
        ("14:33 [GMT+7]", "14:33 [ GMT + 7 ]"),
        ("quý I/2024, tháng 7/2023", "quý I / 2024 , tháng 7/2023"),
        ("giai đoạn 2020-2025", "giai đoạn 2020 - 2025"),
        ("từ 5-7 vụ", "từ 5 - 7 vụ"),
        ("(Congannghean.vn)-Sáng", "( Congannghean.vn ) - Sáng"),
        ("Nguồn: bocongan.gov.vn.", "Nguồn : bocongan.gov.vn ."),
        ("https://bocongan.gov.vn/tin-tuc, xem", "https://bocongan.gov.vn/tin-tuc , xem"),
        ("Công an TP.HCM, TP. Hồ Chí Minh", "Công an TP . HCM , TP . Hồ Chí Minh"),
        ("Đ. Thắng", "Đ . Thắng"),
        ("PC02, X03, H'Mông, K’Brôih", "PC02 , X03 , H'Mông , K’Brôih"),
        ("50kg lúc 21h30, 1.250.000đ, 50m2", "50 kg lúc 21 h 30 , 1.250.000 đ , 50 m 2"),
        ("Chiều28/7 tăng25%, túy2kg", "Chiều 28 / 7 tăng 25 % , túy 2 kg"),
        ("15/1.250 1/12.000 dân 12/86,2%", "15 / 1.250 1 / 12.000 dân 12 / 86,2 %"),
        ("3264-86,2 1250-30.000 1:50.000", "3264 - 86,2 1250 - 30.000 1 : 50.000"),
        ("12/345 vụ, 10/15 xã, 5/1234", "12 / 345 vụ , 10 / 15 xã , 5 / 1234"),
        ("01/01/2024-31/12/2024 28/7/23", "01/01/2024 - 31/12/2024 28/7/23"),
        ("từ 2020-21%, 1234-56, 0905-12-34", "từ 2020 - 21 % , 1234 - 56 , 0905 - 12 - 34"),
        ("quận 1,3,5 và 24/24", "quận 1 , 3 , 5 và 24 / 24"),
        ("5%-7%", "5 % - 7 %"),
        ("'Hà Nội'và \"Huế\"", "' Hà Nội ' và \" Huế \""),
        ("pc02@gmail.com, 0912.345.678", "pc02@gmail.com , 0912.345.678"),
        ("năm 2023.Com 24h.com.vn", "năm 2023 . Com 24h.com.vn"),
        ("Q.1, CAND.", "Q . 1 , CAND ."),
        ("Quyết định 521/QĐ-TTg", "Quyết định 521 / QĐ - TTg"),
        ("chính trị..., gây rối…", "chính trị ... , gây rối …"),
        ("“Vì  an ninh Tổ quốc” -0", "“ Vì an ninh Tổ quốc ” - 0"),
        ("  \t ", ""),
        ("", ""),
    ],
)
def test_named_cases(text, tokens):
    assert [token.text for token in tokenize(text)] == tokens.split()


@given(VIETNAMESE)
def test_tokens_select_their_text_in_order_and_miss_only_what_cannot_be_seen(text):
    covered = [False] * len(text)
    end = 0
    for token in tokenize(text):
        assert text[token.start : token.end] == token.text
        assert token.start >= end
        end = token.end
        covered[token.start : token.end] = [True] * len(token.text)
    missed = "".join(character for character, inside in zip(text, covered, strict=True) if not inside)
    assert not visible_text("".join(missed.split())).text


@given(VIETNAMESE)
def test_sentences_hold_every_token_once_and_never_cross_a_line(text):
    sentences = split_sentences(text)
    assert [token for sentence in sentences for token in sentence.tokens] == [
        token for start, line in _lines(text) for token in tokenize(text, start, start + len(line))
    ]
    for sentence in sentences:
        assert "\n" not in text[sentence.start : sentence.end]
        assert (sentence.start, sentence.end) == (sentence.tokens[0].start, sentence.tokens[-1].end)


def _lines(text):
    start = 0
    for line in text.split("\n"):
        yield start, line
        start += len(line) + 1


def test_decomposed_text_has_the_same_tokens():
    for document in brat.read_folder(ROOT / "annotations/gold"):
        composed = [token.text for token in tokenize(document.text)]
        decomposed = tokenize(unicodedata.normalize("NFD", document.text))
        assert [unicodedata.normalize("NFC", token.text) for token in decomposed] == composed


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Một câu. Hai câu! Ba câu? Hết", ["Một câu.", "Hai câu!", "Ba câu?", "Hết"]),
        ("Đến TP. Cần Thơ. Sau đó", ["Đến TP. Cần Thơ.", "Sau đó"]),
        ("Đ. Thắng viết", ["Đ. Thắng viết"]),
        ("Ph. Hòa, LS. Minh, Cty. Sao Mai", ["Ph. Hòa, LS. Minh, Cty. Sao Mai"]),
        ("1. Công an tỉnh", ["1. Công an tỉnh"]),
        ("đạt 3.264 vụ. 144 vụ", ["đạt 3.264 vụ.", "144 vụ"]),
        ("bạo loạn chính trị..., góp phần", ["bạo loạn chính trị..., góp phần"]),
        ("vượt khó... Năm nay", ["vượt khó...", "Năm nay"]),
        ("“Tốt lắm.” Ông nói", ["“Tốt lắm.”", "Ông nói"]),
        ("dòng một\ndòng hai\r\n\n", ["dòng một", "dòng hai"]),
        ("nói: “Thế à? được”", ["nói: “Thế à? được”"]),
        ("bocongan.gov.vn. Xem thêm", ["bocongan.gov.vn.", "Xem thêm"]),
    ],
)
def test_sentence_cases(text, sentences):
    assert [text[s.start : s.end] for s in split_sentences(text)] == sentences


ODD = {
    "lone surrogates": "Hà\ud800 Nội\udfff. \ud83d\ude00 Huế",
    "NUL": "\0Công\0 an\0\0",
    "line separators": "Một.\u2028Hai.\u2029Ba.\x85Bốn.\x0b\x0cNăm\r\nSáu",
    "blank lines": "\n" * 100_000,
    "white space": " \t\u00a0\u3000\u2003" * 1000,
    "marks at the beginning": "\u0301\u0323a \u0301 b\n\u0301",
    "right to left": "שלום עולם. مرحبا بالعالم! \u202eabc\u202c",
    "invisible": "\u200b\ufeff\u00ad \u2060\n\u200e",
}


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_odd_texts_are_split_and_read(text):
    tokens = [token for sentence in split_sentences(text) for token in sentence.tokens]
    assert "".join(visible_text(token.text).text for token in tokens) == "".join(visible_text(text).text.split())
    words = segment(tokens, SEGMENTERS["none"])
    assert all(word.text.encode() for word in words)  # what a tokenizer of subwords needs
    assert len(token_features([token.text for token in tokens])) == len(tokens) == len(words)
    assert Document("d", text, find_spans(text)).spans == find_spans(text)


PATHOLOGICAL = [
    "-",
    "_",
    '"',
    ")",
    "a-",
    "-a.",
    "1-",
    "1.000.",
    "A.",
    "1,",
    "a@",
    "a.a@",
    "www.-",
    "á",
    "(",
    "“",
    "\n",
    " ",
]
PATHOLOGICAL += [
    "\u0323\u0301",
    "\u200b",
    "a\u00ad",
    "4e6f2d",
    "QmFzZTY0/",
    "Nguyễn ",
    "Công an tỉnh ",
    "ngày 1 tháng ",
    "1 ",
]


@pytest.mark.parametrize("unit", PATHOLOGICAL)
def test_the_time_grows_with_the_text(unit):
    def split(text):
        for sentence in split_sentences(text):
            segment(sentence.tokens, SEGMENTERS["none"])
        find_spans(text)

    assert keeps_pace(split, unit, 20_000)

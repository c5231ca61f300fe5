"""With what a span may begin and end."""

import pytest

from tests.conftest import ROOT
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_documents
from thidua_ner.text.edges import find_edges, may_begin, may_end
from thidua_ner.text.syllables import tokenize


def marked(text):
    """Write a text with `[` before each token that may begin a span and `]` behind each that may end one."""
    tokens = tokenize(text)
    pairs = zip(tokens, *find_edges(tokens), strict=True)
    return " ".join("[" * begin + token.text + "]" * end for token, begin, end in pairs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Công an, họp.", "[Công] [an] , [họp] ."),
        ("giảm 5,2% (so", "[giảm] [5,2] %] ( [so]"),
        ("ở TP. Vinh.", "[ở] [TP] .] [Vinh] ."),
        ("Ông Lê Văn A.", "[Ông] [Lê] [Văn] [A] .]"),
        ("đội “Hoa Mai” thắng", "[đội] “ [Hoa] [Mai] ”] [thắng]"),
        ("Hoa Mai” thắng", "[Hoa] [Mai] ” [thắng]"),
        ('"Hoa" thắng', '" [Hoa] "] [thắng]'),
        ("- Huế; ...", "- [Huế] ; ..."),
        (". Huế", ". [Huế]"),
        ("e\u0301 ² Ⅳ", "[e\u0301] [²] [Ⅳ]"),
        ("", ""),
    ],
)
def test_tokens_that_may_begin_and_end_spans(text, expected):
    assert marked(text) == expected


@pytest.mark.parametrize(
    ("surface", "allowed"),
    [
        ("Huế", True), ("5%", True), ("TP.", True), ("Lê Văn A.", True), ("Huế.", False), (".", False), ("..", False),
        ("đội “Hoa Mai”", True), ("Hoa Mai”", False), ("“Hoa Mai’", False), ("đội 'Hoa'", True), ("'", False),
        ("Huế,", False), ("Huế, Vinh,", False), ("(Huế)", False), ("đội “Hoa” (", False),
    ],
)  # fmt: skip
def test_surfaces_that_may_be_spans(surface, allowed):
    assert may_end(surface) == allowed


def test_a_span_may_begin_with_letters_marks_and_digits():
    assert [c for c in "aĐ\u0301²1%.,“'(-" if may_begin(c)] == ["a", "Đ", "\u0301", "²", "1"]


def test_no_annotated_span_begins_or_ends_where_none_may():
    documents = brat.read_folder(ROOT / "annotations/gold")
    documents += read_documents(ROOT / "data/pairs/test.jsonl")
    seen = 0
    for document in documents:
        for sentence in document.sentences():
            begins, ends = find_edges(sentence.tokens)
            first = {token.start for token, may in zip(sentence.tokens, begins, strict=True) if may}
            last = {token.end for token, may in zip(sentence.tokens, ends, strict=True) if may}
            for span in document.spans:
                if sentence.start <= span.start < sentence.end:
                    assert span.start in first
                    assert span.end in last
                    assert may_end(document.surface(span))
                    seen += 1
    assert seen == 176 + 2383

"""Hypothesis strategies for annotated documents, in composed and decomposed Vietnamese."""

import unicodedata

from hypothesis import strategies as st

from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import split_sentences

_SYLLABLES = [
    "Công",
    "an",
    "tỉnh",
    "Quảng",
    "Nam",
    "28/7",
    "3.264",
    "86,2%",
    "đồng",
    "chí",
    "H'Mông",
    "TP.HCM",
    "(QNO)",
]
_SYLLABLES += ["hoà", "Đ.", "…", "năm", "2023-07", "x\u0301\u0323", "🙂", "“Vì"]


@st.composite
def documents(draw: st.DrawFn, name: str = "d") -> Document:
    """Draw a text of a few lines and flat spans on its token boundaries, none across a sentence."""
    gaps = st.sampled_from([" ", " ", " ", "  ", "\u00a0", "\n", ". "])
    pieces = draw(st.lists(st.tuples(st.sampled_from(_SYLLABLES), gaps), min_size=1, max_size=20))
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), "".join(a + b for a, b in pieces))
    return Document(name, text, draw(flat_spans(text)))


@st.composite
def flat_spans(draw: st.DrawFn, text: str) -> tuple[Span, ...]:
    """Draw flat spans of a text."""
    spans = []
    for sentence in split_sentences(text):
        at = 0
        while at < len(sentence.tokens):
            length = draw(st.integers(0, 3))
            if length and at + length <= len(sentence.tokens):
                first, last = sentence.tokens[at], sentence.tokens[at + length - 1]
                spans.append(Span(first.start, last.end, draw(st.sampled_from(list(ENTITY_TYPES)))))
            at += max(length, 1)
    return tuple(spans)


@st.composite
def scored_pairs(draw: st.DrawFn) -> tuple[list[Document], list[Document]]:
    """Draw gold documents and predictions for the same texts, some spans shared."""
    gold, predicted = [], []
    for number in range(draw(st.integers(1, 3))):
        document = draw(documents(f"d{number}"))
        guess = draw(flat_spans(document.text))
        kept = tuple(s for s in document.spans if draw(st.booleans()))
        free = tuple(g for g in guess if all(g.end <= k.start or k.end <= g.start for k in kept))
        gold.append(document)
        predicted.append(document.with_spans((*kept, *free)))
    return gold, predicted

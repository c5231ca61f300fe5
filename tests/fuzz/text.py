"""Functions of texts and tags, which take any string: tokens cover the text, offsets lie inside, tags become legal."""

import unicodedata
from pathlib import Path

from hypothesis import strategies as st

from tests.fuzz.engine import Sample, Target
from thidua_ner.baselines.rules import find_spans
from thidua_ner.text import iob2
from thidua_ner.text.characters import remove_invisible, replace_surrogates
from thidua_ner.text.chunks import chunk_ranges
from thidua_ner.text.spans import Document, is_label
from thidua_ner.text.spelling import normalise_surface
from thidua_ner.text.syllables import Token, split_sentences, tokenize
from thidua_ner.text.words import SEGMENTERS, segment

_PIECES = [
    *("Công an tỉnh Quảng Nam", "Đại tá Nguyễn Văn A", "TP.HCM", "28/7/2023", "3.264.000", "86,2 %", "21:30", "H'Mông"),
    *(
        "ngày 2 tháng 9 năm 1945",
        "www.",
        "https://a.vn",
        "a@b.c",
        "a.com",
        "-",
        "1.",
        "1,",
        "1/",
        "ông ",
        "và ",
        "phường ",
    ),
    *(" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u200b", "\ufeff", "\u2028", "\0", ".", "…", "”", "(", "\ud83d", "🙂"),
    *("a\u0302\u0301", "\u0301", "Đ.", "Ts. ", "năm ", "một phần ", "trăm ", "Ａ１", "ﬁ", "İ", "ß", "ͅ", "٣", "²"),
]


@st.composite
def wild_texts(draw: st.DrawFn) -> Sample:
    """Draw a text of pieces of news and of any characters, some of them repeated hundreds of times."""
    pieces = draw(st.lists(st.sampled_from(_PIECES) | st.text(max_size=5), max_size=12))
    times = [draw(st.sampled_from([1, 1, 1, 1, 2, 300])) for _ in pieces]
    text = "".join(piece * number for piece, number in zip(pieces, times, strict=True))
    form = draw(st.sampled_from(["", "", "NFD", "NFC"]))
    return Sample(options={"text": unicodedata.normalize(form, text)[:20_000] if form else text[:20_000]})


def _cover(text: str, tokens: list[Token]) -> None:
    """Check that tokens are parts of the text in order, with nothing that is seen between them."""
    at = 0
    for token in tokens:
        assert token.text, token
        assert token.text == text[token.start : token.end]
        assert not remove_invisible(text[at : token.start]).strip(), f"lost {text[at : token.start]!r}"
        at = token.end
    assert not remove_invisible(text[at:]).strip(), f"lost {text[at:]!r}"


def check_tokens(sample: Sample, _: Path) -> bool:
    """Every character but white space is in exactly one token, and every token in one sentence, word and chunk."""
    text = sample.options["text"]
    _cover(text, tokenize(text))
    sentences = split_sentences(text)
    is_unicode = text == replace_surrogates(text)
    segmenters = ("none", "underthesea") if is_unicode else ("none",)  # no reader lets half a character through
    _cover(text, [token for sentence in sentences for token in sentence.tokens])
    for sentence in sentences:
        assert (sentence.start, sentence.end) == (sentence.tokens[0].start, sentence.tokens[-1].end)
        assert "\n" not in text[sentence.start : sentence.end]
        for name in segmenters:
            words = segment(sentence.tokens, SEGMENTERS[name])
            assert [n for word in words for n in range(word.first, word.last)] == list(range(len(sentence.tokens)))
            assert all(len(word.syllables) == word.last - word.first for word in words)
        assert {n for part in chunk_ranges(len(sentence.tokens)) for n in part} == set(range(len(sentence.tokens)))
    return True


def check_spelling(sample: Sample, _: Path) -> bool:
    """The normal form of a mention is the same for both compositions, and has no white space but single spaces."""
    text = sample.options["text"]
    form = normalise_surface(text)
    assert form == " ".join(form.split())
    assert form == normalise_surface(unicodedata.normalize("NFD", text))
    assert bool(form) == bool(remove_invisible(unicodedata.normalize("NFKC", text)).strip())
    return True


def check_rules(sample: Sample, _: Path) -> bool:
    """Spans lie in the text and do not overlap (a document checks both), and begin and end at no white space."""
    document = Document("", sample.options["text"])
    document = document.with_spans(find_spans(document.text))
    for span in document.spans:
        assert document.surface(span) == document.surface(span).strip(), span
    return bool(document.spans)


_TAGS = [
    "O",
    "B-ORG",
    "I-ORG",
    "I-LOC",
    "B-LOC",
    "B-",
    "I-",
    "",
    "o",
    "B-a b",
    "I--",
    "E-ORG",
    "B-🙂",
    "I-🙂",
    "B-\ud83d",
]


@st.composite
def tag_samples(draw: st.DrawFn) -> Sample:
    known = st.sampled_from(_TAGS[:5])
    drawn = draw(st.lists(known, max_size=12) | st.lists(known | st.sampled_from(_TAGS) | st.text(max_size=4)))
    return Sample(options={"tags": drawn, "repair": draw(st.sampled_from(["none", "conlleval", "discard"]))})


def check_tags(sample: Sample, _: Path) -> bool:
    """Repaired tags are legal and differ only where I- continues nothing; spans give the same tags back.

    ValueError refuses what is not IOB2, as documented.
    """
    tags, repair = sample.options["tags"], sample.options["repair"]
    tokens = [Token("a", 2 * number, 2 * number + 1) for number in range(len(tags))]
    try:
        repaired = iob2.repair_tags(tags, repair)
        spans = iob2.decode(tags, tokens, repair)
    except ValueError:
        before = ["O", *tags[:-1]]
        valid = all(iob2.is_tag(tag) and (tag == "O" or is_label(tag[2:])) for tag in tags)
        legal = all(iob2.follows(tag, previous) for tag, previous in zip(tags, before, strict=bool(tags)))
        assert not valid or (repair == "none" and not legal)
        return False
    before = ["O", *repaired[:-1]] if repaired else []
    assert len(repaired) == len(tags)
    assert all(iob2.follows(tag, previous) for tag, previous in zip(repaired, before, strict=True))
    assert all(old == new or old.startswith("I-") for old, new in zip(tags, repaired, strict=True))
    assert repair != "none" or repaired == tags
    assert iob2.encode(spans, tokens) == repaired
    return True


TARGETS = {
    "tokens": Target(wild_texts(), check_tokens),
    "spelling": Target(wild_texts(), check_spelling),
    "rules": Target(wild_texts(), check_rules, 10),
    "tags": Target(tag_samples(), check_tags),
}

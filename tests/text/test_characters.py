"""Invisible characters and look-alikes of `Đ`: the same names are found, and their offsets fit the whole text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.baselines.rules import find_spans
from thidua_ner.formats import brat
from thidua_ner.tagging.tagger import load_tagger
from thidua_ner.text.characters import (
    LONGEST_READ,
    compose,
    has_surrogate,
    replace_surrogates,
    spell,
    split_marks,
    visible_text,
)
from thidua_ner.text.perturbations import PERTURBATIONS
from thidua_ner.text.spelling import normalise_surface
from thidua_ner.text.syllables import split_sentences, tokenize
from thidua_ner.text.words import SEGMENTERS, segment

GOLD = brat.read_folder(ROOT / "annotations/gold")
UNSEEN = ("zero-width characters", "soft hyphens", "direction marks", "Ð for Đ", "zero-width spaces")
INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff"


@pytest.mark.parametrize("character", INVISIBLE)
def test_an_invisible_character_inside_a_word_is_part_of_it_and_one_at_its_edge_is_not(character):
    text = "|Công|  an Qu|ảng |Nam|.| 28/7 |".replace("|", character)
    tokens = tokenize(text)
    expected = ["Công", "an", f"Qu{character}ảng", "Nam", ".", "28", "/", "7"]
    assert [token.text for token in tokens] == expected
    assert [text[token.start : token.end] for token in tokens] == expected
    assert [word.text for word in segment(tokens, SEGMENTERS["none"])] == [
        "Công",
        "an",
        "Quảng",
        "Nam",
        ".",
        "28",
        "/",
        "7",
    ]


def test_invisible_characters_end_no_sentence_and_hide_no_end():
    text = "T\u00adP.\u200b Huế họ\u2060p.\u200b \u200eSau đó\ufeff\n\u200b\n\ufeffHai"
    assert [text[s.start : s.end] for s in split_sentences(text)] == ["T\u00adP.\u200b Huế họ\u2060p.", "Sau đó", "Hai"]


@given(st.text(), st.integers(0, 9))
def test_a_part_is_split_as_in_the_whole_text(text, start):
    line = text.replace("\n", " ")
    whole = f"{'x ' * start}\n{line}\n\u200by"
    tokens = tokenize(whole, 2 * start + 1, 2 * start + 1 + len(line))
    assert [token._replace(start=token.start - 2 * start - 1, end=token.end - 2 * start - 1) for token in tokens] == (
        tokenize(line)
    )


@pytest.mark.parametrize("name", UNSEEN)
def test_words_are_spelled_as_if_the_text_were_unchanged(name):
    for document in GOLD:
        changed = PERTURBATIONS[name](document)
        assert changed.text != document.text
        for left, right in zip(document.sentences(), changed.sentences(), strict=True):
            assert segment(right.tokens, SEGMENTERS["none"]) == segment(left.tokens, SEGMENTERS["none"])


@pytest.mark.parametrize("name", UNSEEN)
def test_rules_and_models_find_the_same_names(name, model):
    tagger = load_tagger(model)
    for document in GOLD:
        for find in (find_spans, lambda text: tagger.tag(text).spans):
            expected = PERTURBATIONS[name](document.with_spans(find(document.text)))
            assert len(expected.spans) > 10
            assert find(expected.text) == expected.spans
            for span in expected.spans:
                surface = expected.surface(span)
                assert visible_text(surface[0] + surface[-1]).text == surface[0] + surface[-1]


@pytest.mark.parametrize(
    ("surface", "other"),
    [
        ("Ðồng Tháp", "Đồng Tháp"),
        ("ðồng", "Đồng"),
        ("Ɖồng", "Đồng"),
        ("Quả\u00adng Nam", "quảng nam"),
        ("\ufeffA", "a"),
    ],
)
def test_mentions_that_look_alike_are_the_same(surface, other):
    assert normalise_surface(surface) == normalise_surface(other)


@given(st.text() | documents().map(lambda document: document.text))
def test_visible_offsets_give_the_characters_back(text):
    visible = visible_text(text)
    assert "".join(text[offset] for offset in visible.offsets) == visible.text
    assert all(visible.range_of(at, at + 1) == (offset, offset + 1) for at, offset in enumerate(visible.offsets))


@given(st.text(max_size=60) | documents().map(lambda document: document.text))
def test_ordinary_texts_are_composed_as_unicode_says(text):
    assert compose(text) == unicodedata.normalize("NFC", text)
    assert compose(text, "NFKC") == unicodedata.normalize("NFKC", text)
    assert split_marks(text) == unicodedata.normalize("NFD", text)


def test_halves_of_characters_are_found_and_replaced():
    assert [has_surrogate(text) for text in ("", "Huế 🚓", "a\ud83d", "\udfff")] == [False, False, True, True]
    assert replace_surrogates("Huế\ud800 🚓") == "Huế? 🚓"


@given(st.text(min_size=1))
def test_every_token_is_spelled(token):
    assert spell(token)


def test_models_read_the_beginning_of_a_word_without_end():
    assert spell("á" * 10**6) == "á" * LONGEST_READ
    assert spell("a\u200b" * 10**6) == "a" * (LONGEST_READ // 2)
    assert spell("\u200b" * 3) == "\u200b" * 3

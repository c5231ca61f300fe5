"""Vietnamese spelling: the possible syllables, and the normal form of mentions."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import documents
from thidua_ner.text.spelling import LOANWORDS, normalise_surface, spell_syllables, spell_words

SYLLABLES = sorted(set(spell_syllables()))
MENTION = st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=6).map(" ".join)


def test_spelling_is_what_vietnamese_writes():
    known = set(SYLLABLES)
    for word in ["hoà", "hòa", "nguyễn", "giềng", "khuỷu", "quyết", "nghiêng", "oẳn", "yểng", "thuở"]:
        assert word in known
    assert "đắk" not in known
    assert all(word == unicodedata.normalize("NFC", word).lower() for word in known)


def test_every_syllable_and_loanword_has_three_casings():
    words = list(spell_words())
    assert {"Đường", "ĐƯỜNG", "đường", "Facebook", "FACEBOOK"} <= set(words)
    assert len(words) == 3 * len({*SYLLABLES, *LOANWORDS.split()})


@given(st.text() | documents().map(lambda document: document.text))
def test_normal_forms_are_stable(surface):
    once = normalise_surface(surface)
    assert normalise_surface(once) == once


def test_the_normal_form_of_every_character_is_stable():
    for character in map(chr, range(sys.maxunicode + 1)):
        once = normalise_surface(f"a{character}")
        assert normalise_surface(once) == once, ascii(character)


def widened(text):
    """Write the ASCII characters of a text in their full-width forms."""
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: unicodedata.normalize("NFKD", text).upper(),
        widened,
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(" ", "\u3000"),
        lambda text: f"\t{text.replace(' ', '  ')}\n",
    ],
    ids=["capitals", "title case", "NFD", "NFD in capitals", "full width", "no-break", "wide spaces", "more spaces"],
)
@given(mention=MENTION)
def test_mentions_that_differ_only_in_form_are_alike(change, mention):
    assert normalise_surface(change(mention)) == normalise_surface(mention) == mention


@pytest.mark.parametrize(
    ("left", "right"), [("Hà", "Ha"), ("hoà", "hòa"), ("Hà Nội", "HàNội"), ("Đ", "D"), ("28/7", "28-7"), ("kỹ", "kĩ")]
)
def test_other_letters_marks_and_words_are_told_apart(left, right):
    assert normalise_surface(left) != normalise_surface(right)

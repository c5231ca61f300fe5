"""Strings that look alike: in what they differ, and which units offsets count."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import keeps_pace
from thidua_ner.text.alike import Lookalikes, describe_difference, find_units


def decomposed(text):
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        (decomposed("Tiên Lữ"), "Tiên Lữ", "decomposed Unicode (NFD) instead of NFC"),
        ("Tiên Lữ", decomposed("Tiên Lữ"), "NFC instead of decomposed Unicode (NFD)"),
        ("tie\u0302\u0301ng", "ti\u00ea\u0301ng", "the composition of Unicode"),
        ("Huế\n", "Huế", "another line break at the end"),
        ("Huế", "Huế\r\n", "another line break at the end"),
        ("một\r\nhai", "một\nhai", "another kind of line breaks (CRLF, LF)"),
        ("một\r\nhai\r\n", "một\nhai", "another kind of line breaks (CRLF, LF) and another line break at the end"),
        ("hoà", "hòa", "the tone mark on another vowel (hoà, hòa)"),
        ("THUỶ, khoẻ", "THỦY, khỏe", "the tone mark on another vowel (hoà, hòa)"),
        (
            decomposed("hoà"),
            "hòa",
            "decomposed Unicode (NFD) instead of NFC and the tone mark on another vowel (hoà, hòa)",
        ),
        (" Huế", "Huế", "white space at an end"),
        ("Huế \n", "Huế", "white space at an end"),
        ("\ufeffHuế", "Huế", "invisible characters"),
        ("Hu\u200bế", "Huế", "invisible characters"),
        ("Hà\u00a0Nội", "Hà Nội", "white space"),
        ("huế", "Huế", "letter case"),
        ("Ðà Nẵng", "Đà Nẵng", "Đ, Ð and Ɖ"),
        ("ɖường", "Đường", "Đ, Ð and Ɖ and letter case"),
        ("Huế–1", "Huế-1", "dashes or quotation marks"),
        ("１２", "12", "character width or ligatures"),
        ("Huế", "Huế", ""),
        ("Huế", "Huệ", ""),
        ("hoà", "hoá", ""),
        ("ma", "má", ""),
        ("", "a", ""),
    ],
)
def test_a_difference_that_hardly_shows_is_named(left, right, difference):
    assert describe_difference(left, right) == difference


@given(st.text(max_size=20), st.text(max_size=20))
def test_strings_look_alike_in_both_directions(left, right):
    assert describe_difference(left, left) == ""
    assert bool(describe_difference(left, right)) == bool(describe_difference(right, left))
    if unicodedata.normalize("NFD", left) != left:
        assert describe_difference(unicodedata.normalize("NFD", left), left)


def test_a_name_that_only_looks_like_another_is_found():
    names = Lookalikes(["Huế", "Hoà Bình"])
    assert names.hint(decomposed("Huế")) == ": it differs from 'Huế' in decomposed Unicode (NFD) instead of NFC"
    assert names.hint("hòa bình").startswith(": it differs from 'Hoà Bình' in the tone mark on another vowel")
    assert names.hint("Huế") == names.hint("Vinh") == ""


@pytest.mark.parametrize(
    ("start", "end", "surface", "units"),
    [
        (3, 6, "Huế", "UTF-16 units"),
        (5, 10, "Huế", "bytes"),
        (2, 5, "Huế", ""),  # as it should be
        (3, 6, None, "UTF-16 units"),  # ends outside the five characters
        (2, 5, None, ""),
        (5, 10, None, ""),  # many offsets lie inside the bytes
        (1, 3, " ", ""),  # begins inside a character
        (3, 60, "Huế", ""),
        (4, 4, "", ""),
    ],
)
def test_offsets_that_count_other_units_are_recognised(start, end, surface, units):
    assert find_units("🚓 Huế", start, end, surface) == units


def test_a_text_of_the_basic_plane_has_as_many_utf_16_units_as_characters():
    assert find_units("Huế", 0, 4) == find_units("Hue", 1, 3, "Hue") == ""


def test_the_time_does_not_grow_with_the_square_of_the_marks():
    def compare(marks):
        assert describe_difference(f"a{marks}\n", f"a{marks}") == "another line break at the end"

    assert keeps_pace(compare, "\u0301\u0323", 40_000)

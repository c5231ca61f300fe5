"""Strings that look alike and differ: in what, and offsets that count other units than characters."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

import regex

from thidua_ner.text.characters import compose, remove_invisible, replace_lookalikes, split_marks
from thidua_ner.text.spelling import TONES


class _Fold(NamedTuple):
    """A difference that hardly shows: its name, and the function that removes it."""

    name: str
    apply: Callable[[str], str]


def _move_tones(text: str) -> str:
    """Move the tone marks of each word to its end."""
    return regex.sub(r"[\p{L}\p{M}]+", lambda match: _toneless(match[0]), text)


@lru_cache(maxsize=10_000)
def _toneless(word: str) -> str:
    parts = split_marks(word)
    marks = [mark for mark in parts if mark in TONES]
    return compose("".join(letter for letter in parts if letter not in TONES)) + "".join(sorted(marks))


_SAME_MARK = str.maketrans("‐‑‒–—―−‘’‚“”„", "-------'''\"\"\"")

_FOLDS = (
    _Fold("another kind of line breaks (CRLF, LF)", lambda text: text.replace("\r\n", "\n").replace("\r", "\n")),
    _Fold("another line break at the end", lambda text: text.rstrip("\r\n")),
    _Fold("white space at an end", str.strip),
    _Fold("invisible characters", remove_invisible),
    _Fold("the tone mark on another vowel (hoà, hòa)", _move_tones),
    _Fold("Đ, Ð and Ɖ", replace_lookalikes),
    _Fold("letter case", str.casefold),
    _Fold("white space", lambda text: " ".join(text.split())),
    _Fold("dashes or quotation marks", lambda text: text.translate(_SAME_MARK)),
    _Fold("character width or ligatures", lambda text: compose(text, "NFKC")),
)
"""What composed strings are compared without, from the least difference to the greatest, applied in this order."""


def _folded(text: str, folds: Iterable[_Fold] = _FOLDS) -> str:
    text = compose(text)
    for fold in folds:
        text = fold.apply(text)
    return text


def describe_difference(given: str, expected: str) -> str:
    """Say in a few words how two strings that look alike differ; '' if they are equal or do not look alike."""
    if given == expected or _folded(given) != _folded(expected):
        return ""
    needed = list(_FOLDS)
    for fold in reversed(_FOLDS):  # a greater difference is named only if the smaller ones do not explain it
        fewer = [one for one in needed if one is not fold]
        if _folded(given, fewer) == _folded(expected, fewer):
            needed = fewer
    return " and ".join([*_composition(given, expected), *(fold.name for fold in needed)])


def _composition(given: str, expected: str) -> list[str]:
    composed = compose(given), compose(expected)
    if (composed[0] == given) != (composed[1] == expected):
        names = "decomposed Unicode (NFD)", "NFC"
        return [" instead of ".join(reversed(names) if composed[0] == given else names)]
    return ["the composition of Unicode"] if composed[0] == composed[1] else []


class Lookalikes:
    """Names among which one is looked for that only looks like a given one."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names; all are folded once, so that many can be looked for."""
        self._names = {_folded(name): name for name in names}

    def hint(self, given: str) -> str:
        """Say which name a string only looks like, as `: it differs from 'y' in …`; '' if it looks like none."""
        name = self._names.get(_folded(given), given)
        difference = describe_difference(given, name)
        return f": it differs from {name!r} in {difference}" if difference else ""


def find_units(text: str, start: int, end: int, surface: str | None = None) -> str:
    """Name the units in which two offsets fit a text better than in characters; '' if there are none.

    With the `surface` of the span, they are the UTF-16 units or the bytes of UTF-8 that hold it. Without it, they are
    UTF-16 units if the span ends outside the characters and inside these.
    """
    for name, encoding, width in (("UTF-16 units", "utf-16-le", 2), ("bytes", "utf-8", 1)):
        raw = text.encode(encoding)
        if not 0 <= start < end <= len(raw) // width or len(raw) // width == len(text):
            continue
        try:
            found = raw[start * width : end * width].decode(encoding)
        except UnicodeDecodeError:  # an offset inside a character
            continue
        if found == surface or (surface is None and width == 2 and end > len(text)):
            return name
    return ""

"""Characters that models and rules do not see as they stand: invisible ones, and letters that stand for another one.

Web pages put soft hyphens, zero-width characters and direction marks into words; `Ð` (eth) and `Ɖ` look like `Đ`.
Offsets and surfaces stay those of the unchanged text.
"""

import re
import unicodedata
from array import array
from collections.abc import Sequence
from typing import Literal, NamedTuple

import regex

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")

_STROKED_D = str.maketrans("ÐƉðɖ", "ĐĐđđ")

LONGEST_READ = 256
"""The characters of a token that models read; no word has so many, and tokenizers take the square of its length."""

_MANY_MARKS = regex.compile(r"(\p{M}{32,})")


class VisibleText(NamedTuple):
    """A text without its invisible characters; `offsets` has the offset of each character in the whole text."""

    text: str
    offsets: Sequence[int]

    def range_of(self, start: int, end: int) -> tuple[int, int]:
        """Return the offsets in the whole text of a part, not empty, of this one; its edges are visible."""
        return self.offsets[start], self.offsets[end - 1] + 1


def visible_text(text: str) -> VisibleText:
    """Remove the invisible characters of a text, but keep the offsets of the others."""
    offsets = array("q")
    end = 0
    for match in _INVISIBLE.finditer(text):
        offsets.extend(range(end, match.start()))
        end = match.end()
    if not end:
        return VisibleText(text, range(len(text)))
    offsets.extend(range(end, len(text)))
    return VisibleText(remove_invisible(text), offsets)


def remove_invisible(text: str) -> str:
    """Remove the invisible characters of a text."""
    return _INVISIBLE.sub("", text)


def has_surrogate(text: str) -> bool:
    """Tell whether a text holds lone surrogates, which are not characters."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def replace_surrogates(text: str) -> str:
    """Write lone surrogates as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def compose(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """Compose the letters of a text, but leave 32 and more marks in a row as they are: their order takes too long."""
    return _normalise(text, form)


def split_marks(text: str) -> str:
    """Part the letters of a text from their marks (NFD), but leave 32 and more marks in a row as they are."""
    return _normalise(text, "NFD")


def _normalise(text: str, form: Literal["NFC", "NFKC", "NFD"]) -> str:
    if text.isascii():
        return text
    parts = _MANY_MARKS.split(text)
    return "".join(part if index % 2 else unicodedata.normalize(form, part) for index, part in enumerate(parts))


def replace_lookalikes(text: str) -> str:
    """Write `Đ` for the letters that look like it; the length stays."""
    return text.translate(_STROKED_D)


def spell(token: str) -> str:
    """Spell a token as models read it: visible, with `Đ` for its look-alikes, composed (NFC), and not too long.

    A token of invisible characters alone stays as it is.
    """
    token = token[:LONGEST_READ]
    if token.isascii():
        return token
    return unicodedata.normalize("NFC", replace_lookalikes(remove_invisible(token) or token))

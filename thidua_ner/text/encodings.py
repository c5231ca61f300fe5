"""Recognise Vietnamese text whose letters are coded as they were before Unicode, or that was read in a wrong encoding.

The letters of such a text are other characters, so that no model and no rule finds its words. A text is decoded in each
way that `LEGACY_ENCODINGS` knows; if this turns its words into Vietnamese syllables, the text is in that encoding.
"""

import re
from collections.abc import Callable
from functools import cache

from thidua_ner.text.characters import compose
from thidua_ner.text.spelling import TONES, spell_syllables

_READ = 20_000
"""The characters of a text that are looked at: enough to tell, and few enough to be read in milliseconds."""

_LEAST_SYLLABLES, _LEAST_SHARE = 2, 0.7
"""How many different syllables with diacritics a decoded text needs, and which share of its words with diacritics."""

_LEAST_VIETNAMESE, _PLAINLY_VIETNAMESE = 0.4, 0.9
"""The share of its letters that must be in syllables, with or without diacritics, and one that no coded text has."""

_UNKNOWN = "\ufffd"
_WORD = re.compile(rf"(?:[^\W\d_]|{_UNKNOWN})+")

_TCVN3 = dict(
    zip(
        "µ¶·¸¹¨»¼½¾Æ©ÇÈÉÊË®ÌÎÏÐÑªÒÓÔÕÖ×ØÜÝÞßáâãä«åæçèé¬êëìíîïñòóô\u00adõö÷øùúûüýþ¡¢§£¤¥¦",
        "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵăâđêôơư",
        strict=True,
    )
)

_VNI = {
    **dict(zip("ôöñæóòîíì", "ơưđỉĩịỵíì", strict=True)),
    **dict(zip("øùõûï", TONES[1:], strict=True)),
    **dict(zip("âàáãåä", ["\u0302" + tone for tone in TONES], strict=True)),
    **dict(zip("êèéüúë", ["\u0306" + tone for tone in TONES], strict=True)),
}

_BYTES = {bytes([byte]).decode("cp1252", "ignore"): chr(byte) for byte in range(128, 160)}


def _decode_letters(text: str, table: dict[str, str]) -> str:
    """Replace each character by what the table has for it; a letter that the table lacks is unknown."""
    return "".join(table.get(c, c if c.isascii() or not c.isalpha() else _UNKNOWN) for c in text)


def _reread(text: str) -> str:
    """Read the bytes that a text had in Windows-1252 as UTF-8."""
    return "".join(_BYTES.get(c, c) for c in text).encode("latin-1", "replace").decode("utf-8", "replace")


LEGACY_ENCODINGS: dict[str, Callable[[str], str]] = {
    "TCVN3 (ABC fonts)": lambda text: _decode_letters(text, _TCVN3),
    "VNI": lambda text: _decode_letters(text.lower(), _VNI),
    "UTF-8 read as Windows-1252": _reread,
}
"""The encodings that are recognised by name, each with a function that decodes a text."""


@cache
def _syllables() -> frozenset[str]:
    return frozenset(spell_syllables())


def _share(text: str, *, marked: bool) -> float:
    """Compute the share of a text's letters that are in Vietnamese syllables; 0 if too few words are `marked` ones."""
    words = _WORD.findall(compose(text).lower())
    found = [word for word in words if word in _syllables()]
    if marked:
        accented = [word for word in found if not word.isascii()]
        if len({word for word in accented if len(word) > 1}) < _LEAST_SYLLABLES:
            return 0.0
        if len(accented) < _LEAST_SHARE * sum(not word.isascii() for word in words):
            return 0.0
    return sum(map(len, found)) / max(sum(map(len, words)), 1)


def recognise_legacy_encoding(text: str) -> str:
    """Return the name of the encoding, of those in `LEGACY_ENCODINGS`, that a text is in; '' for an ordinary text."""
    text = text[:_READ]
    plain = 1.0 if text.isascii() else _share(text, marked=False)
    if plain > _PLAINLY_VIETNAMESE:
        return ""
    shares = {name: _share(decode(text), marked=True) for name, decode in LEGACY_ENCODINGS.items()}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > max(plain, _LEAST_VIETNAMESE) else ""

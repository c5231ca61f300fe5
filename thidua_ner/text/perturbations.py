"""Changes to a text that leave its meaning alone, with its spans carried along.

Each is a function from document to document: spelling, case, marks, white space, and the forms of dates, ranks and
names. What it makes of a text does not depend on anything but the text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from typing import NamedTuple

from thidua_ner.text.labels import DATE, LOC, ORG, PER, RANK
from thidua_ner.text.spans import Document, Span

_TONES = "\u0300\u0301\u0303\u0309\u0323"
_TELEX_TONES = dict(zip(_TONES, "fsxrj", strict=True))
_TELEX_LETTERS = {"ă": "aw", "â": "aa", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}
_SLIP_EVERY, _ZERO_WIDTH_EVERY = 12, 5
_RANK_FIRST = {"đại": "Đ", "thượng": "Th", "trung": "Tr", "thiếu": "Th", "chuẩn": "Ch", "hạ": "H"}
_ADMINISTRATIVE = re.compile(r"(?i)((?:tỉnh|thành phố|tp\.?|tx|thị xã|huyện|quận|xã|phường|thị trấn|thôn|bản|ấp) )?.*")

UNSEEN_NAMES = ("Quàng Thế Lữ", "Doãn Khuê Minh", "Ung Nho Thắng", "Lục Ái Trinh", "Tiêu Hoành Sơn", "Bạch Đan Vy")
UNSEEN_PLACES = ("Đồng Phú Hạ", "Tân Quy Nhị", "Nậm Khao Hin", "Vĩnh Trạch Bắc", "An Thới Thượng", "Suối Lềnh")
UNSEEN_BODIES = (
    "Phòng Kiểm định phương tiện Công an tỉnh Đồng Phú Hạ",
    "Trung tâm Lưu trữ tư liệu số 9",
    "Hội Khuyến học huyện Vĩnh Trạch Bắc",
    "Ban Quản lý cảng Tân Quy Nhị",
    "Chi cục Thủy lợi An Thới Thượng",
)
"""Invented, and in no document of the benchmark; a test holds them to it."""


class Edit(NamedTuple):
    """A stretch of a text and what takes its place."""

    start: int
    end: int
    text: str


def edited(document: Document, edits: Iterable[Edit]) -> Document:
    """Make edits that do not overlap; one that lies across the edge of a span is left out.

    What is inserted at the edge of a span stays outside it.
    """
    edges = sorted({edge for span in document.spans for edge in (span.start, span.end)})
    made = [e for e in sorted(edits) if not any(e.start < edge < e.end for edge in edges)]
    if any(right.start < left.end for left, right in pairwise(made)):
        raise ValueError("the edits overlap")
    parts, at = [], 0
    for change in made:
        parts += [document.text[at : change.start], change.text]
        at = change.end
    text = "".join([*parts, document.text[at:]])
    spans = tuple(
        Span(_moved(s.start, made, True), _moved(s.end, made, False), s.label, s.score) for s in document.spans
    )
    return replace(document, text=text, spans=spans, given=())


def _moved(offset: int, edits: Sequence[Edit], is_start: bool) -> int:
    """Say where an offset comes to stand; what is inserted there goes before a start and after an end."""
    before = [e for e in edits if e.end <= offset and (is_start or e.start < offset)]
    return offset + sum(len(e.text) - (e.end - e.start) for e in before)


def by_character(document: Document, change: Callable[[str], str]) -> Document:
    """Change a text character by character, a letter with the marks that follow it at once."""
    return by_pattern(document, r"\w[\u0300-\u036f]*", lambda match: change(match.group()))


def by_pattern(document: Document, pattern: str, change: Callable[[re.Match[str]], str]) -> Document:
    """Change what a pattern finds."""
    found = ((match, change(match)) for match in re.finditer(pattern, document.text))
    return edited(document, [Edit(m.start(), m.end(), text) for m, text in found if text != m.group()])


def by_span(document: Document, label: str, change: Callable[[str], str]) -> Document:
    """Change the surfaces of a label."""
    own = [span for span in document.spans if span.label == label]
    return edited(document, [Edit(s.start, s.end, change(document.surface(s))) for s in own])


def decomposed(document: Document) -> Document:
    """Write every letter as a base letter and marks (NFD)."""
    return by_character(document, lambda letter: unicodedata.normalize("NFD", letter))


def _without(marks: str | None) -> Callable[[str], str]:
    """Make a function that strips these combining marks, or all and the bar of `đ`."""

    def strip(letter: str) -> str:
        kept = [c for c in unicodedata.normalize("NFD", letter) if c not in (marks or "")]
        if marks is None:
            kept = [{"đ": "d", "Đ": "D"}.get(c, c) for c in kept if not unicodedata.combining(c)]
        return unicodedata.normalize("NFC", "".join(kept))

    return strip


def tones_moved(document: Document) -> Document:
    """Move the tone of open `oa`, `oe`, `uy` to the other vowel: `hoà`, `hòa`."""

    def move(match: re.Match[str]) -> str:
        first, second = (unicodedata.normalize("NFD", vowel) for vowel in match.group())
        tone = next(c for c in first + second if c in _TONES)
        if tone in second:
            moved = first[0] + tone + first[1:] + second.replace(tone, "")
        else:
            moved = first.replace(tone, "") + second[0] + tone + second[1:]
        return unicodedata.normalize("NFC", moved)

    toned_first = r"[òóỏõọÒÓỎÕỌ][aeAE]\b|(?<![qQ])[ùúủũụÙÚỦŨỤ][yY]\b"
    toned_second = r"[oO][àáảãạèéẻẽẹÀÁẢÃẠÈÉẺẼẸ]\b|(?<![qQ])[uU][ỳýỷỹỵỲÝỶỸỴ]\b"
    return by_pattern(document, f"{toned_first}|{toned_second}", move)


def i_and_y(document: Document) -> Document:
    """Exchange `i` and `y` at the end of open syllables: `kỹ`, `kĩ`."""
    plain, other = "iìíỉĩịyỳýỷỹỵ", "yỳýỷỹỵiìíỉĩị"
    table = str.maketrans(plain + plain.upper(), other + other.upper())
    letters = plain + plain.upper()
    return by_pattern(document, rf"(?<!\w)[hklmstHKLMST][{letters}](?!\w)", lambda m: m.group().translate(table))


def slips(document: Document) -> Document:
    """Leave every twelfth marked syllable as its Telex keys: `tỉnh`, `tinhr`."""
    marked = [
        match
        for match in re.finditer(r"[^\W\d_]+", document.text)
        if _telex(match.group()) != unicodedata.normalize("NFC", match.group())
    ]
    return edited(document, [Edit(m.start(), m.end(), _telex(m.group())) for m in marked[::_SLIP_EVERY]])


def _telex(syllable: str) -> str:
    """Spell a syllable with the keys that Telex takes for it, the tone last."""
    letters, tone = "", ""
    for letter in unicodedata.normalize("NFC", syllable):
        marks = unicodedata.normalize("NFD", letter)
        tone += "".join(_TELEX_TONES[c] for c in marks if c in _TELEX_TONES)
        base = unicodedata.normalize("NFC", "".join(c for c in marks if c not in _TELEX_TONES))
        keys = _TELEX_LETTERS.get(base.lower(), base.lower())
        letters += keys.capitalize() if base.isupper() else keys
    return (letters + tone).upper() if len(syllable) > 1 and syllable.isupper() else letters + tone


def zero_width(document: Document) -> Document:
    """Put a zero-width space after every fifth gap between words."""
    gaps = [match.end() for match in re.finditer(r"(?<=\w) (?=\w)", document.text)]
    return edited(document, [Edit(gap, gap, "\u200b") for gap in gaps[::_ZERO_WIDTH_EVERY]])


def quotes_straight(document: Document) -> Document:
    """Write curly quotation marks and apostrophes straight."""
    table = str.maketrans("“”„‘’", '"""\'\'')
    return by_pattern(document, "[“”„‘’]", lambda match: match.group().translate(table))


def quotes_curly(document: Document) -> Document:
    """Write straight quotation marks curly."""
    return by_pattern(document, r'(?<!\S)"|"', lambda match: "”" if match.string[: match.start()][-1:].strip() else "“")


def dashes(document: Document) -> Document:
    """Exchange the hyphen and the dash between spaces."""
    return by_pattern(document, r"(?<= )[-–—](?= )", lambda match: "–" if match.group() == "-" else "-")


def dates(mark: str | None) -> Callable[[Document], Document]:
    """Make a function that writes the `28/7` of dates with another mark, or in words: `ngày 28 tháng 7`."""
    pattern = re.compile(r"(?<![\d/])(ngày )?(\d{1,2})/(\d{1,2})(?:/(\d{4}))?(?![\d/])")

    def change(match: re.Match[str]) -> str:
        noun, day, month, year = match.groups(default="")
        if mark is None:
            return f"{noun or 'ngày '}{day} tháng {month}" + (f" năm {year}" if year else "")
        return noun + mark.join(filter(None, (day, month, year)))

    return lambda document: by_span(document, DATE, lambda surface: pattern.sub(change, surface))


def ranks_short(document: Document) -> Document:
    """Abbreviate ranks: `Đại tá`, `Đ/tá`."""

    def shorten(surface: str) -> str:
        first, _, second = surface.partition(" ")
        return f"{_RANK_FIRST[first.lower()]}/{second}" if first.lower() in _RANK_FIRST and second else surface

    return by_span(document, RANK, shorten)


def unseen(label: str, surfaces: Sequence[str]) -> Callable[[Document], Document]:
    """Make a function that puts surfaces from a list in the places of a label, an administrative word left standing."""

    def change(document: Document) -> Document:
        others = cycle(surfaces)

        def other(surface: str) -> str:
            match = _ADMINISTRATIVE.match(surface) if label == LOC else None
            return f"{(match and match.group(1)) or ''}{next(others)}"

        return by_span(document, label, other)

    return change


PERTURBATIONS: dict[str, Callable[[Document], Document]] = {
    "decomposed (NFD)": decomposed,
    "tone on the other vowel": tones_moved,
    "i and y": i_and_y,
    "lower case": lambda document: by_character(document, str.lower),
    "capitals": lambda document: by_character(document, str.upper),
    "no tones": lambda document: by_character(document, _without(_TONES)),
    "no diacritics": lambda document: by_character(document, _without(None)),
    "Telex slips": slips,
    "doubled spaces": lambda document: by_pattern(document, " ", lambda _: "  "),
    "no-break spaces": lambda document: by_pattern(document, " ", lambda _: "\u00a0"),
    "zero-width spaces": zero_width,
    "straight quotes": quotes_straight,
    "curly quotes": quotes_curly,
    "other dashes": dashes,
    "joined lines": lambda document: by_pattern(document, r"\s*\n\s*", lambda _: " "),
    "dates as 28-7": dates("-"),
    "dates as 28.7": dates("."),
    "dates in words": dates(None),
    "short ranks": ranks_short,
    "unseen persons": unseen(PER, UNSEEN_NAMES),
    "unseen places": unseen(LOC, UNSEEN_PLACES),
    "unseen bodies": unseen(ORG, UNSEEN_BODIES),
}
"""Every perturbation by its name."""

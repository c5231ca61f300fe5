"""Perturbations: rewrite a text and move its spans along, in ways that leave the correct labels unchanged.

Each perturbation is a deterministic function from document to document. They change spelling, case, diacritics, white
space, and the forms of dates, ranks and names.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, cycle, pairwise
from typing import NamedTuple

from thidua_ner.text.labels import DATE, LOC, ORG, PER, RANK
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.spelling import TONES

_TONES = "".join(TONES)
_TELEX_TONES = dict(zip(_TONES, "fsxrj", strict=True))
_TELEX_LETTERS = {"ă": "aw", "â": "aa", "ê": "ee", "ô": "oo", "ơ": "ow", "ư": "uw", "đ": "dd"}
_BARRED_D = str.maketrans("đĐ", "dD")
_SLIP_EVERY, _INVISIBLE_EVERY = 12, 5
_RANK_FIRST = {"đại": "Đ", "thượng": "Th", "trung": "Tr", "thiếu": "Th", "chuẩn": "Ch", "hạ": "H"}
_ADMINISTRATIVE = re.compile(r"(?i)((?:tỉnh|thành phố|tp\.?|tx|thị xã|huyện|quận|xã|phường|thị trấn|thôn|bản|ấp) )?.*")
_TONED_FIRST = r"[òóỏõọÒÓỎÕỌ][aeAE]\b|(?<![qQ])[ùúủũụÙÚỦŨỤ][yY]\b"
_TONED_SECOND = r"[oO][àáảãạèéẻẽẹÀÁẢÃẠÈÉẺẼẸ]\b|(?<![qQ])[uU][ỳýỷỹỵỲÝỶỸỴ]\b"
_I_AND_Y, _Y_AND_I = "iìíỉĩịyỳýỷỹỵIÌÍỈĨỊYỲÝỶỸỴ", "yỳýỷỹỵiìíỉĩịYỲÝỶỸỴIÌÍỈĨỊ"

UNSEEN_NAMES = ("Quàng Thế Lữ", "Doãn Khuê Minh", "Ung Nho Thắng", "Lục Ái Trinh", "Tiêu Hoành Sơn", "Bạch Đan Vy")
UNSEEN_PLACES = ("Đồng Phú Hạ", "Tân Quy Nhị", "Nậm Khao Hin", "Vĩnh Trạch Bắc", "An Thới Thượng", "Suối Lềnh")
UNSEEN_BODIES = (
    "Phòng Kiểm định phương tiện Công an tỉnh Đồng Phú Hạ",
    "Trung tâm Lưu trữ tư liệu số 9",
    "Hội Khuyến học huyện Vĩnh Trạch Bắc",
    "Ban Quản lý cảng Tân Quy Nhị",
    "Chi cục Thủy lợi An Thới Thượng",
)
"""Invented names, none of which occurs in the benchmark; a test checks this."""


class Edit(NamedTuple):
    """A part `[start, end)` of a text and the text that replaces it."""

    start: int
    end: int
    text: str


def apply_edits(document: Document, edits: Iterable[Edit]) -> Document:
    """Apply edits to a document, except those that cross the boundary of a span.

    An insertion at the boundary of a span stays outside it. Raises ValueError if the edits overlap.
    """
    edges = sorted({edge for span in document.spans for edge in (span.start, span.end)})
    made = [e for e in sorted(edits) if bisect_right(edges, e.start) >= bisect_left(edges, e.end)]
    if any(right.start < left.end for left, right in pairwise(made)):
        raise ValueError("the edits overlap")
    parts, at = [], 0
    for change in made:
        parts += [document.text[at : change.start], change.text]
        at = change.end
    text = "".join([*parts, document.text[at:]])
    starts, ends = [e.start for e in made], [e.end for e in made]
    shifts = [0, *accumulate(len(e.text) - (e.end - e.start) for e in made)]
    spans = tuple(
        Span(
            span.start + shifts[bisect_right(ends, span.start)],  # an insertion here goes before the span
            span.end + shifts[min(bisect_right(ends, span.end), bisect_left(starts, span.end))],  # here, after it
            span.label,
            span.score,
        )
        for span in document.spans
    )
    return replace(document, text=text, spans=spans, given=())


def replace_characters(document: Document, change: Callable[[str], str]) -> Document:
    """Replace each word character together with the combining marks that follow it."""
    return replace_matches(document, r"\w[\u0300-\u036f]*", lambda match: change(match.group()))


def replace_matches(document: Document, pattern: str, change: Callable[[re.Match[str]], str]) -> Document:
    """Replace every match of a pattern."""
    found = ((match, change(match)) for match in re.finditer(pattern, document.text))
    return apply_edits(document, [Edit(m.start(), m.end(), text) for m, text in found if text != m.group()])


def replace_surfaces(document: Document, label: str, change: Callable[[str], str]) -> Document:
    """Replace the surface of every span with this label."""
    own = [span for span in document.spans if span.label == label]
    return apply_edits(document, [Edit(s.start, s.end, change(document.surface(s))) for s in own])


def decompose(document: Document) -> Document:
    """Decompose every letter into a base letter and combining marks (NFD)."""
    return replace_characters(document, lambda letter: unicodedata.normalize("NFD", letter))


def remove_tones(text: str) -> str:
    """Remove the tones of a text and compose its letters: `Đường` becomes `Đương`."""
    return unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", text) if c not in _TONES))


def remove_diacritics(text: str) -> str:
    """Remove all combining marks of a text and the bar of `đ`: `Đường` becomes `Duong`."""
    bare = (c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", "".join(bare).translate(_BARRED_D))


def move_tones(document: Document) -> Document:
    """Move the tone of `oa`, `oe` and `uy` without a final consonant to the other vowel: `hoà` becomes `hòa`."""

    def move(match: re.Match[str]) -> str:
        first, second = (unicodedata.normalize("NFD", vowel) for vowel in match.group())
        tone = next(c for c in first + second if c in _TONES)
        if tone in second:
            moved = first[0] + tone + first[1:] + second.replace(tone, "")
        else:
            moved = first.replace(tone, "") + second[0] + tone + second[1:]
        return unicodedata.normalize("NFC", moved)

    return replace_matches(document, f"{_TONED_FIRST}|{_TONED_SECOND}", move)


def swap_i_and_y(document: Document) -> Document:
    """Swap `i` and `y` in syllables of one consonant and this vowel: `kỹ` becomes `kĩ`."""
    table = str.maketrans(_I_AND_Y, _Y_AND_I)
    return replace_matches(document, rf"(?<!\w)[hklmstHKLMST][{_I_AND_Y}](?!\w)", lambda m: m.group().translate(table))


def leave_telex_keys(document: Document) -> Document:
    """Replace every twelfth syllable with diacritics by its Telex keys: `tỉnh` becomes `tinhr`."""
    marked = [
        match
        for match in re.finditer(r"[^\W\d_]+", document.text)
        if telex_keys(match.group()) != unicodedata.normalize("NFC", match.group())
    ]
    return apply_edits(document, [Edit(m.start(), m.end(), telex_keys(m.group())) for m in marked[::_SLIP_EVERY]])


def telex_keys(syllable: str) -> str:
    """Spell a syllable as it is typed in Telex, with the key of the tone last."""
    letters, tone = "", ""
    for letter in unicodedata.normalize("NFC", syllable):
        marks = unicodedata.normalize("NFD", letter)
        tone += "".join(_TELEX_TONES[c] for c in marks if c in _TELEX_TONES)
        base = unicodedata.normalize("NFC", "".join(c for c in marks if c not in _TELEX_TONES))
        keys = _TELEX_LETTERS.get(base.lower(), base.lower())
        letters += keys.capitalize() if base.isupper() else keys
    return (letters + tone).upper() if len(syllable) > 1 and syllable.isupper() else letters + tone


def insert_zero_width_spaces(document: Document) -> Document:
    """Insert a zero-width space after every fifth space between words."""
    gaps = [match.end() for match in re.finditer(r"(?<=\w) (?=\w)", document.text)]
    return apply_edits(document, [Edit(gap, gap, "\u200b") for gap in gaps[::_INVISIBLE_EVERY]])


def invisible_inserter(characters: str) -> Callable[[Document], Document]:
    """Make a function that inserts these characters, in turn, into every fifth word, after its second letter."""

    def insert(document: Document) -> Document:
        gaps = [match.end() for match in re.finditer(r"(?<!\w)[^\W\d_]{2}(?=[^\W\d_])", document.text)]
        edits = zip(gaps[::_INVISIBLE_EVERY], cycle(characters))
        return apply_edits(document, [Edit(gap, gap, character) for gap, character in edits])

    return insert


def straighten_quotes(document: Document) -> Document:
    """Replace curly quotation marks and apostrophes by straight ones."""
    table = str.maketrans("“”„‘’", '"""\'\'')
    return replace_matches(document, "[“”„‘’]", lambda match: match.group().translate(table))


def curl_quotes(document: Document) -> Document:
    """Replace straight quotation marks by curly ones."""

    def curl(match: re.Match[str]) -> str:
        before = match.start() - 1
        return "”" if before >= 0 and match.string[before].strip() else "“"

    return replace_matches(document, r'(?<!\S)"|"', curl)


def swap_dashes(document: Document) -> Document:
    """Swap the hyphen and the dash between spaces."""
    return replace_matches(document, r"(?<= )[-–—](?= )", lambda match: "–" if match.group() == "-" else "-")


def date_rewriter(mark: str | None) -> Callable[[Document], Document]:
    """Make a function that rewrites dates (`28/7`) with another mark or, given None, in words (`ngày 28 tháng 7`)."""
    pattern = re.compile(r"(?<![\d/])(ngày )?(\d{1,2})/(\d{1,2})(?:/(\d{4}))?(?![\d/])")

    def change(match: re.Match[str]) -> str:
        noun, day, month, year = match.groups(default="")
        if mark is None:
            return f"{noun or 'ngày '}{day} tháng {month}" + (f" năm {year}" if year else "")
        return noun + mark.join(filter(None, (day, month, year)))

    return lambda document: replace_surfaces(document, DATE, lambda surface: pattern.sub(change, surface))


def shorten_ranks(document: Document) -> Document:
    """Abbreviate ranks: `Đại tá` becomes `Đ/tá`."""

    def shorten(surface: str) -> str:
        first, _, second = surface.partition(" ")
        return f"{_RANK_FIRST[first.lower()]}/{second}" if first.lower() in _RANK_FIRST and second else surface

    return replace_surfaces(document, RANK, shorten)


def surface_replacer(label: str, surfaces: Sequence[str]) -> Callable[[Document], Document]:
    """Make a function that replaces the surfaces of a label by those of a list; administrative words of places stay."""

    def change(document: Document) -> Document:
        others = cycle(surfaces)

        def other(surface: str) -> str:
            match = _ADMINISTRATIVE.match(surface) if label == LOC else None
            return f"{(match and match.group(1)) or ''}{next(others)}"

        return replace_surfaces(document, label, other)

    return change


PERTURBATIONS: dict[str, Callable[[Document], Document]] = {
    "decomposed (NFD)": decompose,
    "tone on the other vowel": move_tones,
    "i and y": swap_i_and_y,
    "lower case": lambda document: replace_characters(document, str.lower),
    "capitals": lambda document: replace_characters(document, str.upper),
    "no tones": lambda document: replace_characters(document, remove_tones),
    "no diacritics": lambda document: replace_characters(document, remove_diacritics),
    "Telex slips": leave_telex_keys,
    "doubled spaces": lambda document: replace_matches(document, " ", lambda _: "  "),
    "no-break spaces": lambda document: replace_matches(document, " ", lambda _: "\u00a0"),
    "zero-width spaces": insert_zero_width_spaces,
    "zero-width characters": invisible_inserter("\u200b\u200c\u200d\u2060\ufeff"),
    "soft hyphens": invisible_inserter("\u00ad"),
    "direction marks": invisible_inserter("\u200e\u200f\u202a\u202c\u2066\u2069"),
    "Ð for Đ": lambda document: replace_matches(document, "Đ", lambda _: "Ð"),
    "straight quotes": straighten_quotes,
    "curly quotes": curl_quotes,
    "other dashes": swap_dashes,
    "joined lines": lambda document: replace_matches(document, r"(?<!\s)\s*\n\s*", lambda _: " "),
    "dates as 28-7": date_rewriter("-"),
    "dates as 28.7": date_rewriter("."),
    "dates in words": date_rewriter(None),
    "short ranks": shorten_ranks,
    "unseen persons": surface_replacer(PER, UNSEEN_NAMES),
    "unseen places": surface_replacer(LOC, UNSEEN_PLACES),
    "unseen bodies": surface_replacer(ORG, UNSEEN_BODIES),
}
"""All perturbations by name."""

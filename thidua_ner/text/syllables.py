"""Split a text into sentences and syllable tokens, each with its character offsets.

A token is a syllable, a whole number, date with its year or clock time (`28/7/2023`, `3.264`, `86,2`, `21:30`), a web
address, or one punctuation mark. `28/7` is three tokens, since `7/9`, written alike, may be two numbers. `sôngHương` is
two: a capital after a small letter begins a name whose space was lost. `%` is a separate token. White space belongs to
no token. Invisible characters (`characters.py`) are skipped: a token has those inside it, but not those at its edges.
The time is linear in the length of any text.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import regex

from thidua_ner.text.characters import VisibleText, visible_text

ABBREVIATIONS = frozenset(
    {"tp", "tx", "tt", "q", "p", "h", "st", "ub", "v"}  # places and bodies
    | {"ths", "ts", "pgs", "gs", "bs", "ks", "ls", "mr", "mrs", "ms", "cty", "gđ", "pgđ"}  # titles
    | {"tr", "th", "ng", "ph", "kh", "nh", "ch", "gi", "qu", "đ"}  # initials of two letters in by-lines
)
"""Words in lower case whose full stop does not end a sentence; a rule adds single capital letters."""

_TOKEN = regex.compile(
    r"""
      (?i: https?:// | www\. ) [^\s<>"“”«»]* [\p{L}\p{N}/]                        # web address with its scheme
    | [\w.+-]{1,64}+ @ [\w-]++ (?: \. [\w-]++ )+                                 # e-mail address
    | (?<! [\p{L}\p{N}@.] ) (?i: (?= [\d-]{0,62}+ [a-z] ) [a-z0-9] [a-z0-9-]{0,62}+ (?: \. [a-z0-9-]{1,63}+ ){0,8}
          \. (?: vn | com | net | org | gov | edu | info | io ) ) \b              # bare web address
    | (?: \d{1,2} : \d{2} (?: : \d{2} )?                                          # clock time
        | \d{1,2} / \d{1,2} / \d{2,4} | \d{4} / \d{1,2} / \d{1,2}                 # 28/7/2023, 2023/7/28
        | (?: 0?[1-9] | 1[0-2] ) / (?: 19 | 20 ) \d\d                             # 7/2023
        | \d{1,2} - \d{1,2} - \d{4}                                               # 28-7-2023
        | (?: 19 | 20 ) \d\d - (?: 0[1-9] | 1[0-2] ) (?: - (?: 0[1-9] | [12]\d | 3[01] ) )?   # 2023-07, 2023-07-28
      ) (?! \d | [.,/] \d )
    | \d+ (?: \. \d+ )* (?: (?<! \d , \d+ ) , \d+ (?! ,? \d ) )?                  # 3.264, 86,2, 28.7.2023; not 3,4,5
    | \p{Lu}{1,2} ['’] \p{Lu} [\p{L}\p{M}]*                                       # H'Mông
    | \p{Lu}{1,6} \d [\p{L}\d]*                                                   # code: PC02, X03
    | [\p{L}\p{M}] (?: (?! \p{Lu} (?<= \p{Ll} \p{M}* \p{Lu} ) ) [\p{L}\p{M}] )*+    # syllable, `sông|Hương`
    | \.{2,}                                                                      # dots of omission
    | \S \p{M}*                                                                   # any other mark
    """,
    regex.VERBOSE,
)
# what an address may be long (RFC 1035, RFC 5321) keeps the time linear: the search for one begins at every token

_CLOSERS = frozenset("\"'”’»)]}")
_ENDERS = frozenset({".", "!", "?", "…"})
_LONGEST_REMEMBERED = 20_000
"""The longest text, in characters, whose sentences are cached; the cache must stay small."""


class Token(NamedTuple):
    """A token and its offsets: `text` is the document's `text[start:end]`."""

    text: str
    start: int
    end: int


class Sentence(NamedTuple):
    """A sentence of a document, `text[start:end]`; the offsets of its tokens are into the document too."""

    start: int
    end: int
    tokens: tuple[Token, ...]


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Split `text[start:end]` into syllable tokens whose offsets are into `text`."""
    visible = visible_text(text)
    first, last = (bisect_left(visible.offsets, edge) for edge in (start, len(text) if end is None else end))
    return _placed(_tokens(visible.text, first, last), text, visible)


def _tokens(visible: str, start: int, end: int) -> list[Token]:
    """Split a part of a text without invisible characters."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(visible, start, end)]


def _placed(tokens: list[Token], text: str, visible: VisibleText) -> list[Token]:
    """Return tokens of the visible text as they are in the whole text."""
    if len(visible.text) == len(text):
        return tokens
    ranges = (visible.range_of(token.start, token.end) for token in tokens)
    return [Token(text[start:end], start, end) for start, end in ranges]


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """Split a text into sentences, which never cross a line break; a blank line has none."""
    return _remembered_sentences(text) if len(text) <= _LONGEST_REMEMBERED else _find_sentences(text)


def _find_sentences(text: str) -> tuple[Sentence, ...]:
    visible = visible_text(text)
    found: list[Sentence] = []
    line_start = 0
    for line in visible.text.split("\n"):
        for tokens in _split_line(_tokens(visible.text, line_start, line_start + len(line))):
            own = _placed(tokens, text, visible)
            found.append(Sentence(own[0].start, own[-1].end, tuple(own)))
        line_start += len(line) + 1
    return tuple(found)


def _split_line(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each sentence of a line."""
    first = stop = 0  # the sentence's first token, and the last one that does not close quotes or brackets
    for last, token in enumerate(tokens):
        if last == first or token.text not in _CLOSERS:
            stop = last
        if last == len(tokens) - 1 or _ends_sentence(tokens, first, stop, last):
            yield tokens[first : last + 1]
            first = last + 1


# the same texts are split in every epoch and for every format
_remembered_sentences = lru_cache(maxsize=256)(_find_sentences)


def _ends_sentence(tokens: list[Token], first: int, stop: int, last: int) -> bool:
    """Tell whether a sentence that begins at token `first` ends at token `last`, which is not the last of its line.

    The tokens after `stop` close quotes or brackets.
    """
    mark, following = tokens[stop], tokens[last + 1]
    if mark.text not in _ENDERS and not mark.text.startswith(".."):
        return False
    if tokens[last].end == following.start or following.text in _CLOSERS:
        return False
    if not (following.text[0].isupper() or following.text[0].isdigit() or following.text[0] in '“"‘«([-–+*'):
        return False
    return mark.text != "." or not _abbreviates(tokens, first, stop)


def is_abbreviation(word: str) -> bool:
    """Tell whether a full stop after this word may belong to it: a known abbreviation or an initial."""
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isupper())


def _abbreviates(tokens: list[Token], first: int, stop: int) -> bool:
    """Tell whether the full stop at token `stop` follows an abbreviation, an initial or a list number."""
    if stop == first:
        return False
    before = tokens[stop - 1]
    if before.end != tokens[stop].start:
        return False
    if is_abbreviation(before.text):
        return True
    return stop - 1 == first and before.text.isdigit()

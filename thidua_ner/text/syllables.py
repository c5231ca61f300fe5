"""Split a text into sentences and syllable tokens, each with its character offsets.

A token is a syllable, a whole number, date or clock time (`28/7`, `3.264`, `86,2`, `21:30`), a web address, or one
punctuation mark; `%` is a separate token. White space belongs to no token.
"""

from functools import lru_cache
from typing import NamedTuple

import regex

ABBREVIATIONS = frozenset(
    {"tp", "tx", "tt", "q", "p", "h", "st", "ub", "v"}  # places and bodies
    | {"ths", "ts", "pgs", "gs", "bs", "ks", "ls", "mr", "mrs", "ms", "cty", "gđ", "pgđ"}  # titles
    | {"tr", "th", "ng", "ph", "kh", "nh", "ch", "gi", "qu", "đ"}  # initials of two letters in by-lines
)
"""Words in lower case whose full stop does not end a sentence; a rule adds single capital letters."""

_TOKEN = regex.compile(
    r"""
      (?i: https?:// | www\. ) [^\s<>"“”«»]* [\p{L}\p{N}/]                        # web address with its scheme
    | [\w.+-]+ @ [\w-]+ (?: \. [\w-]+ )+                                          # e-mail address
    | (?<! [\p{L}\p{N}@.] ) (?i: (?= [\d-]* [a-z] ) [a-z0-9] [a-z0-9-]* (?: \. [a-z0-9-]+ )*
          \. (?: vn | com | net | org | gov | edu | info | io ) ) \b              # bare web address
    | (?: \d{1,2} : \d{2} (?: : \d{2} )?                                          # clock time
        | \d{1,2} / \d{1,2} / \d{2,4} | \d{4} / \d{1,2} / \d{1,2}                 # 28/7/2023, 2023/7/28
        | (?: 0?[1-9] | [12]\d | 3[01] ) / (?: 0?[1-9] | 1[0-2] )                 # 28/7
        | (?: 0?[1-9] | 1[0-2] ) / (?: 19 | 20 ) \d\d                             # 7/2023
        | \d{1,2} - \d{1,2} - \d{4}                                               # 28-7-2023
        | (?: 19 | 20 ) \d\d - (?: 0[1-9] | 1[0-2] ) (?: - (?: 0[1-9] | [12]\d | 3[01] ) )?   # 2023-07, 2023-07-28
      ) (?! \d | [.,/] \d )
    | \d+ (?: \. \d+ )* (?: (?<! \d , \d+ ) , \d+ (?! ,? \d ) )?                  # 3.264, 86,2, 28.7.2023; not 3,4,5
    | \p{Lu}{1,2} ['’] \p{Lu} [\p{L}\p{M}]*                                       # H'Mông
    | \p{Lu}{1,6} \d [\p{L}\d]*                                                   # code: PC02, X03
    | [\p{L}\p{M}]+                                                               # syllable
    | \.{2,}                                                                      # dots of omission
    | \S \p{M}*                                                                   # any other mark
    """,
    regex.VERBOSE,
)
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
    matches = _TOKEN.finditer(text, start, len(text) if end is None else end)
    return [Token(m.group(), m.start(), m.end()) for m in matches]


def split_sentences(text: str) -> tuple[Sentence, ...]:
    """Split a text into sentences, which never cross a line break; a blank line has none."""
    return _remembered_sentences(text) if len(text) <= _LONGEST_REMEMBERED else _find_sentences(text)


def _find_sentences(text: str) -> tuple[Sentence, ...]:
    found: list[Sentence] = []
    line_start = 0
    for line in text.split("\n"):
        tokens = tokenize(text, line_start, line_start + len(line))
        first = 0
        for last in range(len(tokens)):
            if last == len(tokens) - 1 or _ends_sentence(tokens, first, last):
                found.append(_sentence(tokens[first : last + 1]))
                first = last + 1
        line_start += len(line) + 1
    return tuple(found)


# the same texts are split in every epoch and for every format
_remembered_sentences = lru_cache(maxsize=256)(_find_sentences)


def _sentence(tokens: list[Token]) -> Sentence:
    return Sentence(tokens[0].start, tokens[-1].end, tuple(tokens))


def _ends_sentence(tokens: list[Token], first: int, last: int) -> bool:
    """Tell whether a sentence that begins at token `first` ends at token `last`, which is not the last of its line."""
    stop = last
    while stop > first and tokens[stop].text in _CLOSERS:
        stop -= 1
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

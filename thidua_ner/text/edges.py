"""With what a span may begin and end: the rules of the guidelines on punctuation at the edges of spans."""

import unicodedata
from collections.abc import Sequence

from thidua_ner.text.syllables import Token, is_abbreviation

_OPENERS = {"”": "“", "’": "‘", '"': '"', "'": "'"}
"""Each closing quote with the one that opens it."""


def may_begin(character: str) -> bool:
    """Tell whether a span may begin with a character: a letter, a combining mark or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def may_end(surface: str) -> bool:
    """Tell whether a span may end as it does.

    It may like a beginning, in `%`, in a full stop that abbreviates, or in a quote that it opens.
    """
    last, before = surface[-1], surface[:-1]
    if last == ".":
        return is_abbreviation((before.split() or [""])[-1].rpartition(".")[2])
    return may_begin(last) or last == "%" or (last in _OPENERS and _OPENERS[last] in before)


def find_edges(tokens: Sequence[Token]) -> tuple[list[bool], list[bool]]:
    """Tell of each token of a sentence whether a span may begin with it, and whether one may end with it.

    A quote that was opened anywhere before may end one; whether the span opens it is for `may_end` to tell.
    """
    begins, ends = [], []
    opened: set[str] = set()
    before = ""
    for token in tokens:
        begins.append(may_begin(token.text[0]))
        ends.append(may_end(before + token.text) or _OPENERS.get(token.text[-1]) in opened)
        opened.update(token.text)
        before = token.text
    return begins, ends

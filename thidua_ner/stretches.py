"""Sentences too long for one: in overlapping stretches, put together again between two words.

A text of megabytes without a full stop is one sentence to the rules. A stretch is longer than an encoder's window, and
two of them share more than half a window on either side of their seam.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from thidua_ner.words import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST = 4096
"""Tokens of a stretch."""

SHARED = 512
"""Tokens that two neighbours share."""


class Stretch(NamedTuple):
    """The words that were found from a token of the sentence on, and the probabilities of their tags."""

    first: int
    words: Sequence[Word]
    probabilities: "NDArray[np.float64]"


def cut(n_tokens: int) -> list[range]:
    """Cut a sentence of so many tokens into overlapping stretches; most sentences are one."""
    firsts = range(0, max(n_tokens - SHARED, 1), LONGEST - SHARED)
    return [range(first, min(first + LONGEST, n_tokens)) for first in firsts]


def join(stretches: Sequence[Stretch]) -> "tuple[Sequence[Word], NDArray[np.float64]]":
    """Put stretches together: each word once, from the stretch in which it lies farther from the end."""
    import numpy as np

    if len(stretches) == 1:
        return stretches[0].words, stretches[0].probabilities
    placed = [[Word(w.syllables, w.first + one.first, w.last + one.first) for w in one.words] for one in stretches]
    seams = [0, *(_seam(left, right) for left, right in pairwise(placed)), placed[-1][-1].last]
    words: list[Word] = []
    rows = []
    for own, stretch, (begin, end) in zip(placed, stretches, pairwise(seams), strict=True):
        kept = [index for index, word in enumerate(own) if word.first < end and begin < word.last]
        words += [_clip(own[index], begin, end) for index in kept]
        rows.append(stretch.probabilities[kept])
    return words, np.concatenate(rows)


def _seam(left: Sequence[Word], right: Sequence[Word]) -> int:
    """Choose the token from which on the right stretch counts: where words end in both, near the middle of the two."""
    middle = (right[0].first + left[-1].last) // 2
    both = {word.last for word in left} & {word.first for word in right}
    return min(both, key=lambda token: (abs(token - middle), token), default=middle)


def _clip(word: Word, begin: int, end: int) -> Word:
    """Cut off what of a word lies beyond a seam, where no seam could be found between words."""
    first, last = max(word.first, begin), min(word.last, end)
    return Word(word.syllables[first - word.first : last - word.first], first, last)

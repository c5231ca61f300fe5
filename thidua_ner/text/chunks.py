"""Sentences that are too long for one pass: cut into overlapping chunks, and joined again between two words.

A text of megabytes without a full stop is one sentence to the rules of `syllables.py`. A chunk is longer than an
encoder's window, and two neighbours share more than half a window on either side of the seam between them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from thidua_ner.text.words import Word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHUNK_TOKENS = 4096
"""Tokens in a chunk."""

SHARED_TOKENS = 512
"""Tokens that two neighbouring chunks share."""


class Chunk(NamedTuple):
    """The words found from token `first` of the sentence on, and the probabilities of their tags (words by tags)."""

    first: int
    words: Sequence[Word]
    probabilities: "NDArray[np.float64]"


def chunk_ranges(n_tokens: int) -> list[range]:
    """Cut a sentence of `n_tokens` into overlapping ranges of tokens; most sentences are a single one."""
    firsts = range(0, max(n_tokens - SHARED_TOKENS, 1), CHUNK_TOKENS - SHARED_TOKENS)
    return [range(first, min(first + CHUNK_TOKENS, n_tokens)) for first in firsts]


def join_chunks(chunks: Sequence[Chunk]) -> "tuple[Sequence[Word], NDArray[np.float64]]":
    """Join chunks: each word once, from the chunk whose end is farther away, with its row of probabilities."""
    import numpy as np

    if len(chunks) == 1:
        return chunks[0].words, chunks[0].probabilities
    placed = [[Word(w.syllables, w.first + one.first, w.last + one.first) for w in one.words] for one in chunks]
    seams = [0, *(_seam(left, right) for left, right in pairwise(placed)), placed[-1][-1].last]
    words: list[Word] = []
    rows = []
    for own, chunk, (begin, end) in zip(placed, chunks, pairwise(seams), strict=True):
        kept = [index for index, word in enumerate(own) if word.first < end and begin < word.last]
        words += [_clip(own[index], begin, end) for index in kept]
        rows.append(chunk.probabilities[kept])
    return words, np.concatenate(rows)


def _seam(left: Sequence[Word], right: Sequence[Word]) -> int:
    """Choose the token from which on the right chunk counts: a word boundary of both, nearest to the middle."""
    middle = (right[0].first + left[-1].last) // 2
    both = {word.last for word in left} & {word.first for word in right}
    return min(both, key=lambda token: (abs(token - middle), token), default=middle)


def _clip(word: Word, begin: int, end: int) -> Word:
    """Cut off what of a word lies beyond a seam, which happens if no seam falls between words."""
    first, last = max(word.first, begin), min(word.last, end)
    return Word(word.syllables[first - word.first : last - word.first], first, last)

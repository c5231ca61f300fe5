"""Cut a sentence that is too long for one pass into overlapping chunks, and join the chunks at word boundaries.

The rules of `syllables.py` treat a text of megabytes without a full stop as one sentence. A chunk is longer than an
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
"""The most tokens that a chunk has."""

SHARED_TOKENS = 512
"""The tokens that two neighbouring chunks share."""


class Chunk(NamedTuple):
    """The words of a sentence from token `first` on, with the probabilities of their tags (words by tags)."""

    first: int
    words: Sequence[Word]
    probabilities: "NDArray[np.float64]"


def chunk_ranges(n_tokens: int) -> list[range]:
    """Cut a sentence of `n_tokens` into overlapping ranges of tokens; most sentences give a single range."""
    firsts = range(0, max(n_tokens - SHARED_TOKENS, 1), CHUNK_TOKENS - SHARED_TOKENS)
    return [range(first, min(first + CHUNK_TOKENS, n_tokens)) for first in firsts]


def join_chunks(chunks: Sequence[Chunk]) -> "tuple[Sequence[Word], NDArray[np.float64]]":
    """Join the chunks of a sentence into its words and their probabilities (words by tags).

    Each word is taken once, from the chunk whose end is farther away.
    """
    import numpy as np

    if len(chunks) == 1:
        return chunks[0].words, chunks[0].probabilities
    placed = [[Word(w.syllables, w.first + c.first, w.last + c.first) for w in c.words] for c in chunks]
    seams = [0, *(_seam(left, right) for left, right in pairwise(placed)), placed[-1][-1].last]
    words: list[Word] = []
    rows = []
    for own, chunk, (begin, end) in zip(placed, chunks, pairwise(seams), strict=True):
        kept = [index for index, word in enumerate(own) if word.first < end and begin < word.last]
        words += [_clip(own[index], begin, end) for index in kept]
        rows.append(chunk.probabilities[kept])
    return words, np.concatenate(rows)


def _seam(left: Sequence[Word], right: Sequence[Word]) -> int:
    """Choose the first token of the right chunk's part: the word boundary of both chunks nearest to the middle."""
    middle = (right[0].first + left[-1].last) // 2
    both = {word.last for word in left} & {word.first for word in right}
    return min(both, key=lambda token: (abs(token - middle), token), default=middle)


def _clip(word: Word, begin: int, end: int) -> Word:
    """Cut off the part of a word beyond a seam; needed only if the two chunks share no word boundary."""
    first, last = max(word.first, begin), min(word.last, end)
    return Word(word.syllables[first - word.first : last - word.first], first, last)

"""Words to subword ids and back, with any tokenizer of `transformers`, fast or Python.

Words are encoded one by one, so that alignment needs no offsets and no `word_ids`; a word is tagged at its
first subword. A sentence longer than the encoder goes through overlapping windows.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

OVERLAP = 4
"""Neighbouring windows share a quarter of their length (1 / OVERLAP)."""


class Window(NamedTuple):
    """Part of a sentence as an encoder reads it.

    `input_ids` has the special tokens around it; `heads[i]` is the position in it of the first subword of
    word `first_word + i` of the sentence.
    """

    input_ids: list[int]
    heads: list[int]
    first_word: int


class SubwordEncoder:
    """Encodes the words of sentences for one tokenizer, remembering the words that it has met."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> None:
        """Take the tokenizer and the most positions that its encoder has, special tokens included."""
        self._tokenizer = tokenizer
        self._prefix = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        self._suffix = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        self._room = max_length - 2
        self._known: dict[str, list[int]] = {}
        if self._room < OVERLAP:
            raise ValueError(f"an encoder of {max_length} positions is too short")

    def encode(self, words: Sequence[str]) -> list[Window]:
        """Encode a sentence as one window, or as overlapping windows where it does not fit in one."""
        pieces = [self._word_ids(word) for word in words]
        windows: list[Window] = []
        first = 0
        while first < len(pieces):
            last, length = first, 0
            while last < len(pieces) and length + len(pieces[last]) <= self._room:
                length += len(pieces[last])
                last += 1
            windows.append(self._window(pieces[first:last], first))
            if last == len(pieces):
                break
            first = self._step_back(pieces, first, last)
        return windows

    def _word_ids(self, word: str) -> list[int]:
        """Look up a word's ids: at least one, and at most a quarter of a window (the head is what is tagged)."""
        if word not in self._known:
            ids = self._tokenizer.convert_tokens_to_ids(self._tokenizer.tokenize(word))
            self._known[word] = (ids or [self._tokenizer.unk_token_id])[: self._room // OVERLAP]
        return self._known[word]

    def _window(self, pieces: Sequence[list[int]], first_word: int) -> Window:
        ids, heads = [self._prefix], []
        for piece in pieces:
            heads.append(len(ids))
            ids += piece
        return Window([*ids, self._suffix], heads, first_word)

    def _step_back(self, pieces: Sequence[list[int]], first: int, last: int) -> int:
        """Find the word that begins the next window, so that the two share context."""
        shared = 0
        while last - 1 > first and shared + len(pieces[last - 1]) <= self._room // OVERLAP:
            last -= 1
            shared += len(pieces[last])
        return last


def best_windows(windows: Sequence[Window], n_words: int) -> list[tuple[int, int]]:
    """Choose for each word the window, and its place there, where it has most context on its poorer side."""
    best: list[tuple[int, int]] = [(-1, -1)] * n_words
    context = [-1] * n_words
    for index, window in enumerate(windows):
        for place, head in enumerate(window.heads):
            word = window.first_word + place
            room = min(head, len(window.input_ids) - head)
            if room > context[word]:
                context[word], best[word] = room, (index, place)
    return best

"""Encode words as subword ids with any tokenizer of `transformers`, and map the model's output back to words.

Words are encoded one at a time, so that the alignment needs neither offsets nor `word_ids`; a word is tagged at its
first subword. A sentence longer than the encoder's input is read in overlapping windows.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from transformers import PreTrainedTokenizerBase

_CPU_BATCH, GPU_BATCH = 1280, 32_768
"""Subwords of a batch, padding included: smaller batches leave a device idle, larger ones overflow a CPU's caches."""

_REMEMBERED = 100_000
"""The number of words whose ids are cached."""

OVERLAP_DIVISOR = 4
"""Neighbouring windows share 1 / OVERLAP_DIVISOR of their length."""


class Window(NamedTuple):
    """Part of a sentence as an encoder reads it.

    `input_ids` includes the special tokens at both ends; `heads[i]` is the position in it of the first subword of the
    sentence's word `first_word + i`.
    """

    input_ids: list[int]
    heads: list[int]
    first_word: int


class SubwordEncoder:
    """Encodes the words of sentences with one tokenizer, caching the ids of words."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", max_length: int) -> None:
        """Take a tokenizer and the number of positions of its encoder, special tokens included.

        Raises ValueError if the encoder has too few positions.
        """
        self._tokenizer = tokenizer
        self._prefix = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
        self._suffix = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
        self.max_length = max_length
        self.batch = _CPU_BATCH
        """The most subwords that the model reads at once, padding included; one longer window is read alone."""
        self._room = max_length - 2
        self._known: dict[str, list[int]] = {}
        if self._room < OVERLAP_DIVISOR:
            raise ValueError(f"an encoder of {max_length} positions is too short")

    def encode(self, words: Sequence[str]) -> list[Window]:
        """Encode a sentence as one window, or as overlapping windows if it does not fit in one."""
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
        """Look up the ids of a word: at least one, and no more than the part of a window that neighbours share."""
        if word not in self._known:
            if len(self._known) == _REMEMBERED:
                self._known.clear()  # the vocabulary of a crawl is unbounded
            ids = self._tokenizer.convert_tokens_to_ids(self._tokenizer.tokenize(word))
            self._known[word] = (ids or [self._tokenizer.unk_token_id])[: self._room // OVERLAP_DIVISOR]
        return self._known[word]

    def _window(self, pieces: Sequence[list[int]], first_word: int) -> Window:
        ids, heads = [self._prefix], []
        for piece in pieces:
            heads.append(len(ids))
            ids += piece
        return Window([*ids, self._suffix], heads, first_word)

    def _step_back(self, pieces: Sequence[list[int]], first: int, last: int) -> int:
        """Find the word that begins the next window, so that the two windows share context."""
        shared = 0
        while last - 1 > first and shared + len(pieces[last - 1]) <= self._room // OVERLAP_DIVISOR:
            last -= 1
            shared += len(pieces[last])
        return last


def best_windows(windows: Sequence[Window], n_words: int) -> list[tuple[int, int]]:
    """Choose for each word the window in which its shorter context, left or right, is longest.

    Returns for each word the index of the window and the word's place in it.
    """
    best: list[tuple[int, int]] = [(-1, -1)] * n_words
    context = [-1] * n_words
    for index, window in enumerate(windows):
        for place, head in enumerate(window.heads):
            word = window.first_word + place
            room = min(head, len(window.input_ids) - head)
            if room > context[word]:
                context[word], best[word] = room, (index, place)
    return best


Logits = Callable[["NDArray[np.int64]", "NDArray[np.int64]"], "NDArray[np.floating[Any]]"]
"""Takes ids and mask (windows by subwords) and returns the logits (windows by subwords by classes)."""


def word_probabilities(
    encoder: SubwordEncoder, run: Logits, padding: int, sentences: Sequence[Sequence[str]]
) -> "list[NDArray[np.float64]]":
    """Compute the class probabilities of the words of many sentences, one array of words by classes per sentence.

    `run` computes the logits of a batch padded with the id `padding`; each word is taken from its best window.
    """
    import numpy as np

    windows = [encoder.encode(words) for words in sentences]
    flat = iter(_head_probabilities(encoder, run, padding, [window for own in windows for window in own]))
    found = []
    for words, own in zip(sentences, windows, strict=True):
        rows = [next(flat) for _ in own]
        best = [rows[window][place] for window, place in best_windows(own, len(words))]
        found.append(np.stack(best) if best else np.zeros((0, 0)))
    return found


def _head_probabilities(
    encoder: SubwordEncoder, run: Logits, padding: int, windows: Sequence[Window]
) -> "list[NDArray[np.float64]]":
    """Run windows through a model in batches of similar length; return the rows of the words' first subwords."""
    import numpy as np

    found: dict[int, NDArray[np.float64]] = {}
    order = sorted(range(len(windows)), key=lambda index: len(windows[index].input_ids))
    for batch in _batches(encoder, order, [len(window.input_ids) for window in windows]):
        width = len(windows[batch[-1]].input_ids)
        ids = np.full((len(batch), width), padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, index in enumerate(batch):
            length = len(windows[index].input_ids)
            ids[row, :length], mask[row, :length] = windows[index].input_ids, 1
        scores = run(ids, mask).astype(np.float64)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        for row, index in enumerate(batch):
            heads = odds[row, windows[index].heads]
            found[index] = heads / heads.sum(-1, keepdims=True)
    return [found[index] for index in range(len(windows))]


def _batches(encoder: SubwordEncoder, order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Cut windows, ordered by length, into batches; running one may reduce the encoder's size of the next."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * lengths[index] > encoder.batch:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch

"""Group syllable tokens into words; the text and its offsets do not change.

PhoBERT reads words (`Công_an tỉnh Quảng_Nam`; Nguyen and Nguyen, 2020). A word is a run of syllable tokens; only
syllables of letters are joined, so each number, date and punctuation mark is a word.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from thidua_ner.faults import MachineError, fail
from thidua_ner.text.characters import replace_surrogates, spell
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.syllables import Token

Segmenter = Callable[[Sequence[str]], list[int]]
"""Takes the syllables of a sentence and returns the lengths of its words, in syllables."""


class Word(NamedTuple):
    """The tokens `first` to `last` (half-open) of a sentence, each spelled as an encoder reads it."""

    syllables: tuple[str, ...]
    first: int
    last: int

    @property
    def text(self) -> str:
        """The syllables joined with underscores, as PhoBERT expects them."""
        return "_".join(self.syllables)


def _single_syllables(syllables: Sequence[str]) -> list[int]:
    """Make each syllable a word."""
    return [1] * len(syllables)


@cache
def _underthesea() -> Callable[..., list[str]]:
    # imported at first use: the import takes a second, and only word-level encoders need it
    from underthesea import word_tokenize

    tokenize: Callable[..., list[str]] = word_tokenize
    return tokenize


def _underthesea_words(syllables: Sequence[str]) -> list[int]:
    """Group syllables with `underthesea`."""
    words = _underthesea()(" ".join(syllables), use_token_normalize=False)
    return _lengths(syllables, ["".join(word.split()) for word in words])


@cache
def _vncorenlp() -> Any:
    """Start VnCoreNLP's segmenter; raises MachineError if the package, Java or its files are missing."""
    folder = os.environ.get("VNCORENLP", "")
    remedy = "install Java and `thidua-ner[vncorenlp]`, and set VNCORENLP to the folder with its jar and models"
    if not (Path(folder) / "models/wordsegmenter").is_dir():
        fail(folder or "VNCORENLP", "is not a folder of VnCoreNLP", remedy, kind=MachineError)
    here = Path.cwd()
    try:
        from py_vncorenlp import VnCoreNLP

        return VnCoreNLP(annotators=["wseg"], save_dir=str(Path(folder).resolve()))
    except Exception as error:  # what it raises without Java depends on its Java bridge
        fail(folder, f"VnCoreNLP does not start ({error})", remedy, kind=MachineError)
    finally:
        os.chdir(here)  # it changes the working directory of the process to its own folder


def _vncorenlp_words(syllables: Sequence[str]) -> list[int]:
    """Group syllables with VnCoreNLP, the segmenter that PhoBERT was trained with."""
    sentences = _vncorenlp().word_segment(" ".join(syllables))
    return _lengths(syllables, [word.replace("_", "") for sentence in sentences for word in sentence.split()])


def _lengths(syllables: Sequence[str], words: Sequence[str]) -> list[int]:
    """Count the syllables of each word, given words without spaces; a boundary inside a syllable is ignored."""
    ends = list(accumulate(len(syllable) for syllable in syllables))
    word_ends = set(accumulate(map(len, words)))
    if max(word_ends, default=0) != ends[-1]:
        return _single_syllables(syllables)  # the segmenter dropped characters that it does not know
    lengths = [1]
    for index in range(1, len(syllables)):
        joined = ends[index - 1] not in word_ends and syllables[index - 1].isalpha() and syllables[index].isalpha()
        if joined:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


SEGMENTERS: dict[str, Segmenter] = {
    "underthesea": _underthesea_words,
    "vncorenlp": _vncorenlp_words,
    "none": _single_syllables,
}
"""The segmenters by name, as in a config and in a checkpoint's `config.json`."""


def segment(tokens: Sequence[Token], segmenter: Segmenter) -> list[Word]:
    """Group the tokens of a sentence into words, spelled as models read them."""
    if not tokens:
        return []
    # tokenizers raise errors for lone surrogates
    syllables = [replace_surrogates(spell(token.text)) for token in tokens]
    ends = list(accumulate(segmenter(syllables)))
    starts = [0, *ends[:-1]]
    return [Word(tuple(syllables[a:b]), a, b) for a, b in zip(starts, ends, strict=True)]


def split_at_entities(words: Sequence[Word], tags: Sequence[str]) -> list[Word]:
    """Cut words wherever an entity begins or ends inside one, so that each word has a single tag.

    `tags` has one IOB2 tag per token of the sentence.
    """
    pieces: list[Word] = []
    for word in words:
        first = word.first
        for index in range(word.first + 1, word.last + 1):
            at_edge = index < word.last and (
                tags[index].startswith("B-") or (tags[index] == OUTSIDE) != (tags[index - 1] == OUTSIDE)
            )
            if index == word.last or at_edge:
                pieces.append(Word(word.syllables[first - word.first : index - word.first], first, index))
                first = index
    return pieces

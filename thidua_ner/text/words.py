"""Word segmentation as a grouping of syllable tokens; the text and its offsets stay as they are.

PhoBERT reads words (`Công_an tỉnh Quảng_Nam`). A word here is a run of syllable tokens; only syllables of
letters are ever joined, so that figures, dates and punctuation stay words of their own.
"""

import os
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from thidua_ner.faults import fail
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.spans import Document
from thidua_ner.text.syllables import Token

Segmenter = Callable[[Sequence[str]], list[int]]
"""Takes the syllables of a sentence, returns the lengths of its words in syllables."""


class Word(NamedTuple):
    """The tokens `first` to `last` (half-open) of a sentence, with the spelling of each as an encoder reads it."""

    syllables: tuple[str, ...]
    first: int
    last: int

    @property
    def text(self) -> str:
        """The word as PhoBERT spells it."""
        return "_".join(self.syllables)


def _single_syllables(syllables: Sequence[str]) -> list[int]:
    """Leave each syllable a word of its own."""
    return [1] * len(syllables)


@cache
def _underthesea() -> Callable[..., list[str]]:
    # imported at first use: it takes a second, and only word-level encoders need it
    from underthesea import word_tokenize

    tokenize: Callable[..., list[str]] = word_tokenize
    return tokenize


def _underthesea_words(syllables: Sequence[str]) -> list[int]:
    """Group syllables as `underthesea` groups them."""
    words = _underthesea()(" ".join(syllables), use_token_normalize=False)
    return _lengths(syllables, ["".join(word.split()) for word in words])


@cache
def _vncorenlp() -> Any:
    """Start VnCoreNLP's segmenter; DataError where the package, Java or its files are absent."""
    folder = os.environ.get("VNCORENLP", "")
    remedy = (
        "install Java and `pip install -e '.[vncorenlp]'`, and let VNCORENLP name the folder with its jar and models"
    )
    if not (Path(folder) / "models/wordsegmenter").is_dir():
        fail(folder or "VNCORENLP", "is not a folder of VnCoreNLP", remedy)
    here = Path.cwd()
    try:
        from py_vncorenlp import VnCoreNLP

        return VnCoreNLP(annotators=["wseg"], save_dir=str(Path(folder).resolve()))
    except Exception as error:  # without Java it fails in its own ways
        fail(folder, f"VnCoreNLP does not start ({error})", remedy)
    finally:
        os.chdir(here)  # it leaves the process in its folder


def _vncorenlp_words(syllables: Sequence[str]) -> list[int]:
    """Group syllables as VnCoreNLP, PhoBERT's own segmenter, groups them."""
    sentences = _vncorenlp().word_segment(" ".join(syllables))
    return _lengths(syllables, [word.replace("_", "") for sentence in sentences for word in sentence.split()])


def _lengths(syllables: Sequence[str], words: Sequence[str]) -> list[int]:
    """Count the syllables of words, written without spaces; a boundary set inside a syllable is passed over."""
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
"""Segmenters by the name that a config and a checkpoint give."""


def segment(tokens: Sequence[Token], segmenter: Segmenter) -> list[Word]:
    """Group the tokens of a sentence into words; spellings are composed (NFC), which encoders expect."""
    if not tokens:
        return []
    syllables = [unicodedata.normalize("NFC", token.text) for token in tokens]
    ends = list(accumulate(segmenter(syllables)))
    starts = [0, *ends[:-1]]
    return [Word(tuple(syllables[a:b]), a, b) for a, b in zip(starts, ends, strict=True)]


def split_at_entities(words: Sequence[Word], tags: Sequence[str]) -> list[Word]:
    """Cut words wherever an entity begins or ends inside one, so that each word has a single tag."""
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

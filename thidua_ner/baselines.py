"""Taggers to compare with: rules, a linear-chain CRF, and the one that `underthesea` ships.

A baseline's folder has a `config.json` like a checkpoint's, whose `model_type` names it.
"""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from thidua_ner import iob2
from thidua_ner.crf import CrfModel
from thidua_ner.files import write_text
from thidua_ner.labels import LOC, ORG, OUTSIDE, PER
from thidua_ner.rules import find_spans
from thidua_ner.runs import tags_of
from thidua_ner.spans import Document, Span, as_document
from thidua_ner.syllables import Token

Baseline = Literal["rules", "crf", "underthesea"]
CRF: Baseline = "crf"
CRF_FILE = "model.crfsuite"


class SpanFinder:
    """Gives documents the spans that a function finds in them."""

    def __init__(self, find: Callable[[Document], tuple[Span, ...]]) -> None:
        """Take the function."""
        self._find = find

    def tag(self, text: str) -> Document:
        """Tag one text."""
        return next(self.tag_many([text]))

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Tag texts or documents one by one."""
        for document in map(as_document, texts):
            yield document.with_spans(self._find(document))


@cache
def _underthesea_ner() -> Callable[[str], list[tuple[str, ...]]]:
    # imported at first use: it takes a second
    from underthesea import ner

    function: Callable[[str], list[tuple[str, ...]]] = ner
    return function


def underthesea_spans(document: Document) -> tuple[Span, ...]:
    """Find persons, places and bodies with `underthesea`'s shipped CRF, sentence by sentence."""
    spans: list[Span] = []
    for sentence in document.sentences():
        if sentence.tokens:
            spans += iob2.decode(_underthesea_tags(sentence.tokens), sentence.tokens, "conlleval")
    return tuple(spans)


def _underthesea_tags(tokens: Sequence[Token]) -> list[str]:
    """Tag tokens as the word is tagged in which each begins; O for all where characters were lost."""
    syllables = [unicodedata.normalize("NFC", token.text) for token in tokens]
    tagged = [("".join(word.split()), tag) for word, *_, tag in _underthesea_ner()(" ".join(syllables))]
    if "".join(word for word, _ in tagged) != "".join(syllables):
        return [OUTSIDE] * len(tokens)
    tags: dict[int, str] = {}
    for end, (word, tag) in zip(accumulate(len(word) for word, _ in tagged), tagged, strict=True):
        first = end - len(word)
        known = tag[2:] in {PER, LOC, ORG}
        tags[first] = tag if known else OUTSIDE
        tags.update(dict.fromkeys(range(first + 1, end), f"I-{tag[2:]}" if known else OUTSIDE))
    ends = accumulate(map(len, syllables))
    return [tags[end - len(syllable)] for end, syllable in zip(ends, syllables, strict=True)]


FINDERS: dict[str, Callable[[Document], tuple[Span, ...]]] = {
    "rules": lambda document: find_spans(document.text),
    "underthesea": underthesea_spans,
}
"""The baselines that learn nothing."""


def save(folder: Path, baseline: Baseline, tags: Sequence[str]) -> None:
    """Write the description of a baseline."""
    config: dict[str, Any] = {"model_type": baseline, "id2label": dict(enumerate(tags)), "segmenter": "none"}
    write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")


def load_crf(folder: Path) -> CrfModel:
    """Read a CRF from its folder; DataError where it is damaged."""
    return CrfModel(folder / CRF_FILE, tags_of(folder))

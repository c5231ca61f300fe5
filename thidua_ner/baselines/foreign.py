"""Taggers of other packages: the CRF of `underthesea`, which finds persons, places and organisations."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from thidua_ner.text import iob2
from thidua_ner.text.labels import LOC, ORG, OUTSIDE, PER
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import Token
from thidua_ner.text.words import SEGMENTERS, segment


@cache
def _underthesea_ner() -> Callable[[str], list[tuple[str, ...]]]:
    # imported at first use: the import takes a second
    from underthesea import ner

    function: Callable[[str], list[tuple[str, ...]]] = ner
    return function


def underthesea_spans(document: Document) -> tuple[Span, ...]:
    """Find persons, places and organisations with the CRF of `underthesea`, sentence by sentence."""
    spans: list[Span] = []
    for sentence in document.sentences():
        if sentence.tokens:
            spans += iob2.decode(_underthesea_tags(sentence.tokens), sentence.tokens, "conlleval")
    return tuple(spans)


def _underthesea_tags(tokens: Sequence[Token]) -> list[str]:
    """Give each token the tag of the word in which it begins; all are O if `underthesea` dropped characters."""
    syllables = [word.text for word in segment(tokens, SEGMENTERS["none"])]
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

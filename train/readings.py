"""Sentences as an encoder reads them, and their mentions, which are replaced with others in training."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from thidua_ner.text import iob2
from thidua_ner.text.spans import Span
from thidua_ner.text.syllables import Token


class Reading(NamedTuple):
    """The words of a sentence as an encoder reads them, with a tag each; `document` is the index of its document."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: int = 0


def mentions_of(reading: Reading) -> list[Span]:
    """List the mentions of a sentence, with offsets in words."""
    return iob2.decode(reading.tags, [Token(word, place, place + 1) for place, word in enumerate(reading.words)])


def mentions_by_label(readings: Sequence[Reading]) -> dict[str, list[tuple[str, ...]]]:
    """List the distinct mentions of each label, in order of appearance."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for reading in readings:
        for mention in mentions_of(reading):
            found.setdefault(mention.label, {})[reading.words[mention.start : mention.end]] = None
    return {label: list(mentions) for label, mentions in found.items()}


def swap_mentions(
    reading: Reading, mentions: dict[str, list[tuple[str, ...]]], probability: float, generator: torch.Generator
) -> Reading:
    """Replace each mention with another one of the same label, with a probability."""
    words, tags = list(reading.words), list(reading.tags)
    for mention in reversed(mentions_of(reading)):
        if torch.rand((), generator=generator) < probability:
            others = mentions[mention.label]
            other = others[int(torch.randint(len(others), (), generator=generator))]
            words[mention.start : mention.end] = other
            tags[mention.start : mention.end] = [f"B-{mention.label}"] + [f"I-{mention.label}"] * (len(other) - 1)
    return Reading(tuple(words), tuple(tags), reading.document)

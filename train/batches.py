"""Sentences to examples, and examples to padded batches of like length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.utils.data import Dataset, Sampler
from transformers import DataCollatorForTokenClassification, PreTrainedTokenizerBase

from thidua_ner.models.checkpoints import MASKED, Checkpoint, usable_positions
from thidua_ner.text import iob2
from thidua_ner.text.spans import Span
from thidua_ner.text.syllables import Token

VARIATION = 0.05
"""By how much of itself a length is varied, at most, before examples are sorted by it."""

Example = dict[str, list[int]]
"""`input_ids` of a window with special tokens, and `labels`: a class at each word's first subword."""


class Reading(NamedTuple):
    """The words of a sentence as they are read, with a tag each."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


class Examples(Dataset[Example]):
    """Sentences as examples; with `replacement` each epoch swaps each mention for another one with that probability.

    The other mention has the same label and comes from the same sentences. A sentence that does not fit the encoder
    is as many examples as it has windows.
    """

    def __init__(self, readings: Sequence[Reading], checkpoint: Checkpoint, replacement: float = 0.0) -> None:
        self._encoder, self._tags = checkpoint.subwords, checkpoint.tags
        self._replacement = replacement
        self._mentions = mentions_by_label(readings) if replacement else {}
        self._sources: list[tuple[Reading, int]] = []
        self._examples: list[Example] = []
        for reading in readings:
            windows = self._encode(reading)
            self._sources += [(reading, number) for number in range(len(windows))]
            self._examples += windows
        self._filling: list[Example] = []

    def __len__(self) -> int:
        return len(self._examples) + len(self._filling)

    def __getitem__(self, index: int) -> Example:
        own = len(self._examples)
        return self._examples[index] if index < own else self._filling[index - own]

    def lengths(self) -> list[int]:
        """Count the subwords of every example as it is read in this epoch."""
        return [len(self[index]["input_ids"]) for index in range(len(self))]

    def fill_up(self, batch_size: int) -> None:
        """Add examples without a class until the last batch is full, so that no process has to repeat another one."""
        nothing = {"input_ids": self._examples[0]["input_ids"][:2], "labels": [MASKED, MASKED]}
        self._filling = [nothing] * (-len(self._examples) % batch_size)

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Swap mentions anew."""
        if not self._replacement:
            return
        for index, (reading, number) in enumerate(self._sources):
            windows = self._encode(swap_mentions(reading, self._mentions, self._replacement, generator))
            self._examples[index] = windows[min(number, len(windows) - 1)]

    def _encode(self, reading: Reading) -> list[Example]:
        """Encode a sentence; the class of a word stands at its first subword."""
        examples = []
        for window in self._encoder.encode(reading.words):
            labels = [MASKED] * len(window.input_ids)
            for place, head in enumerate(window.heads):
                labels[head] = self._tags.index(reading.tags[window.first_word + place])
            examples.append({"input_ids": window.input_ids, "labels": labels})
        return examples


def mentions_of(reading: Reading) -> list[Span]:
    """List the mentions of a sentence, their offsets counted in words."""
    return iob2.decode(reading.tags, [Token(word, place, place + 1) for place, word in enumerate(reading.words)])


def mentions_by_label(readings: Sequence[Reading]) -> dict[str, list[tuple[str, ...]]]:
    """List the different mentions of each label, in the order in which they come."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for reading in readings:
        for mention in mentions_of(reading):
            found.setdefault(mention.label, {})[reading.words[mention.start : mention.end]] = None
    return {label: list(mentions) for label, mentions in found.items()}


def swap_mentions(
    reading: Reading, mentions: dict[str, list[tuple[str, ...]]], probability: float, generator: torch.Generator
) -> Reading:
    """Put another mention of the same label in the place of each mention, with a probability."""
    words, tags = list(reading.words), list(reading.tags)
    for mention in reversed(mentions_of(reading)):
        if torch.rand((), generator=generator) < probability:
            others = mentions[mention.label]
            other = others[int(torch.randint(len(others), (), generator=generator))]
            words[mention.start : mention.end] = other
            tags[mention.start : mention.end] = [f"B-{mention.label}"] + [f"I-{mention.label}"] * (len(other) - 1)
    return Reading(tuple(words), tuple(tags))


class LengthSampler(Sampler[int]):
    """Draws batches of like length, in an order that depends on the seed and the epoch alone.

    Every process and every resumed run finds the same order. Lengths are varied a little before they are sorted, so
    that the batches differ from epoch to epoch; only the last batch may be short.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int) -> None:
        self._examples, self._batch_size, self._seed = examples, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Name the epoch that is drawn next."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._examples)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        self._examples.begin_epoch(generator)
        lengths = torch.tensor(self._examples.lengths(), dtype=torch.float)
        shuffled = torch.randperm(len(lengths), generator=generator)
        rest, grouped = shuffled.tensor_split([len(lengths) % self._batch_size])
        varied = lengths[grouped] * (1 + VARIATION * torch.rand(len(grouped), generator=generator))
        batches = grouped[varied.argsort()].view(-1, self._batch_size)
        yield from batches[torch.randperm(len(batches), generator=generator)].flatten().tolist()
        yield from rest.tolist()


@dataclass
class ShiftingCollator:
    """Pads examples; reads each from a random position on, at most `shift` places in.

    An encoder without pretraining otherwise tells its few sentences apart by the places of their words.
    """

    tokenizer: PreTrainedTokenizerBase
    first_position: int
    positions: int
    shift: int

    @classmethod
    def for_checkpoint(cls, checkpoint: Checkpoint, shift: int) -> "ShiftingCollator":
        """Fit a collator to an encoder's positions."""
        positions = usable_positions(checkpoint.model.config)
        first = checkpoint.model.config.max_position_embeddings - positions
        return cls(checkpoint.tokenizer, first, positions, shift)

    def __call__(self, examples: list[Example]) -> dict[str, Any]:
        """Make a batch: `input_ids`, `attention_mask`, `labels`, each examples by length, and `position_ids`."""
        batch: dict[str, Any] = dict(DataCollatorForTokenClassification(self.tokenizer)(examples))
        if self.shift:
            rows, length = batch["input_ids"].shape
            room = min(self.shift, self.positions - length)
            offsets = torch.randint(room + 1, (rows, 1))
            batch["position_ids"] = self.first_position + offsets + torch.arange(length)
        return batch

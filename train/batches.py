"""From sentences to examples, and from examples to padded batches of similar length."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler
from transformers import DataCollatorForTokenClassification, PreTrainedTokenizerBase

from thidua_ner.models.checkpoints import MASKED, Checkpoint
from thidua_ner.models.pretrained import usable_positions
from train.readings import Reading, mentions_by_label, swap_mentions
from train.respelling import draw_spelling, following_lines, respell

VARIATION = 0.05
"""The largest fraction by which a length is varied before examples are sorted by it."""

Example = dict[str, list[int]]
"""The `input_ids` of a window with special tokens, and its `labels`: a class at the first subword of each word."""


class Examples(Dataset[Example]):
    """Sentences as examples, which are rewritten in each epoch.

    A mention is replaced with another one of the same label, which comes from the same sentences, with probability
    `replacement`, and a sentence is written in another spelling with the probability that `spelling` gives for it. A
    sentence that is too long for the encoder gives an example per window.
    """

    def __init__(
        self,
        readings: Sequence[Reading],
        checkpoint: Checkpoint,
        replacement: float = 0.0,
        spelling: Mapping[str, float] | None = None,
    ) -> None:
        self._encoder, self._tags = checkpoint.subwords, checkpoint.tags
        self._replacement = replacement
        self._spelling = {name: probability for name, probability in (spelling or {}).items() if probability}
        self._mentions = mentions_by_label(readings) if replacement else {}
        self._readings = readings
        self._following = following_lines(readings) if self._spelling else []
        self._sources: list[tuple[int, int]] = []
        self._examples: list[Example] = []
        for place, reading in enumerate(readings):
            windows = self._encode(reading)
            self._sources += [(place, number) for number in range(len(windows))]
            self._examples += windows
        self._filling: list[Example] = []

    def __len__(self) -> int:
        return len(self._examples) + len(self._filling)

    def __getitem__(self, index: int) -> Example:
        own = len(self._examples)
        return self._examples[index] if index < own else self._filling[index - own]

    def lengths(self) -> list[int]:
        """Count the subwords of each example in this epoch."""
        return [len(self[index]["input_ids"]) for index in range(len(self))]

    def fill_up(self, batch_size: int) -> None:
        """Add examples without a class until the last batch is full, so that no process repeats an example."""
        nothing = {"input_ids": self._examples[0]["input_ids"][:2], "labels": [MASKED, MASKED]}
        self._filling = [nothing] * (-len(self._examples) % batch_size)

    def begin_epoch(self, generator: torch.Generator) -> None:
        """Draw new replacements of mentions and new spellings."""
        if not self._replacement and not self._spelling:
            return
        for index, (place, number) in enumerate(self._sources):
            windows = self._encode(self._rewrite(place, generator))
            self._examples[index] = windows[min(number, len(windows) - 1)]

    def _rewrite(self, place: int, generator: torch.Generator) -> Reading:
        """Replace mentions of a sentence, and write it in another spelling if one is drawn."""
        reading = self._readings[place]
        if self._replacement:
            reading = swap_mentions(reading, self._mentions, self._replacement, generator)
        if self._spelling and (name := draw_spelling(self._spelling, generator)):
            reading = respell(reading, name, self._following[place], generator)
        return reading

    def _encode(self, reading: Reading) -> list[Example]:
        """Encode a sentence; the class of a word is at its first subword."""
        examples = []
        for window in self._encoder.encode(reading.words):
            labels = [MASKED] * len(window.input_ids)
            for place, head in enumerate(window.heads):
                labels[head] = self._tags.index(reading.tags[window.first_word + place])
            examples.append({"input_ids": window.input_ids, "labels": labels})
        return examples


class LengthSampler(Sampler[int]):
    """Draws batches of similar length, in an order that depends only on the seed and the epoch.

    Every process and every resumed run draws the same order. Lengths are varied a little before they are sorted, so
    that the batches differ from epoch to epoch; only the last batch may be smaller.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int) -> None:
        self._examples, self._batch_size, self._seed = examples, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch that is drawn next."""
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
    """Pads examples, and shifts the positions of each by a random number up to `shift`.

    Without the shift, an encoder without pretraining tells its few sentences apart by the positions of their words.
    """

    tokenizer: PreTrainedTokenizerBase
    first_position: int
    positions: int
    shift: int

    @classmethod
    def for_checkpoint(cls, checkpoint: Checkpoint, shift: int) -> "ShiftingCollator":
        """Make a collator for an encoder's positions."""
        positions = usable_positions(checkpoint.model.config)
        first = checkpoint.model.config.max_position_embeddings - positions
        return cls(checkpoint.tokenizer, first, positions, shift)

    def __call__(self, examples: list[Example]) -> dict[str, Tensor]:
        """Make a batch: `input_ids`, `attention_mask`, `labels` and, if shifted, `position_ids`; examples by length."""
        batch: dict[str, Tensor] = dict(DataCollatorForTokenClassification(self.tokenizer)(examples))
        if self.shift:
            rows, length = batch["input_ids"].shape
            room = min(self.shift, self.positions - length)
            offsets = torch.randint(room + 1, (rows, 1))
            batch["position_ids"] = self.first_position + offsets + torch.arange(length)
        return batch

"""Sentences to padded batches."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import DataCollatorForTokenClassification, PreTrainedTokenizerBase

from thidua_ner.models import Checkpoint, usable_positions


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

    def __call__(self, examples: list[dict[str, list[int]]]) -> dict[str, Any]:
        """Make a batch: `input_ids`, `attention_mask`, `labels` and `position_ids`, each examples by length."""
        batch: dict[str, Any] = dict(DataCollatorForTokenClassification(self.tokenizer)(examples))
        rows, length = batch["input_ids"].shape
        room = min(self.shift, self.positions - length)
        offsets = torch.randint(room + 1, (rows, 1))
        batch["position_ids"] = self.first_position + offsets + torch.arange(length)
        return batch

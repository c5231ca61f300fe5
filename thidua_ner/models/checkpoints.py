"""Checkpoints: an encoder with a token-classification head, in the standard format of `transformers`.

In `config.json`, `id2label` lists the tags in the order of their classes, and `segmenter`, a key of this project,
names the word segmentation. Weights are read from safetensors only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from thidua_ner.faults import fail
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.runs.folder import model_config_path
from thidua_ner.text.subwords import SubwordEncoder, word_probabilities
from thidua_ner.text.words import SEGMENTERS

MASKED = -100
"""The class that the loss ignores: that of special tokens and of all subwords of a word except its first."""

WEIGHTS_FILE = "model.safetensors"
"""The name of the file with the weights of a checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A token classifier with its tokenizer, the tags of its classes and the name of its word segmenter."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    tags: tuple[str, ...]
    segmenter: str
    subwords: SubwordEncoder = field(init=False)

    def __post_init__(self) -> None:
        self.model.config.segmenter = self.segmenter
        encoder = SubwordEncoder(self.tokenizer, usable_positions(self.model.config))
        object.__setattr__(self, "subwords", encoder)

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        """Compute the tag probabilities of each sentence, words by tags."""
        return word_probabilities(self.subwords, self._logits, self.tokenizer.pad_token_id, sentences)

    def _logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            logits = self.model(**{name: tensor.to(self.model.device) for name, tensor in inputs.items()}).logits
        found: NDArray[np.floating[Any]] = logits.float().cpu().numpy()
        return found

    def save(self, folder: Path) -> None:
        """Write the checkpoint, with its tokenizer, in the format of `transformers`."""
        with quiet_transformers():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


def usable_positions(config: PretrainedConfig) -> int:
    """Count the positions that an encoder can read; RoBERTa reserves its first ones as a padding offset."""
    offset = config.pad_token_id + 1 if config.model_type in {"roberta", "xlm-roberta", "camembert"} else 0
    return int(config.max_position_embeddings) - offset


def configure_head(config: PretrainedConfig, tags: Sequence[str], dropout: float, attention_dropout: float) -> None:
    """Set the classes and the dropout in the configuration of an encoder."""
    config.id2label, config.label2id = dict(enumerate(tags)), {tag: index for index, tag in enumerate(tags)}
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = dropout, attention_dropout


def blank_model(
    config: PretrainedConfig, tags: Sequence[str], dropout: float, attention_dropout: float
) -> PreTrainedModel:
    """Make a classifier with random weights from the configuration of its encoder."""
    configure_head(config, tags, dropout, attention_dropout)
    return AutoModelForTokenClassification.from_config(config)


def load_checkpoint(folder: Path, half: bool = False) -> Checkpoint:
    """Read a checkpoint in float32 or, if `half`, in bfloat16, ready for inference.

    Raises DataError if a file is missing or damaged, or if the segmenter is unknown.
    """
    for path in (model_config_path(folder), folder / WEIGHTS_FILE):
        if not path.is_file():
            fail(path, "is missing", "name the folder of a finished run, or train it again")
    try:
        with quiet_transformers():
            model = AutoModelForTokenClassification.from_pretrained(folder, local_files_only=True, use_safetensors=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # each library that reads a damaged checkpoint raises its own errors
        fail(folder, f"is not a checkpoint that transformers reads ({error!r})", "train it again")
    segmenter = getattr(model.config, "segmenter", "none")
    if segmenter not in SEGMENTERS:
        remedy = f"use one of {', '.join(SEGMENTERS)}"
        fail(model_config_path(folder), f"unknown segmenter {segmenter!r}", remedy)
    tags = tuple(model.config.id2label[index] for index in range(model.config.num_labels))
    return Checkpoint(model.bfloat16().eval() if half else model.eval(), tokenizer, tags, segmenter)

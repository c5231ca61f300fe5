"""Checkpoints: an encoder with a token-classification head, in the standard format of `transformers`.

In `config.json`, `id2label` lists the tags in the order of their classes. Two keys are this project's: `segmenter`
names the word segmentation, and `crf_weight` gives the weight of a CRF if one is beside the checkpoint. Weights are
read from safetensors only.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForTokenClassification, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from thidua_ner.faults import MachineError, fail, some_of
from thidua_ner.files import whole
from thidua_ner.models.devices import gpu_faults
from thidua_ner.models.pretrained import (
    WEIGHTS_FILE,
    CheckpointSource,
    check_positions,
    read_classifier,
    read_config,
    read_tokenizer,
    usable_positions,
)
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.runs.folder import read_model_config
from thidua_ner.text.subwords import GPU_BATCH, SubwordEncoder, word_probabilities

_REMEDY = "check the folder, its permissions and the free space; --resume goes on with a training"

MASKED = -100
"""The class that the loss ignores: that of special tokens and of all subwords of a word except its first."""

Probabilities = Callable[[Sequence[Sequence[str]]], list[NDArray[np.float64]]]
"""Takes sentences and gives the probabilities of tags of each, words by tags."""


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
        """Run a batch; where a GPU's memory does not hold it, halve it and the batches that follow."""
        found: list[NDArray[np.floating[Any]]] = []
        first = 0
        while first < len(ids):
            rows = max(1, self.subwords.batch // ids.shape[1])
            part = slice(first, first + rows)
            with gpu_faults(self.model.device):
                try:
                    found.append(self._run(ids[part], mask[part]))
                    first += rows
                except torch.OutOfMemoryError:
                    if rows == 1:
                        raise
                    self.subwords.batch = ids[part].size // 2
        return np.concatenate(found)

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            logits = self.model(**{name: tensor.to(self.model.device) for name, tensor in inputs.items()}).logits
        found: NDArray[np.floating[Any]] = logits.float().cpu().numpy()
        return found

    def save(self, folder: Path) -> None:
        """Write the checkpoint, with its tokenizer; raises MachineError if it cannot be written."""
        write_checkpoint(folder, self.model, self.tokenizer)


def write_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    *,
    replace: bool = True,
    remedy: str = _REMEDY,
) -> None:
    """Write a model and its tokenizer in the format of `transformers`, whole or not at all, and on the disk.

    What was there is replaced or, unless `replace`, stays; raises MachineError with `remedy` if that fails.
    """
    with whole(folder, replace=replace, remedy=remedy) as temporary, writing(folder, remedy), quiet_transformers():
        temporary.mkdir()
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


@contextmanager
def writing(place: Path, remedy: str = _REMEDY) -> Iterator[None]:
    """Turn what the libraries raise if they cannot write into a MachineError that names the place."""
    try:
        yield
    except Exception as error:
        # torch raises RuntimeError, `tokenizers` a bare Exception
        plain = type(error) in (Exception, RuntimeError) or type(error).__name__ == "SafetensorError"
        if not plain and not isinstance(error, OSError):
            raise
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        fail(place, f"cannot be written ({reason})", remedy, kind=MachineError)


def configure_head(config: PretrainedConfig, tags: Sequence[str], dropout: float, attention_dropout: float) -> None:
    """Set the classes and the dropout in the configuration of an encoder, and drop the CRF that it may have had."""
    config.id2label, config.label2id = dict(enumerate(tags)), {tag: index for index, tag in enumerate(tags)}
    config.hidden_dropout_prob, config.attention_probs_dropout_prob = dropout, attention_dropout
    vars(config).pop("crf_weight", None)


def blank_model(
    config: PretrainedConfig, tags: Sequence[str], dropout: float, attention_dropout: float
) -> PreTrainedModel:
    """Make a classifier with random weights from the configuration of its encoder."""
    configure_head(config, tags, dropout, attention_dropout)
    return AutoModelForTokenClassification.from_config(config, trust_remote_code=False)


def load_checkpoint(folder: Path, half: bool = False, device: str = "cpu") -> Checkpoint:
    """Read a checkpoint in float32 or, if `half`, in bfloat16, ready for inference on a device.

    Raises DataError if a file is missing or damaged, if weights or tags are, or if it is not a token classifier, and
    MachineError if the device fails.
    """
    settings, source = read_model_config(folder), CheckpointSource(str(folder))
    config = read_config(source)
    check_positions(source, config)
    model, lacking = read_classifier(source, config)
    if lacking:
        source.fail(f"has no token-classification head for its tags (missing: {some_of(lacking)})", WEIGHTS_FILE)
    tokenizer = read_tokenizer(source, config)
    model = model.bfloat16().eval() if half else model.eval()
    checkpoint = Checkpoint(model, tokenizer, settings.tags, settings.segmenter)
    check_trial(source, checkpoint.probabilities, settings.tags)  # on the CPU, which tells what is wrong
    if device != "cpu":
        with gpu_faults(device):
            model.to(device)
        checkpoint.subwords.batch = GPU_BATCH
    return checkpoint


def check_trial(source: CheckpointSource, probabilities: Probabilities, tags: Sequence[str]) -> None:
    """Raise DataError if a model cannot give a word the probabilities of its tags."""
    with source.reading(), np.errstate(all="ignore"):
        (rows,) = probabilities([["Huế"]])
    if rows.shape != (1, len(tags)) or not np.isfinite(rows).all():
        source.fail(f"gives a word {rows.tolist()!r:.80} instead of the probabilities of {len(tags)} tags")

"""Export checkpoints to ONNX and run them in ONNX Runtime instead of torch.

model/onnx/model.onnx        the classifier in 32-bit floats
model/onnx/model.int8.onnx   the same with 8-bit weights and dynamic quantization of activations
model/onnx/config.json …     the classes and the tokenizer, copied from the checkpoint

A CRF that joins the encoder stays beside the checkpoint.
"""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thidua_ner.faults import fail
from thidua_ner.files import whole
from thidua_ner.models.checkpoints import Checkpoint, check_trial, load_checkpoint
from thidua_ner.models.pretrained import (
    CheckpointSource,
    check_positions,
    read_config,
    read_tokenizer,
    usable_positions,
)
from thidua_ner.runs.folder import onnx_folder, read_model_config
from thidua_ner.text.subwords import SubwordEncoder, word_probabilities

ONNX_FILES = {"onnx": "model.onnx", "onnx-int8": "model.int8.onnx"}
"""The name of the file that each runtime reads."""

_SLOW_FUSIONS = ["SkipLayerNormFusion", "BiasGeluFusion"]
"""Graph optimizations whose kernels are slower on CPUs than what they replace (measured by benchmarks/tagging.py)."""


class OnnxModel:
    """A token classifier in ONNX Runtime, with its tokenizer, tags and word segmenter."""

    def __init__(self, folder: Path, runtime: str) -> None:
        """Read an exported model from its folder; raises DataError if it is missing or damaged."""
        import onnxruntime

        path = folder / ONNX_FILES[runtime]
        if not path.is_file():
            fail(path, "is missing", f"run `thidua-ner export {folder.parent}`")
        settings, source = read_model_config(folder), CheckpointSource(str(folder), remedy="export the run again")
        config = read_config(source)
        check_positions(source, config)
        self._tokenizer = read_tokenizer(source, config)
        try:
            options = onnxruntime.SessionOptions()
            threads = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
            options.intra_op_num_threads = int(threads) if threads.isdecimal() else 0  # as torch does; 0 means all
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOW_FUSIONS
            )
        except Exception as error:  # each library that reads a damaged file raises its own errors
            fail(path, f"cannot be loaded ({error!r})", "export the run again")
        self.tags, self.segmenter = settings.tags, settings.segmenter
        self._subwords = SubwordEncoder(self._tokenizer, usable_positions(config))
        check_trial(source, self.probabilities, self.tags)

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list[NDArray[np.float64]]:
        """Compute the tag probabilities of each sentence, words by tags."""
        return word_probabilities(self._subwords, self._logits, self._tokenizer.pad_token_id, sentences)

    def _logits(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        logits: NDArray[np.floating[Any]] = self._session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
        return logits


def export_onnx(model: Path) -> Path:
    """Write the ONNX models of a checkpoint into its folder, all of them or none, and return their folder."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    checkpoint = load_checkpoint(model)
    # the fused attention guards each softmax against NaN, with which the 8-bit model takes half as long again
    checkpoint.model.set_attn_implementation("eager")
    target = onnx_folder(model)
    with whole(target) as folder:
        folder.mkdir()
        for path in model.iterdir():
            if path.is_file() and path.suffix not in {".safetensors", ".crfsuite"}:
                shutil.copyfile(path, folder / path.name)
        with _quiet():
            _trace(checkpoint, folder / ONNX_FILES["onnx"])
            source, quantized = (folder / ONNX_FILES[runtime] for runtime in ("onnx", "onnx-int8"))
            quantize_dynamic(source, quantized, per_channel=True, weight_type=QuantType.QInt8)
    return target


def _trace(checkpoint: Checkpoint, path: Path) -> None:
    """Export the classifier with a dynamic batch size and sequence length."""
    import torch

    class Logits(torch.nn.Module):
        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return checkpoint.model(input_ids=input_ids, attention_mask=attention_mask).logits

    module = Logits()
    module.model = checkpoint.model
    ids = torch.full((2, 9), 5)
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0  # with a full mask the tracer would specialize the graph to full masks
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", min=2, max=checkpoint.subwords.max_length)
    axes = {0: batch, 1: length}
    torch.onnx.export(
        module.eval(), (ids, mask), str(path), dynamo=True, external_data=False, verbose=False,
        input_names=["input_ids", "attention_mask"], output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
    )  # fmt: skip


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's messages about packages that are not needed and about the names of axes."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)

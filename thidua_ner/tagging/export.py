"""Export a run for ONNX Runtime, and compare the runtimes on the same documents."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from tabulate import tabulate

from thidua_ner.baselines.folder import is_baseline
from thidua_ner.faults import UsageError, fail
from thidua_ner.runs.folder import model_folders
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import Runtime, load_tagger
from thidua_ner.text.spans import Document


class RuntimeScores(NamedTuple):
    """The micro F1 of each runtime on the same documents, and whether `onnx` finds the spans that torch finds."""

    f1: dict[Runtime, float]
    same_spans: bool


def export_run(run: Path, gold: Sequence[Document]) -> RuntimeScores:
    """Export the models of a run, and tag the gold documents with every runtime."""
    from thidua_ner.models.onnx import export_onnx

    models = model_folders(run)
    if is_baseline(models[0]):
        fail(run, "is a baseline, which has no encoder to export", "tag with it as it is", kind=UsageError)
    for model in models:
        print(export_onnx(model))
    runtimes: tuple[Runtime, ...] = get_args(Runtime)
    found = {runtime: list(load_tagger(run, runtime=runtime, device="cpu").tag_many(gold)) for runtime in runtimes}
    f1 = {runtime: score(gold, predicted).micro.f1 for runtime, predicted in found.items()}
    return RuntimeScores(f1, found["onnx"] == found["torch"])


def format_runtimes(f1: Mapping[Runtime, float]) -> str:
    """Tabulate the micro F1 of each runtime and its difference from torch, in percent."""
    rows = [[name, f"{100 * value:.2f}", f"{100 * (value - f1['torch']):+.2f}"] for name, value in f1.items()]
    return tabulate(rows, headers=["runtime", "micro F1", "change"], disable_numparse=True)

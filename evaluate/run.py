"""A run folder as scoring sees it: its models, what each was trained on, and what it is to be tested on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import read_text
from thidua_ner.formats.jsonl import read_documents, write_predictions
from thidua_ner.runs.contamination import traces
from thidua_ner.runs.folder import FINISHED, folds_of, read_json, tags_of
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.spans import Document


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint folder with the documents that it is to be tested on, by id, and what it was trained on.

    `traces` and `mentions` are None where that is not known.
    """

    folder: Path
    test: tuple[str, ...] = ()
    traces: frozenset[str] | None = None
    mentions: frozenset[str] | None = None
    train_documents: int | None = None

    def has_read(self, document: Document) -> bool:
        """Tell whether the model was trained on this text or on a long sentence of it."""
        return self.traces is not None and not self.traces.isdisjoint(traces(document))


@dataclass(frozen=True, slots=True)
class Run:
    """The models of a run and the documents that it set aside for the test."""

    folder: Path
    models: tuple[Model, ...]
    test: tuple[Document, ...]
    manifest: dict[str, Any]

    def models_for(self, document: Document) -> tuple[Model, ...]:
        """Choose the models that have not read a document; all of them where each has.

        Under leave-one-document-out that is the one model that left it out; for other texts it is all of them.
        """
        return tuple(model for model in self.models if not model.has_read(document)) or self.models

    @property
    def train_documents(self) -> float | None:
        """Return how many documents a model was trained on, on average; None where one does not tell."""
        known = [model.train_documents for model in self.models if model.train_documents is not None]
        return mean(known) if len(known) == len(self.models) else None

    def trained_on(self, documents: Sequence[Document]) -> list[str] | None:
        """List the ids of documents that every model has read; None where that is not known of a model."""
        if any(model.traces is None for model in self.models):
            return None
        return [document.id for document in documents if all(model.has_read(document) for model in self.models)]

    def mentions(self, documents: Sequence[Document]) -> dict[str, frozenset[str]] | None:
        """Collect, for each document, the surfaces that its models were trained on; None where one does not tell."""
        found: dict[str, frozenset[str]] = {}
        for document in documents:
            own = [model.mentions for model in self.models_for(document)]
            known = [mentions for mentions in own if mentions is not None]
            if len(known) < len(own):
                return None
            found[document.id] = frozenset().union(*known)
        return found


def read_run(folder: Path) -> Run:
    """Read a run folder, one fold of it, or a bare checkpoint; DataError where it is none of them or unfinished."""
    if (folder / "config.json").is_file():
        fold = folder.resolve().parent
        model = _model(fold, ()) if (fold / FINISHED).is_file() else Model(folder)
        return Run(folder, (model,), (), {})
    if (folder / FINISHED).is_file():
        manifest = folder.resolve().parent / "manifest.json"
        return _run(folder, [folder], read_json(manifest, {"folds"}) if manifest.exists() else {})
    folds = folds_of(folder)
    return _run(folder, folds, read_json(folder / "manifest.json", {"folds"}))


def _run(folder: Path, folds: Sequence[Path], manifest: dict[str, Any]) -> Run:
    tests = [read_documents(fold / "test.jsonl", None) for fold in folds]
    models = tuple(_model(fold, [d.id for d in test]) for fold, test in zip(folds, tests, strict=True))
    documents = {document.id: document for test in tests for document in test}
    return Run(folder, models, tuple(documents[name] for name in sorted(documents)), manifest)


def _model(fold: Path, test: Sequence[str]) -> Model:
    """Describe the model of a fold from the record of its training; DataError where that is damaged."""
    path = fold / FINISHED
    record = {"train_mentions": None, "train_documents": None, **read_json(path, {"train_traces"})}
    for key, kinds in (("train_traces", list), ("train_mentions", list | None), ("train_documents", dict | None)):
        value = record[key]
        if not isinstance(value, kinds) or not all(isinstance(item, str) for item in value or ()):
            fail(path, f"{key} is damaged", "train the run again")
    mentions, documents = record["train_mentions"], record["train_documents"]
    return Model(
        fold / "model",
        tuple(test),
        traces=frozenset(record["train_traces"]),
        mentions=None if mentions is None else frozenset(mentions),
        train_documents=None if documents is None else len(documents),
    )


def predict(run: Run, documents: Sequence[Document], originals: Sequence[Document] | None = None) -> list[Document]:
    """Tag documents, each by the models that have not read it, their probabilities averaged.

    `originals` are the texts that the documents were made from: who has read those has read these.
    """
    from tqdm import tqdm

    from thidua_ner.tagging.tagger import load_tagger

    groups: dict[tuple[Path, ...], list[int]] = {}
    for index, original in enumerate(originals or documents):
        groups.setdefault(tuple(model.folder for model in run.models_for(original)), []).append(index)
    found: dict[int, Document] = {}
    with tqdm(total=len(documents), desc="tagging", unit="document", disable=None) as bar:
        for folders, members in groups.items():
            tagged = load_tagger(*folders).tag_many(documents[index] for index in members)
            for index, document in zip(members, tagged, strict=True):
                found[index] = document
                bar.update()
    return [found[index] for index in range(len(documents))]


def labels_of(run: Run) -> list[str]:
    """List the labels that the run's models give."""
    return list(dict.fromkeys(tag[2:] for tag in tags_of(run.models[0].folder) if tag != OUTSIDE))


def segmentation_ceiling(run: Run, documents: Sequence[Document]) -> dict[str, float]:
    """Measure how many gold spans the run's word segmentation leaves reachable."""
    from thidua_ner.text.words import SEGMENTERS, ceiling

    path = run.models[0].folder / "config.json"
    name = read_json(path, set()).get("segmenter", "none")
    if not isinstance(name, str) or name not in SEGMENTERS:
        fail(path, f"unknown segmenter {name!r}", f"use one of {', '.join(SEGMENTERS)}")
    return ceiling(documents, SEGMENTERS[name])


def seeds_of(folder: Path) -> list[Path]:
    """List the runs of a folder that holds one a seed, in the order of the seeds; none where it is a run itself."""
    if (folder / "manifest.json").exists():
        return []
    found = [path.parent for path in folder.glob("seed-*/manifest.json") if path.parent.name[5:].isdecimal()]
    return sorted(found, key=lambda path: int(path.name[5:]))


def write_fold_predictions(run: Run, predicted: Sequence[Document]) -> None:
    """Write what each fold's model found in the documents that it is tested on, beside the model."""
    found = {document.id: document for document in predicted}
    for model in run.models:
        if model.test:
            write_predictions(model.folder.parent / "predictions.jsonl", [found[name] for name in model.test])


def training_logs(run: Run) -> dict[str, list[dict[str, float]]]:
    """Read the log of each fold's training, where one was kept."""
    paths = {model.folder.parent.name: model.folder.parent / "train_log.jsonl" for model in run.models}
    return {fold: read_log(path) for fold, path in paths.items() if path.is_file()}


def read_log(path: Path) -> list[dict[str, float]]:
    """Read the log of a training, an object a line."""
    try:
        rows = [json.loads(line) for line in read_text(path).splitlines()]
    except (ValueError, RecursionError) as error:
        fail(path, f"not JSON ({error})", "train the run again")
    return [row for row in rows if isinstance(row, dict)]

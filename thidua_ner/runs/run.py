"""A run as scoring sees it: its models, what each was trained on, and the documents that it is tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from thidua_ner.faults import fail
from thidua_ner.formats.jsonl import read_documents, write_predictions
from thidua_ner.runs.contamination import text_fingerprints
from thidua_ner.runs.folder import FoldFolder, RunFolder, is_model, model_config_path, read_model_config
from thidua_ner.runs.manifest import Manifest
from thidua_ner.scoring.ceilings import Ceiling, segmentation_ceiling
from thidua_ner.scoring.results import ScoredRun
from thidua_ner.text.spans import Document
from thidua_ner.text.words import SEGMENTERS


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model's folder, the ids of its test documents, and what it was trained on.

    `fingerprints` (of training texts) and `mentions` (surfaces) are None if that is not known.
    """

    folder: Path
    test: tuple[str, ...] = ()
    fingerprints: frozenset[str] | None = None
    mentions: frozenset[str] | None = None
    train_documents: int | None = None

    def has_read(self, document: Document) -> bool:
        """Tell whether the model was trained on this text or on a long sentence of it."""
        return self.fingerprints is not None and not self.fingerprints.isdisjoint(text_fingerprints(document))


@dataclass(frozen=True, slots=True)
class Run:
    """The models of a run and its test documents; a bare model has neither test documents nor a manifest."""

    folder: Path
    models: tuple[TrainedModel, ...]
    test: tuple[Document, ...]
    manifest: Manifest | None

    def models_for(self, document: Document) -> tuple[TrainedModel, ...]:
        """Choose the models that have not read a document, or all of them if each has.

        Under leave-one-document-out that is the one model that left it out; for other texts it is all of them.
        """
        return tuple(model for model in self.models if not model.has_read(document)) or self.models

    @property
    def train_documents(self) -> float | None:
        """The mean number of training documents per model; None if it is not known for a model."""
        known = [model.train_documents for model in self.models if model.train_documents is not None]
        return mean(known) if len(known) == len(self.models) else None

    @property
    def facts(self) -> ScoredRun:
        """What is kept of the run with its scores."""
        made = self.manifest
        return ScoredRun(
            commit=made.commit if made else None,
            data_fingerprint=made.data_fingerprint if made else None,
            seed=made.seed if made else None,
            train_documents=self.train_documents,
        )

    def ceiling(self, documents: Sequence[Document]) -> Ceiling:
        """Measure how many gold spans the word segmentation leaves reachable."""
        folder = self.models[0].folder
        name = read_model_config(folder).segmenter
        if name not in SEGMENTERS:
            what, remedy = f"has the unknown segmenter {name!r}", f"use one of {', '.join(SEGMENTERS)}"
            fail(model_config_path(folder), what, remedy)
        return segmentation_ceiling(documents, SEGMENTERS[name])

    def trained_on(self, documents: Sequence[Document]) -> tuple[str, ...] | None:
        """List the ids of documents that every model has read; None if that is not known for a model."""
        if any(model.fingerprints is None for model in self.models):
            return None
        return tuple(document.id for document in documents if all(model.has_read(document) for model in self.models))

    def mentions(self, documents: Sequence[Document]) -> dict[str, frozenset[str]] | None:
        """Collect, by document id, the mentions that its models were trained on; None if not known for a model."""
        found: dict[str, frozenset[str]] = {}
        for document in documents:
            own = [model.mentions for model in self.models_for(document)]
            known = [mentions for mentions in own if mentions is not None]
            if len(known) < len(own):
                return None
            found[document.id] = frozenset().union(*known)
        return found

    def training_logs(self) -> dict[str, list[dict[str, float]]]:
        """Read the training logs by fold, as far as they exist."""
        folds = [FoldFolder(model.folder.parent) for model in self.models]
        return {fold.path.name: fold.read_log() for fold in folds if fold.log.is_file()}

    def write_fold_predictions(self, predicted: Sequence[Document]) -> None:
        """Write what each fold's model found in its own test documents, beside the model."""
        found = {document.id: document for document in predicted}
        for model in self.models:
            if model.test:
                fold = FoldFolder(model.folder.parent)
                write_predictions(fold.predictions, [found[name] for name in model.test])


def read_run(path: Path) -> Run:
    """Read a run, one of its folds, or a bare model; raises DataError if it is none of them or not finished."""
    if is_model(path):
        fold = FoldFolder(path.resolve().parent)
        model = _trained_model(fold, ()) if fold.is_finished else TrainedModel(path)
        return Run(path, (model,), (), None)
    if FoldFolder(path).is_finished:
        run = RunFolder(path.resolve().parent)
        return _read_folds(path, [FoldFolder(path)], run.read_manifest() if run.manifest.exists() else None)
    run = RunFolder(path)
    return _read_folds(path, run.finished_folds(), run.read_manifest())


def _read_folds(path: Path, folds: Sequence[FoldFolder], manifest: Manifest | None) -> Run:
    tests = [read_documents(fold.test, None) if fold.has_test else [] for fold in folds]
    models = tuple(_trained_model(fold, [d.id for d in test]) for fold, test in zip(folds, tests, strict=True))
    documents = {document.id: document for test in tests for document in test}
    return Run(path, models, tuple(documents[name] for name in sorted(documents)), manifest)


def _trained_model(fold: FoldFolder, test: Sequence[str]) -> TrainedModel:
    """Describe the model of a fold by the record of its training."""
    record = fold.read_record()
    return TrainedModel(
        fold.model,
        tuple(test),
        fingerprints=frozenset(record.train_traces),
        mentions=None if record.train_mentions is None else frozenset(record.train_mentions),
        train_documents=None if record.train_documents is None else len(record.train_documents),
    )

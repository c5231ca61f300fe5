"""A run folder as scoring sees it: its models, what each was trained on, and what it is to be tested on."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import read_text
from thidua_ner.labels import OUTSIDE
from thidua_ner.records import read_documents
from thidua_ner.spans import Document
from thidua_ner.traces import traces


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint folder with the traces of the texts that it was trained on, where that is known."""

    folder: Path
    trained_on: frozenset[str] | None

    def has_read(self, document: Document) -> bool:
        """Tell whether the model was trained on this text or on a long sentence of it."""
        return self.trained_on is not None and not self.trained_on.isdisjoint(traces(document))


@dataclass(frozen=True, slots=True)
class Run:
    """The models of a run and the documents that it set aside for the test."""

    folder: Path
    models: tuple[Model, ...]
    test: tuple[Document, ...]
    manifest: dict[str, Any]


def read_run(folder: Path) -> Run:
    """Read a run folder, one fold of it, or a bare checkpoint; DataError where it is none of them or unfinished."""
    if (folder / "config.json").is_file():
        fold = folder.resolve().parent
        known = (fold / "fold.json").is_file()
        return Run(folder, (Model(folder, _trained_on(fold) if known else None),), (), {})
    if (folder / "fold.json").is_file():
        manifest = folder.resolve().parent / "manifest.json"
        return _run(folder, [folder], read_json(manifest, {"folds"}) if manifest.exists() else {})
    if not (folder / "manifest.json").is_file():
        fail(folder, 0, "is not a run", "name a folder that `python -m train` wrote")
    manifest_of_run = read_json(folder / "manifest.json", {"folds"})
    folds = [folder / name for name in manifest_of_run["folds"]]
    for fold in folds:
        if not (fold / "fold.json").is_file():
            fail(fold, 0, "is not finished", "run the training again with --resume")
    return _run(folder, folds, manifest_of_run)


def _run(folder: Path, folds: Sequence[Path], manifest: dict[str, Any]) -> Run:
    models = tuple(Model(fold / "model", _trained_on(fold)) for fold in folds)
    test = {document.id: document for fold in folds for document in read_documents(fold / "test.jsonl", None)}
    return Run(folder, models, tuple(test[name] for name in sorted(test)), manifest)


def _trained_on(fold: Path) -> frozenset[str]:
    return frozenset(read_json(fold / "fold.json", {"train_traces"})["train_traces"])


def read_json(path: Path, keys: set[str]) -> dict[str, Any]:
    """Read a file of the run; DataError where it is not an object with these keys."""
    try:
        value = json.loads(read_text(path))
    except ValueError as error:
        fail(path, 0, f"not JSON ({error})", "train the run again")
    if missing := keys - set(value if isinstance(value, dict) else ()):
        fail(path, 0, f"lacks {', '.join(sorted(missing))}", "train the run again")
    if not isinstance(value, dict):
        fail(path, 0, "is no object", "train the run again")
    return value


def predict(
    run: Run, documents: Sequence[Document], originals: Sequence[Document] | None = None, quiet: bool = False
) -> tuple[list[Document], list[str] | None]:
    """Tag documents; return them with their predicted spans, and the ids of those that every model was trained on.

    Each document is tagged by the models that have not read its text, their probabilities averaged: under
    leave-one-document-out that is the one model that left it out, and for other texts it is all of them. `originals`
    are the texts that the documents were made from: who has read those has read these. The ids are None where it is not
    known what a checkpoint was trained on.
    """
    from tqdm import tqdm

    from thidua_ner.tagger import Tagger

    found: dict[str, Document] = {}
    seen: list[str] = []
    groups: dict[tuple[Path, ...], list[Document]] = {}
    for document, original in zip(documents, originals or documents, strict=True):
        unseen = tuple(model.folder for model in run.models if not model.has_read(original))
        if not unseen:
            seen.append(document.id)
        groups.setdefault(unseen or tuple(m.folder for m in run.models), []).append(document)
    with tqdm(total=len(documents), desc="tagging", unit="document", disable=quiet or None) as bar:
        for folders, members in groups.items():
            for document in _counting(Tagger.load(*folders).tag_many(members), bar):
                found[document.id] = document
    known = all(model.trained_on is not None for model in run.models)
    return [found[document.id] for document in documents], seen if known else None


def _counting(documents: Iterable[Document], bar: Any) -> Iterable[Document]:
    """Move a progress bar with each document."""
    for document in documents:
        bar.update()
        yield document


def labels_of(run: Run) -> list[str]:
    """List the labels that the run's models give."""
    tags = read_json(run.models[0].folder / "config.json", {"id2label"})["id2label"].values()
    return list(dict.fromkeys(tag[2:] for tag in tags if tag != OUTSIDE))


def segmentation_ceiling(run: Run, documents: Sequence[Document]) -> dict[str, float]:
    """Measure how many gold spans the run's word segmentation leaves reachable."""
    from thidua_ner.words import SEGMENTERS, ceiling

    config = read_json(run.models[0].folder / "config.json", set())
    return ceiling(documents, SEGMENTERS[config.get("segmenter", "none")])

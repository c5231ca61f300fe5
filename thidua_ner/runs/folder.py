"""The run folder: the only module that knows its files, its folds and its seeds.

    RUN/manifest.json  config.yaml                              what produced it
    RUN/FOLD/fold.json  model/  checkpoints/  test.jsonl  train_log.jsonl  predictions.jsonl
    RUN/predictions.jsonl  robustness.jsonl  scores.json  report.html    what scoring adds
    SEEDS/seed-1/ …                                             a folder of runs, one per seed

A fold is finished when its `fold.json` exists, which is written last. A published run in `results/` has the manifest,
the predictions, those on texts written differently, and the scores only.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from thidua_ner.faults import DataError, fail, some_of
from thidua_ner.files import read_json, read_text
from thidua_ner.runs.manifest import Manifest, read_manifest
from thidua_ner.runs.model_files import read_settings, refuse_other_formats
from thidua_ner.scoring.ceilings import Ceiling
from thidua_ner.scoring.results import Score
from thidua_ner.text.schemes import find_scheme
from thidua_ner.text.words import SEGMENTERS

_RETRAIN = "train the run again"
_SEED = "seed-"


@dataclass(frozen=True, slots=True)
class FoldCeilings:
    """What the word segmentation leaves reachable in the training and the test documents of a fold."""

    train: Ceiling
    test: Ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRecord:
    """What a fold's model was trained on, and the outcome: the content of `fold.json`.

    `train_traces` are the fingerprints of the training texts (`contamination.py`) and `train_mentions` the surfaces of
    their mentions. `train_loss` is the mean over all updates, those before an interruption too. None means not known.
    """

    fold: str = ""
    seed: int | None = None
    train_documents: dict[str, str] | None = None
    train_traces: tuple[str, ...]
    train_mentions: tuple[str, ...] | None = None
    test_documents: tuple[str, ...] = ()
    train_sentences: int | None = None
    segmentation_ceiling: FoldCeilings | None = None
    updates: int | None = None
    train_loss: float | None = None
    validation: Score | None = None
    seconds: float | None = None

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset({"updates", "train_loss"})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """The part of a model's `config.json` that the project reads; checkpoints and baselines both have one.

    `crf_weight` is the exponent of the CRF beside an encoder, None if there is no CRF.
    """

    id2label: dict[str, str] | None = None
    model_type: str = ""
    segmenter: str = "none"
    architectures: tuple[str, ...] | None = None
    crf_weight: float | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the classes, in their order."""
        found = self.id2label or {}
        return tuple(found[key] for key in sorted(found, key=int))

    def problem(self) -> str:
        """Say why this is not a model that tags, or '' if it is one; its tags may be of any scheme."""
        others = [name for name in self.architectures or () if not name.endswith("ForTokenClassification")]
        if others:
            return f"describes a {others[0]}, not a token classifier"
        if self.id2label is None:
            return "lacks id2label, the tags of the classes"
        if set(self.id2label) != {str(index) for index in range(len(self.id2label))}:
            return f"id2label has the keys {some_of(self.id2label)}, not those from 0 to {len(self.id2label) - 1}"
        try:
            find_scheme(self.tags)
        except ValueError as error:
            return f"id2label {error}"
        if self.crf_weight is not None and not 0 < self.crf_weight < 1:
            return f"crf_weight is {self.crf_weight}, not between 0 and 1"
        if self.crf_weight is not None and self.segmenter != "none":
            return f"has a CRF, which reads syllables, beside the segmenter {self.segmenter!r}"
        known = self.segmenter in SEGMENTERS
        return "" if known else f"unknown segmenter {self.segmenter!r}; use one of {', '.join(SEGMENTERS)}"


@dataclass(frozen=True, slots=True)
class FoldFolder:
    """The folder of one fold: a model, what it was trained on, and its test documents."""

    path: Path

    @property
    def record(self) -> Path:
        """The record of the training; the fold is finished when it exists."""
        return self.path / "fold.json"

    @property
    def model(self) -> Path:
        """The folder of the model."""
        return self.path / "model"

    @property
    def checkpoints(self) -> Path:
        """The folder of the training's checkpoints."""
        return self.path / "checkpoints"

    @property
    def test(self) -> Path:
        """The test documents."""
        return self.path / "test.jsonl"

    @property
    def has_test(self) -> bool:
        """Whether there are test documents; data without a test split has none."""
        return not self.test.is_file() or self.test.stat().st_size > 0

    @property
    def log(self) -> Path:
        """The log of the training, one object per line."""
        return self.path / "train_log.jsonl"

    @property
    def predictions(self) -> Path:
        """What this fold's model alone found in its test documents."""
        return self.path / "predictions.jsonl"

    @property
    def is_finished(self) -> bool:
        """Whether the training is finished."""
        return self.record.is_file()

    def read_record(self) -> FoldRecord:
        """Read the record of the training; raises DataError if it is damaged."""
        return read_json(self.record, FoldRecord, _RETRAIN)

    def read_log(self) -> list[dict[str, float]]:
        """Read the log of the training, numbers by name; raises DataError if it is damaged."""
        try:
            rows = [json.loads(line) for line in read_text(self.log).split("\n") if line.strip()]
        except (ValueError, RecursionError) as error:
            fail(self.log, f"is not JSON ({error})", _RETRAIN)
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or any(type(value) not in {int, float} for value in row.values()):
                fail(self.log, f"row {number} is not an object of numbers", _RETRAIN)
        return rows


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folder of a run, or of published scores or scores of another system, which have no folds."""

    path: Path

    @property
    def manifest(self) -> Path:
        """What produced the run."""
        return self.path / "manifest.json"

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def predictions(self) -> Path:
        """What was found in the documents that were scored."""
        return self.path / "predictions.jsonl"

    @property
    def perturbed(self) -> Path:
        """What was found in the documents written differently, if that was scored."""
        return self.path / "robustness.jsonl"

    @property
    def scores(self) -> Path:
        """All figures."""
        return self.path / "scores.json"

    def test(self, name: str) -> "RunFolder":
        """Return the folder of what the run found in another test than its own documents, and its scores there."""
        return RunFolder(self.path / f"scores-{name}")

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def read_manifest(self) -> Manifest:
        """Read what produced the run; raises DataError if it is missing or damaged."""
        return read_manifest(self.manifest)

    def find_manifest(self) -> Manifest | None:
        """Read the manifest; None if it is missing or damaged."""
        try:
            return self.read_manifest()
        except DataError:
            return None

    def fold(self, name: str) -> FoldFolder:
        """Return the folder of a fold."""
        return FoldFolder(self.path / name)

    def seed(self, seed: int) -> "RunFolder":
        """Return the folder of the run with this seed, if this is a folder of seeds."""
        return RunFolder(self.path / f"{_SEED}{seed}")

    def finished_folds(self) -> list[FoldFolder]:
        """List the folds of a run; raises DataError if it is not a run or is unfinished."""
        if not self.manifest.is_file():
            fail(self.path, "is not a run", "name a folder that `python -m train` wrote")
        names = self.read_manifest().folds
        if not names:
            fail(self.manifest, "lists no folds", _RETRAIN)
        for name in names:
            if not (self.path / name).exists() and self.scores.is_file():
                remedy = "name a folder that `python -m train` wrote"
                fail(self.path, "is a published result, which has no models", remedy)
            if not self.fold(name).is_finished:
                fail(self.path / name, "is not finished", "run the training again with --resume")
        return [self.fold(name) for name in names]

    @property
    def has_models(self) -> bool:
        """Whether this is a run with models, not a published result or the scores of another system."""
        manifest = self.find_manifest() if self.manifest.is_file() else None
        names: Sequence[str] = manifest.folds if manifest else ("model",)
        return all((self.path / name).is_dir() for name in names)


def is_model(path: Path) -> bool:
    """Tell whether a folder is a model itself: a checkpoint or a baseline."""
    return model_config_path(path).is_file()


def model_config_path(model: Path) -> Path:
    """Return the path of a model's `config.json`."""
    return model / "config.json"


def model_type(folder: Path) -> str:
    """Read what kind of model is in a folder; '' if there is none, which is reported when it is loaded."""
    return read_model_config(folder).model_type if is_model(folder) else ""


def onnx_folder(model: Path) -> Path:
    """Return the folder of a model's exports for ONNX Runtime."""
    return model / "onnx"


def read_model_config(model: Path) -> ModelConfig:
    """Read a model's `config.json`; raises DataError if it is missing or damaged, or if the model cannot tag."""
    path = model_config_path(model)
    read_settings(path)
    config = read_json(path, ModelConfig, _RETRAIN)
    if problem := config.problem():
        fail(path, problem, "correct it, or name another model")
    return config


def model_folders(path: Path) -> list[Path]:
    """List the models of a run, of one of its folds, or of a model folder; raises DataError if it is none of them."""
    if is_model(path):
        return [path]
    if FoldFolder(path).is_finished:
        return [FoldFolder(path).model]
    refuse_other_formats(path)
    return [fold.model for fold in RunFolder(path).finished_folds()]


def seed_folders(path: Path) -> list[Path]:
    """List the runs of a folder that holds one per seed, in the order of the seeds; none if it is a run itself."""
    if RunFolder(path).manifest.exists():
        return []
    found = [folder.manifest.parent for folder in map(RunFolder, path.glob(f"{_SEED}*")) if folder.manifest.is_file()]
    numbers = {run: run.name.removeprefix(_SEED) for run in found}
    return sorted((run for run, number in numbers.items() if number.isdecimal()), key=lambda run: int(numbers[run]))


def published_folders(results: Path) -> dict[Path, list[Path]]:
    """List the folders of results/, one per system and protocol, with their runs in the order of the seeds."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(results.glob(f"*/*/{_SEED}[0-9]*"), key=lambda path: (len(path.name), path)):
        found.setdefault(path.parent, []).append(path)
    return dict(sorted(found.items()))


def run_folders(paths: Sequence[Path]) -> list[Path]:
    """Replace each folder of seeds by the folders of its runs."""
    return [run for path in paths for run in seed_folders(path) or [path]]

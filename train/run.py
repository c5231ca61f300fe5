"""A run: its folder, its manifest, and the training of its folds, for one seed or several."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from thidua_ner.faults import fail
from thidua_ner.files import write_json, write_text
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import Manifest, make_manifest
from thidua_ner.text.spans import fingerprint
from train.config import BaselineConfig, Config, load_config
from train.data import load_folds
from train.execution import describe_execution
from train.fold import train_fold
from train.folds import Fold
from train.plan import show_plan
from train.processes import is_main_process, n_processes, print_once, wait_for_everyone
from train.updates import updates_needed

_TRAIN_ANEW = "train without --resume, or into another --output"


def run_training(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    protocol: str | None = None,
    seeds: Sequence[int] = (),
    output: Path | None = None,
    resume: bool = False,
    dry_run: bool = False,
) -> None:
    """Train the folds of a config that are not finished yet, or show what that would take.

    The run folder is `output`, or runs/ and the config's name; with `seeds` it holds a run per seed.
    """
    config = load_config(path, overrides, protocol=protocol)
    folds = load_folds(config)
    folder = RunFolder(output or Path("runs") / config.name)
    if dry_run:
        show_plan(config, folds, n_seeds=len(seeds) or 1)
    elif seeds:
        train_seeds(config, folds, folder, seeds=seeds, resume=resume)
    else:
        train_run(config, folds, folder, resume=resume)


def train_seeds(
    config: Config | BaselineConfig, folds: Sequence[Fold], folder: RunFolder, *, seeds: Sequence[int], resume: bool
) -> None:
    """Train a run per seed, each in its folder in `folder`."""
    if folder.find_manifest():
        fail(folder.path, "is a run of one seed", "name another --output for --seeds, or move it away")
    for number, seed in enumerate(seeds, start=1):
        seeded = config.model_copy(update={"seed": seed})
        train_run(seeded, folds, folder.seed(seed), resume=resume, runs_ahead=len(seeds) - number)
    print_once(f"{folder.path}: {len(seeds)} seeds; now: python -m evaluate {folder.path}")


def train_run(
    config: Config | BaselineConfig,
    folds: Sequence[Fold],
    folder: RunFolder,
    *,
    resume: bool = False,
    runs_ahead: int = 0,
) -> None:
    """Train the folds of a run that are not finished yet; as many runs like it follow as `runs_ahead` says."""
    check_trainable(config)
    if is_main_process():
        prepare_folder(folder, describe_run(config, folds), resume=resume)
    wait_for_everyone()
    updates = [updates_needed(fold, config) for fold in folds]
    for number, fold in enumerate(folds, start=1):
        own = folder.fold(fold.name)
        title = f"{folder.path}, fold {number} of {len(folds)}, {fold.name}: {len(fold.sentences)} sentences"
        print_once(f"{title}, finished before" if own.is_finished else title, to_stderr=True)
        if not own.is_finished:
            train_fold(fold, config, own, updates_ahead=sum(updates[number:]) + runs_ahead * sum(updates))
    models = f"{len(folds)} model{'s' if len(folds) > 1 else ''}"
    print_once(f"{folder.path}: {models}; now: python -m evaluate {folder.path}")


def check_trainable(config: Config | BaselineConfig) -> None:
    """Raise DataError if a config cannot be trained here: its batches cannot be shared, or its encoder is missing."""
    if isinstance(config, BaselineConfig):
        return
    if config.training.batch_size % n_processes():
        what = f"{config.training.batch_size} sentences cannot be shared by {n_processes()} processes"
        fail("training.batch_size", what, "set a multiple of them")
    if is_main_process() and config.scratch is None:
        from thidua_ner.models.encoders import find_encoder

        find_encoder(config.encoder, config.vocabulary)


def describe_run(config: Config | BaselineConfig, folds: Sequence[Fold]) -> Manifest:
    """Make the manifest of a run that begins."""
    documents = dict.fromkeys(d for fold in folds for d in (*fold.train_documents, *fold.validation, *fold.test))
    return make_manifest(
        config.model_dump(),
        seed=config.seed,
        data_fingerprint=fingerprint(list(documents)),
        folds=[fold.name for fold in folds],
        execution=describe_execution(config),
    )


def prepare_folder(folder: RunFolder, manifest: Manifest, *, resume: bool = False) -> None:
    """Make room for a run: continue the same one, or move another one aside to FOLDER.old.

    Raises DataError if the folder is not a run, which is never touched, or if the run to resume is another one.
    """
    path = folder.path
    if path.exists() and not path.is_dir():
        fail(path, "is a file", "name another --output")
    old = folder.find_manifest()
    if path.exists() and any(path.iterdir()) and old is None:
        fail(path, "exists and is not a run", "name another --output, or move it away")
    if resume and old:
        _check_same_run(folder, old, manifest)
        return
    if old:
        aside = path.with_name(f"{path.name}.old")
        if RunFolder(aside).find_manifest():
            shutil.rmtree(aside)
        elif aside.exists():
            fail(aside, "exists and is not a run", "move it away: the run that is here would take its place")
        path.rename(aside)
        print(f"{path}: the run that was here is now {aside}", file=sys.stderr)
    # the manifest is written first: it is what tells a run from any other folder
    write_json(folder.manifest, manifest)
    write_text(folder.config, yaml.safe_dump(manifest.config, sort_keys=False, allow_unicode=True))


def _check_same_run(folder: RunFolder, old: Manifest, new: Manifest) -> None:
    """Raise DataError if going on would give other weights than the run that was begun."""
    if old.execution is None or new.execution is None:
        what = "was begun by an older version, which did not record the precision, the device and the processes"
        fail(folder.path, what, _TRAIN_ANEW)
    if changed := list(_differences(old.config, new.config)):
        fail(folder.path, f"is a run of another config ({', '.join(changed)})", _TRAIN_ANEW)
    if old.data_fingerprint != new.data_fingerprint:
        fail(folder.path, "is a run of other data", _TRAIN_ANEW)
    if changed := list(_differences(asdict(old.execution), asdict(new.execution))):
        remedy = f"resume it as it was begun, {_TRAIN_ANEW}"
        fail(folder.path, f"was begun in another way ({', '.join(changed)})", remedy)


def _differences(old: Mapping[str, object], new: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Name the keys that differ, with both values."""
    for key in sorted(old.keys() | new.keys()):
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now, f"{prefix}{key}.")
        elif before != now:
            yield f"{prefix}{key}: {before}, not {now}"

"""A run: its folder, its manifest, and the training of its folds, for one seed or several."""

import difflib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import yaml

from thidua_ner.faults import DataError, Fault, MachineError, fail, some_of
from thidua_ner.files import is_temporary, write_json, write_text
from thidua_ner.runs.folder import RunFolder, seed_folders
from thidua_ner.runs.manifest import Manifest, make_manifest
from thidua_ner.text.spans import fingerprint
from train.config import BaselineConfig, Config, load_config
from train.data import load_folds
from train.execution import describe_execution, memory_size
from train.fold import train_fold
from train.folds import Fold
from train.lock import locked
from train.plan import show_plan
from train.processes import is_main_process, n_processes, print_once, tell_once, wait_for_everyone
from train.updates import updates_needed

_BYTES_PER_WEIGHT = 16
"""A weight, its gradient and AdamW's two moments, in single precision."""

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

    The run folder is `output`, or runs/ and the config's name; with `seeds` it holds a run per seed. Raises DataError
    if there is none to `resume`.
    """
    config = load_config(path, overrides, protocol=protocol)
    place = output or Path("runs") / config.name
    # a link and `.` stand for a folder that can be moved
    folder = RunFolder(place.resolve() if place.is_symlink() or place.name in {"", ".."} else place)
    if resume and is_main_process():
        _refuse_missing(folder.path)
    folds = load_folds(config)
    if dry_run:
        check_trainable(config)
        show_plan(config, folds, n_seeds=len(seeds) or 1)
    elif seeds:
        train_seeds(config, folds, folder, seeds=seeds, resume=resume)
    else:
        with locked(folder.path):
            train_run(config, folds, folder, resume=resume)


def train_seeds(
    config: Config | BaselineConfig, folds: Sequence[Fold], folder: RunFolder, *, seeds: Sequence[int], resume: bool
) -> None:
    """Train a run per seed, each in its folder in `folder`."""
    _refuse_file(folder.path)
    if folder.manifest.exists():
        fail(folder.path, "is a run of one seed", "name another --output for --seeds, or move it away")
    with locked(*(folder.seed(seed).path for seed in seeds)):
        for number, seed in enumerate(seeds, start=1):
            seeded = config.model_copy(update={"seed": seed})
            train_run(seeded, folds, folder.seed(seed), resume=resume, runs_ahead=len(seeds) - number)
    print_once(f"{folder.path}: {len(seeds)} seeds; now: {_next_call(folder.path, folds)}")


def _next_call(path: Path, folds: Sequence[Fold]) -> str:
    """Give the command that scores a finished run, which may have no test documents of its own."""
    return f"python -m evaluate {path}{'' if any(fold.test for fold in folds) else ' --gold DIR_OR_FILE'}"


def _refuse_missing(path: Path) -> None:
    """Raise DataError if there is no folder to resume, most likely because its name is mistyped."""
    if path.exists():
        return
    beside = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    runs = {run.name: str(run) for run in beside if RunFolder(run).manifest.is_file() or seed_folders(run)}
    close = difflib.get_close_matches(path.name, runs, n=1)
    meant = f"the runs there are {some_of(runs.values())}. " if runs else ""
    meant = f"did you mean {runs[close[0]]}? " if close else meant
    fail(path, "does not exist, so there is nothing to resume", f"{meant}To begin a run, leave out --resume")


@contextmanager
def _interruption_told(path: Path) -> Iterator[None]:
    """Say how an interrupted training goes on."""
    try:
        yield
    except KeyboardInterrupt:
        tell_once(path, "interrupted; to go on, repeat the call with the same options and --resume")
        raise


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
        check_places(folder, [fold.name for fold in folds])
    wait_for_everyone()
    updates = [updates_needed(fold, config) for fold in folds]
    for number, fold in enumerate(folds, start=1):
        own = folder.fold(fold.name)
        title = f"{folder.path}, fold {number} of {len(folds)}, {fold.name}: {len(fold.sentences)} sentences"
        print_once(f"{title}, finished before" if own.is_finished else title, to_stderr=True)
        if not own.is_finished:
            ahead = sum(updates[number:]) + runs_ahead * sum(updates)
            with _interruption_told(folder.path):
                train_fold(fold, config, own, updates_ahead=ahead)
    models = f"{len(folds)} model{'s' if len(folds) > 1 else ''}"
    print_once(f"{folder.path}: {models}; now: {_next_call(folder.path, folds)}")


def check_trainable(config: Config | BaselineConfig) -> None:
    """Check that a config can be trained here.

    Raises DataError if its batches cannot be shared or its encoder is missing, MachineError if the memory is too small.
    """
    if isinstance(config, BaselineConfig):
        return
    if config.training.batch_size % n_processes():
        what = f"{config.training.batch_size} sentences cannot be shared by {n_processes()} processes"
        fail("training.batch_size", what, "set a multiple of them")
    if is_main_process() and config.scratch is None:
        from thidua_ner.models.encoders import find_encoder

        find_encoder(config.encoder, config.vocabulary)
    if config.scratch is not None:
        needed, there = config.scratch.weights * _BYTES_PER_WEIGHT, memory_size()
        if there is not None and needed > there:
            what = f"needs {needed / 1e9:,.0f} GB of memory; this machine has {there / 1e9:,.0f}"
            fail("scratch", what, "make hidden_size, intermediate_size or layers smaller", kind=MachineError)


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
    old = _find_run(folder)
    if resume and old:
        _check_same_run(folder, old, manifest)
    else:
        if old:
            _move_aside(folder)
        # the manifest is written first: it is what tells a run from any other folder
        write_json(folder.manifest, manifest)
    if not folder.config.is_file():
        write_text(folder.config, yaml.safe_dump(manifest.config, sort_keys=False, allow_unicode=True))


def _find_run(folder: RunFolder) -> Manifest | None:
    """Read the manifest of the run in a folder, None if there is nothing; raises DataError for anything else."""
    path, what, remedy = folder.path, "exists and is not a run", "name another --output, or move it away"
    _refuse_file(path)
    # a process that was killed while it wrote the manifest leaves what it had written
    if not path.exists() or all(map(is_temporary, path.iterdir())):
        return None
    if not folder.manifest.exists():
        fail(path, what, remedy)
    try:
        return folder.read_manifest()
    except DataError as error:
        damage = error.faults[0].what
        fail(path, f"{what}: its {folder.manifest.name} is damaged ({damage})", f"restore that file, {remedy}")


def _refuse_file(path: Path) -> None:
    if path.exists() and not path.is_dir():
        fail(path, "is a file", "name another --output")


def _move_aside(folder: RunFolder) -> None:
    """Rename a run to FOLDER.old, in the place of the run that was there."""
    path = folder.path
    aside = path.with_name(f"{path.name}.old")
    with locked(aside):
        if RunFolder(aside).find_manifest() and not aside.is_symlink():
            shutil.rmtree(aside)
        elif aside.exists() or aside.is_symlink():
            fail(aside, "exists and is not a run", "move it away: the run that is here would take its place")
        path.rename(aside)
    print(f"{path}: the run that was here is now {aside}", file=sys.stderr)


def check_places(folder: RunFolder, folds: Sequence[str]) -> None:
    """Check, before hours of training, that what will be written can be.

    Raises DataError if a file is in the place of a folder or the other way round, MachineError if a folder is not
    writable.
    """
    unfinished = [fold for fold in map(folder.fold, folds) if not fold.is_finished]
    folders = [folder.path, *(path for fold in unfinished for path in (fold.path, fold.model, fold.checkpoints))]
    files = [path for fold in unfinished for path in (fold.record, fold.test, fold.log)]
    remedy = "move it away"
    faults = [Fault(str(path), "is a file", remedy) for path in folders if path.exists() and not path.is_dir()]
    if faults := faults + [Fault(str(path), "is a folder", remedy) for path in files if path.is_dir()]:
        raise DataError(faults)
    if closed := [path for path in folders if unfinished and path.exists() and not os.access(path, os.W_OK | os.X_OK)]:
        fail(closed[0], "is not writable", "change its permissions, or name another --output", kind=MachineError)


def _check_same_run(folder: RunFolder, old: Manifest, new: Manifest) -> None:
    """Raise DataError if going on would give other weights than the run that was begun."""
    if old.execution is None or new.execution is None or (old.execution.threads is None and new.execution.threads):
        what = (
            "was begun by an older version, which did not record the precision, the device, the processes and threads"
        )
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

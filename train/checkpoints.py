"""The checkpoints of a training: sealed with the digests of their files when they are whole, and found again."""

import json
import re
from contextlib import suppress
from pathlib import Path

from thidua_ner.faults import MachineError, fail
from thidua_ner.files import hash_file, remove, write_json
from train.processes import print_once

_SEAL = "digests.json"
"""The file of a checkpoint that is written last, with the SHA-256 of each other one."""

_KEPT = 2
"""How many checkpoints are kept: the one before the newest is there in case that one is damaged."""


def checkpoint_path(folder: Path, update: int) -> Path:
    """Return the path of the checkpoint after an update, named as the Trainer names it."""
    return folder / f"checkpoint-{update}"


def seal_checkpoint(path: Path) -> None:
    """Record the digests of all files of a checkpoint, which makes it whole."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file.name != _SEAL)
    write_json(path / _SEAL, {file.relative_to(path).as_posix(): hash_file(file).hex() for file in files})


def delete_old_checkpoints(folder: Path) -> None:
    """Delete all checkpoints but the newest with that of its best model or, if it has the best, the one before too.

    Each that is kept can be resumed from: that of its best model is kept with it.
    """
    found = _checkpoints(folder)
    kept: set[Path] = set()
    for path in found:
        if len(kept) < _KEPT:
            kept |= {path, _best_of(path) or path}
    for path in found:
        if path not in kept:
            remove(path)


def _best_of(path: Path) -> Path | None:
    """Find the checkpoint of the best model at the time of another, None if there is none, or it is not told."""
    with suppress(ValueError, LookupError, TypeError, FileNotFoundError):
        best = json.loads((path / "trainer_state.json").read_bytes())["best_global_step"]
        return None if best is None else checkpoint_path(path.parent, best)
    return None


def last_whole_checkpoint(folder: Path) -> Path | None:
    """Find the newest whole checkpoint, and delete the damaged ones; stderr is told of them.

    One that needs another, as that of the best model, is as damaged as that. Raises MachineError if a file cannot be
    read, for lack of rights for example; nothing is deleted then.
    """
    try:
        damage = {path: _damage(path) for path in _checkpoints(folder)}
        for path in [path for path in damage if not damage[path]]:
            best = _best_of(path)
            if best and damage.get(best, "is missing"):
                damage[path] = f"needs {best.name}, which is not whole"
    except OSError as error:
        remedy = "check the permissions and the disk, or train without --resume"
        fail(error.filename or folder, f"cannot be read ({error.strerror or error})", remedy, kind=MachineError)
    for path, what in damage.items():
        if what:
            _delete(path)
            print_once(f"{path}: {what}; deleted", to_stderr=True)
    whole = next((path for path, what in damage.items() if not what), None)
    if any(damage.values()):
        print_once(f"{whole or folder}: {'goes on from here' if whole else 'begins anew'}", to_stderr=True)
    return whole


def newest_update(folder: Path) -> int:
    """Return the update after which the newest whole checkpoint was written, 0 if there is none."""
    return next((int(path.name.partition("-")[2]) for path in _checkpoints(folder) if (path / _SEAL).is_file()), 0)


def _checkpoints(folder: Path) -> list[Path]:
    """List the checkpoints, the newest first; other names are the user's."""
    found = {path: re.fullmatch(r"checkpoint-(\d+)", path.name) for path in folder.iterdir()} if folder.exists() else {}
    updates = {path: int(match[1]) for path, match in found.items() if match}
    return sorted(updates, key=lambda path: updates[path], reverse=True)


def _damage(path: Path) -> str:
    """Say what is wrong with a checkpoint; an empty string if it is whole."""
    seal = path / _SEAL
    if not seal.is_file():
        return "was cut off"
    content = seal.read_bytes()
    try:
        digests = dict(json.loads(content))
    except (ValueError, TypeError, RecursionError):
        return f"its {_SEAL} is damaged"
    for name, digest in digests.items():
        if not (path / name).is_file():
            return f"lacks {name}"
        if hash_file(path / name).hex() != digest:
            return f"its {name} is damaged"
    return "" if "trainer_state.json" in digests else f"its {_SEAL} is damaged"


def _delete(path: Path) -> None:
    try:
        remove(path)
    except OSError as error:
        what, remedy = f"is damaged and cannot be deleted ({error.strerror or error})", "delete it and resume"
        fail(path, what, remedy, kind=MachineError)

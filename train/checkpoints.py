"""The checkpoints of a training: sealed with the digests of their files when they are whole, and found again."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from thidua_ner.faults import FaultError, MachineError, fail
from thidua_ner.files import write_json
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
    write_json(path / _SEAL, {file.relative_to(path).as_posix(): _digest(file) for file in files})


def delete_old_checkpoints(folder: Path, best: int | None) -> None:
    """Delete all checkpoints but the newest and the one of the update `best`, or the newest two."""
    newest, *older = _checkpoints(folder)
    kept = [newest, *(path for path in older if path == checkpoint_path(folder, best or 0))]
    kept += [path for path in older if path not in kept][: _KEPT - len(kept)]
    for path in older:
        if path not in kept:
            _delete(path)


def last_whole_checkpoint(folder: Path) -> Path | None:
    """Find the newest whole checkpoint, and delete the damaged ones; stderr is told of them.

    One that needs another, as that of the best model, is as damaged as that. Raises MachineError if a file cannot be
    read, for lack of rights for example; nothing is deleted then.
    """
    try:
        damage = {path: _damage(path) for path in _checkpoints(folder)}
        for path in [path for path in damage if not damage[path]]:
            best = json.loads((path / "trainer_state.json").read_bytes())["best_global_step"]
            if best is not None and damage.get(checkpoint_path(folder, best), "is missing"):
                damage[path] = f"needs checkpoint-{best}, which is not whole"
    except OSError as error:
        remedy = "check the permissions and the disk, or train without --resume"
        fail(error.filename or folder, f"cannot be read ({error.strerror})", remedy, kind=MachineError)
    for path, what in damage.items():
        if what:
            print_once(f"{path}: {what}; deleted", to_stderr=True)
            _delete(path)
    whole = next((path for path, what in damage.items() if not what), None)
    if any(damage.values()):
        print_once(f"{whole or folder}: {'goes on from here' if whole else 'begins anew'}", to_stderr=True)
    return whole


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn what the libraries raise if they cannot write into a MachineError that names the place."""
    try:
        yield
    except FaultError:
        raise
    except Exception as error:
        # torch raises RuntimeError, tokenizers a bare Exception
        if type(error).__name__ not in {"Exception", "SafetensorError"} and not isinstance(
            error, OSError | RuntimeError
        ):
            raise
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        remedy = "check the folder, its permissions and the free space, and go on with --resume"
        fail(place, f"cannot be written ({reason})", remedy, kind=MachineError)


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
        if _digest(path / name) != digest:
            return f"its {name} is damaged"
    return "" if "trainer_state.json" in digests else f"its {_SEAL} is damaged"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

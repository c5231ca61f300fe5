"""A run folder on disk: its folds and the models in them."""

import json
from pathlib import Path
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import read_text

FINISHED = "fold.json"
"""Written last: a fold folder that has it is complete."""


def read_json(path: Path, keys: set[str], remedy: str = "train the run again") -> dict[str, Any]:
    """Read a file of a run; DataError where it is not an object with these keys."""
    try:
        value = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        fail(path, 0, f"not JSON ({error})", remedy)
    if missing := keys - set(value if isinstance(value, dict) else ()):
        fail(path, 0, f"lacks {', '.join(sorted(missing))}", remedy)
    if not isinstance(value, dict):
        fail(path, 0, "is no object", remedy)
    return value


def tags_of(model: Path) -> tuple[str, ...]:
    """Read the tags of a model's classes, in their order; DataError where they are damaged."""
    path = model / "config.json"
    names = read_json(path, {"id2label"})["id2label"]
    if not isinstance(names, dict) or not all(isinstance(tag, str) for tag in names.values()):
        fail(path, 0, "id2label is damaged", "train the run again")
    return tuple(names.values())


def folds_of(run: Path) -> list[Path]:
    """List the folds of a run; DataError where it is none, is unfinished, or names what is not in it."""
    if not (run / "manifest.json").is_file():
        fail(run, 0, "is not a run", "name a folder that `python -m train` wrote")
    names = read_json(run / "manifest.json", {"folds"})["folds"]
    if not isinstance(names, list) or not names:
        fail(run / "manifest.json", 0, "names no folds", "train the run again")
    for name in names:
        if not isinstance(name, str) or name in {"", ".", ".."} or Path(name).name != name or "\0" in name:
            fail(run / "manifest.json", 0, f"the fold {name!r} is no name of a folder", "train the run again")
        if not (run / name / FINISHED).is_file():
            fail(run / name, 0, "is not finished", "run the training again with --resume")
    return [run / name for name in names]


def models_of(path: Path) -> list[Path]:
    """List the models of a run, of one fold of it, or of a folder that is a model itself."""
    if (path / "config.json").is_file():
        return [path]
    if (path / FINISHED).is_file():
        return [path / "model"]
    return [fold / "model" for fold in folds_of(path)]

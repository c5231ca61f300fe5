"""An output folder in shards that are whole or absent, so that an interrupted job goes on where it stopped.

OUT/part-00000.jsonl …   the records of a shard that were tagged
OUT/errors.jsonl         the others, each with its reason, when all shards are done
OUT/.shards/00000.json   written last: the digest of a shard's input, how many were tagged, what was refused
OUT/.shards/job.json     what is done here, to which a second call must agree
"""

import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import write_text
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.runs.folder import read_json
from thidua_ner.tagging.inputs import Record, Refused

ERRORS = "errors.jsonl"
_STATE = ".shards"
_KEYS = {"input", "tagged", "errors"}
_REMEDY = "name another --output"


class Shards:
    """An output folder that one process writes."""

    def __init__(self, folder: Path, suffix: str) -> None:
        """Take the folder, and the ending of its parts."""
        self.folder = folder
        self._suffix = suffix

    @contextmanager
    def opened(self, job: dict[str, Any]) -> Iterator[None]:
        """Lock the folder for a job; DataError where another process writes it, or it holds something else."""
        state = self.folder / _STATE
        if self.folder.exists() and not state.exists() and any(self.folder.iterdir()):
            fail(self.folder, "exists and is no output of tagging", "name another --output, or move it away")
        state.mkdir(parents=True, exist_ok=True)
        with (state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fail(self.folder, "is being written by another process", "wait for it, or name another --output")
            self._check_job(state / "job.json", job)
            yield

    def _check_job(self, path: Path, job: dict[str, Any]) -> None:
        if not path.exists() or not any(path.parent.glob("[0-9]*.json")):  # nothing is done yet
            write_text(path, json.dumps(job, indent=2, ensure_ascii=False) + "\n")
            return
        before = read_json(path, set(), _REMEDY)
        if changed := sorted(key for key in before | job if before.get(key) != job.get(key)):
            told = ", ".join(f"{key}: {before.get(key)}, not {job.get(key)}" for key in changed)
            fail(self.folder, f"was begun otherwise ({told})", "call it as before, or name another --output")

    def part(self, number: int) -> Path:
        """Name the file of a shard."""
        return self.folder / f"part-{number:05}{self._suffix}"

    def done(self, number: int, records: Sequence[Record]) -> dict[str, Any] | None:
        """Read what was made of a shard before, if it was; DataError where its input has changed since."""
        path = self._path(number)
        if not path.exists() or not self.part(number).exists():
            return None
        state = read_json(path, _KEYS, _REMEDY)
        if state["input"] != digest(records):
            fail(self.part(number), "was made of other records", "the input has changed: name another --output")
        return state

    def commit(self, number: int, records: Sequence[Record], refused: Sequence[Refused]) -> dict[str, Any]:
        """Write, after its part, that a shard is done."""
        state = {
            "input": digest(records),
            "tagged": len(records) - len(refused),
            "errors": [{"id": one.id, "error": one.reason} for one in refused],
        }
        write_text(self._path(number), json.dumps(state, ensure_ascii=False) + "\n")
        return state

    def finish(self, n_shards: int) -> int:
        """Gather what was refused in `errors.jsonl`; DataError where more shards are there than the input has."""
        paths = sorted((self.folder / _STATE).glob("[0-9]*.json"), key=lambda path: int(path.stem))
        if len(paths) > n_shards:
            fail(self.folder, f"has {len(paths)} shards of an input of {n_shards}", "name another --output")
        rows = [row for path in paths for row in read_json(path, _KEYS, _REMEDY)["errors"]]
        write_text(self.folder / ERRORS, format_json_lines(rows))
        return len(rows)

    def _path(self, number: int) -> Path:
        return self.folder / _STATE / f"{number:05}.json"


def digest(records: Iterable[Record]) -> str:
    """Hash the names and contents of records, in order (SHA-256, hexadecimal)."""
    found = hashlib.sha256()
    for record in records:
        kind, content = ("r", record.reason) if isinstance(record, Refused) else ("d", record.text)
        for part in (kind, record.id, content):
            raw = part.encode("utf-8")
            found.update(f"{len(raw)}:".encode() + raw)
    return found.hexdigest()


def cut(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """Cut a stream into lists of so many records."""
    stream = iter(records)
    while shard := list(islice(stream, size)):
        yield shard

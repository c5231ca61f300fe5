"""An output folder of shards that are whole or absent, so that an interrupted job resumes where it stopped.

OUT/part-00000.jsonl …   the tagged records of a shard
OUT/errors.jsonl         the refused records of all shards, with reasons; written at the end
OUT/.shards/00000.json   written after its part: the digest of the input, how many were tagged, what was refused
OUT/.shards/job.json     the job, which a second call must match
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from thidua_ner.faults import MachineError, UsageError, fail
from thidua_ner.files import read_json, write_json, write_text
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.formats.texts import Record, Refused

ERRORS = "errors.jsonl"
_STATE = ".shards"
_REMEDY = "name another --output"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What a job does: the fingerprint of its model, the runtime, the format of its shards and their size."""

    model: str
    runtime: str
    format: str
    shard: int


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that could not be tagged or written, with the reason."""

    id: str
    error: str


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """The result of a shard: the digest of its input, the number of tagged records, and the refused records."""

    input: str
    tagged: int
    errors: tuple[RefusedRecord, ...]


class Shards:
    """An output folder, written by one process at a time."""

    def __init__(self, folder: Path, suffix: str) -> None:
        """Take the folder, and the suffix of its parts."""
        self.folder = folder
        self._suffix = suffix

    @contextmanager
    def opened(self, job: JobRecord) -> Iterator[None]:
        """Lock the folder for a job.

        Raises MachineError if another process writes it, UsageError if it contains another job or
        anything that is not an output of tagging.
        """
        from filelock import FileLock, Timeout

        state = self.folder / _STATE
        if self.folder.exists() and not self.folder.is_dir():
            fail(self.folder, "is a file", "name a folder with --output", kind=UsageError)
        if self.folder.exists() and not state.exists() and any(self.folder.iterdir()):
            what, remedy = "exists and is not an output of tagging", "name another --output, or move it away"
            fail(self.folder, what, remedy, kind=UsageError)
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "lock", blocking=False)
        try:
            lock.acquire()
        except Timeout:
            remedy = "wait for it, or name another --output"
            fail(self.folder, "is being written by another process", remedy, kind=MachineError)
        with lock:
            self._check_job(state / "job.json", job)
            yield

    def _check_job(self, path: Path, job: JobRecord) -> None:
        if not path.exists() or not any(path.parent.glob("[0-9]*.json")):  # nothing is finished yet
            write_json(path, job)
            return
        before, now = asdict(read_json(path, JobRecord, _REMEDY)), asdict(job)
        if changed := [f"{key}: {before[key]}, not {now[key]}" for key in sorted(now) if before[key] != now[key]]:
            what = f"was started with other options ({', '.join(changed)})"
            fail(self.folder, what, "repeat the first call, or name another --output", kind=UsageError)

    def part(self, number: int) -> Path:
        """Return the path of a shard's part."""
        return self.folder / f"part-{number:05}{self._suffix}"

    def finished(self, number: int, records: Sequence[Record]) -> ShardRecord | None:
        """Read the record of a shard, None if it is not finished; raises DataError if its input has changed."""
        path = self._path(number)
        if not path.exists() or not self.part(number).exists():
            return None
        state = read_json(path, ShardRecord, _REMEDY)
        if state.input != digest(records):
            fail(self.part(number), "was made from other records", "the input has changed: name another --output")
        return state

    def commit(self, number: int, records: Sequence[Record], refused: Sequence[Refused]) -> ShardRecord:
        """Write the record of a shard whose part is written; this finishes it."""
        errors = tuple(RefusedRecord(one.id, one.reason) for one in refused)
        state = ShardRecord(digest(records), len(records) - len(refused), errors)
        write_json(self._path(number), state, indent=None)
        return state

    def finish(self, n_shards: int) -> int:
        """Write all refused records to `errors.jsonl` and count them; raises DataError if there are more shards."""
        paths = sorted((self.folder / _STATE).glob("[0-9]*.json"), key=lambda path: int(path.stem))
        if len(paths) > n_shards:
            fail(self.folder, f"has {len(paths)} shards, but the input has {n_shards}", _REMEDY)
        states = [read_json(path, ShardRecord, _REMEDY) for path in paths]
        rows = [asdict(error) for state in states for error in state.errors]
        write_text(self.folder / ERRORS, format_json_lines(rows))
        return len(rows)

    def _path(self, number: int) -> Path:
        return self.folder / _STATE / f"{number:05}.json"


def digest(records: Iterable[Record]) -> str:
    """Hash the ids and contents of records, in order (SHA-256, hexadecimal)."""
    found = hashlib.sha256()
    for record in records:
        kind, content = ("r", record.reason) if isinstance(record, Refused) else ("d", record.text)
        for part in (kind, record.id, content):
            raw = part.encode("utf-8")
            found.update(f"{len(raw)}:".encode() + raw)
    return found.hexdigest()


def cut_shards(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """Cut a stream into lists of `size` records."""
    stream = iter(records)
    while shard := list(islice(stream, size)):
        yield shard

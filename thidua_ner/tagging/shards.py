"""An output folder of shards that are whole or absent, so that an interrupted job resumes where it stopped.

OUT/part-00000.jsonl …   the tagged records of a shard
OUT/errors.jsonl         the refused records of all shards, with reasons; written at the end
OUT/.shards/00000.json   written after its part: the digests of input and part, how many were tagged, what was refused
OUT/.shards/job.json     the job, which a second call must match
OUT/.shards/lock         locked while a process writes

A shard that a disk or a person has damaged is told and done again.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import ClassVar, TypeVar

from thidua_ner.faults import DataError, MachineError, UsageError, fail, tell
from thidua_ner.files import hash_file, make_folder, read_json, remove, remove_temporaries, write_json, write_text
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.formats.texts import Record, Refused
from thidua_ner.tagging.encodings import EncodingCount, count_encodings

ERRORS = "errors.jsonl"
_STATE = ".shards"
_Kind = TypeVar("_Kind")
_REMEDY = "name another --output"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What a job does: its model's fingerprint, runtime, device, the format and size of its shards, and the code."""

    model: str
    runtime: str
    format: str
    shard: int
    code: str = "unknown"
    """The version of the package and the fingerprint of its files, which hold the rules; older jobs have none."""
    device: str = "cpu"
    """The kind of the device, whatever its number: others give other probabilities. Older jobs all ran on the CPU."""
    column: str = "text"
    """The column that holds the texts; older jobs do not say."""


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that could not be tagged or written, with the reason."""

    id: str
    error: str


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """The result of a shard: the digest of its input, how many records were tagged, what was refused or not read."""

    input: str
    tagged: int
    errors: tuple[RefusedRecord, ...]
    part: str = ""
    """The digest of the part; older records have none, and their shards are done again."""
    encodings: tuple[EncodingCount, ...] = ()
    """The texts that no model can read."""
    kept: bool | None = None
    """Whether an earlier call has done the shard; not written."""

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset({"kept"})


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
        make_folder(state)
        path = state / "lock"
        if state.is_symlink() or path.is_symlink() or (path.exists() and path.stat().st_size):
            what = "is a link, or holds something that tagging has not written"
            fail(state if state.is_symlink() else path, what, "remove it, or name another --output", kind=UsageError)
        lock = FileLock(path, blocking=False)
        try:
            lock.acquire()
        except Timeout:
            remedy = "wait for it, or name another --output"
            fail(self.folder, "is being written by another process", remedy, kind=MachineError)
        with lock:
            try:
                self._remove_temporaries()
                self._check_job(state / "job.json", job)
                yield
            finally:
                self._remove_temporaries()  # of workers that were stopped

    def _remove_temporaries(self) -> None:
        for folder in (self.folder, self.folder / _STATE):
            remove_temporaries(folder)

    def _check_job(self, path: Path, job: JobRecord) -> None:
        """Begin anew if nothing is finished.

        Raises UsageError if the folder contains another job, DataError if it is not known which: parts are kept then.
        """
        if not self._records():
            for old in [*self._records(), *self._parts()]:
                remove(old)
            write_json(path, job)
            return
        remedy = f"restore it, name another --output, or remove {self.folder} to tag everything again"
        before = _read(path, JobRecord, remedy)
        then, now = asdict(before), asdict(job)
        if changed := [f"{key}: {then[key]}, not {now[key]}" for key in sorted(now) if then[key] != now[key]]:
            what = f"was started with other options ({', '.join(changed)})"
            fail(self.folder, what, "give the options of the first call, or name another --output", kind=UsageError)

    def _records(self) -> list[Path]:
        """List the records of shards in order."""
        found = (path for path in (self.folder / _STATE).iterdir() if re.fullmatch(r"\d{5,}\.json", path.name))
        return sorted(found, key=lambda path: int(path.stem))

    def _parts(self) -> list[Path]:
        """List the parts of all formats."""
        return [path for path in self.folder.iterdir() if re.fullmatch(r"part-\d{5,}(\.\w+)?", path.name)]

    def part(self, number: int) -> Path:
        """Return the path of a shard's part."""
        return self.folder / f"part-{number:05}{self._suffix}"

    def finished(self, number: int, records: Sequence[Record]) -> ShardRecord | None:
        """Read the record of a shard, None if it or its part is absent or damaged.

        Raises DataError if the shard's input has changed.
        """
        path, part = self._path(number), self.part(number)
        if not path.exists():
            return None
        try:
            state = _read(path, ShardRecord, "remove it")
        except DataError as error:
            tell(path, f"{error.faults[0].what}; its shard is done again")
            return None
        if state.input != digest(records):
            fail(part, "was made from other records", "the input has changed: name another --output")
        if not state.part or state.part != _digest_of_part(part):
            what = "has changed since it was written" if part.exists() else "is missing"
            tell(part, f"{what}; it is done again")
            return None
        if state.tagged + len(state.errors) != len(records):
            tell(path, "does not count all its records; its shard is done again")
            return None
        return replace(state, kept=True)

    def commit(self, number: int, records: Sequence[Record], refused: Sequence[Refused]) -> ShardRecord:
        """Write the record of a shard whose part is written; this finishes it."""
        errors = tuple(RefusedRecord(one.id, one.reason) for one in refused)
        part = _digest_of_part(self.part(number))
        state = ShardRecord(digest(records), len(records) - len(refused), errors, part, count_encodings(records))
        write_json(self._path(number), state, indent=None)
        return state

    def finish(self, n_shards: int) -> int:
        """Write all refused records to `errors.jsonl` and count them; raises DataError if there are more shards."""
        paths = self._records()
        if len(paths) > n_shards:
            fail(self.folder, f"has {len(paths)} shards, but the input has {n_shards}", _REMEDY)
        own = {self.part(number) for number in range(n_shards)}
        for part in self._parts():
            if part not in own:  # a call for more records was killed before it was finished
                remove(part)
        states = [read_json(path, ShardRecord, _REMEDY) for path in paths]
        rows = [asdict(error) for state in states for error in state.errors]
        write_text(self.folder / ERRORS, format_json_lines(rows))
        return len(rows)

    def _path(self, number: int) -> Path:
        return self.folder / _STATE / f"{number:05}.json"


def _read(path: Path, kind: type[_Kind], remedy: str) -> _Kind:
    """Read a record; raises DataError if it is missing or damaged, MachineError if it cannot be read."""
    try:
        path.read_bytes()
    except FileNotFoundError:
        fail(path, "is missing", remedy)
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        fail(path, what, "check its permissions and the disk", kind=MachineError)
    return read_json(path, kind, remedy)


def _digest_of_part(path: Path) -> str:
    """Hash a part, or the names and contents of its files if it is a folder (SHA-256, hexadecimal)."""
    found = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if not file.is_file():
            return ""
        found.update(os.fsencode(file.name) + b"\0" + hash_file(file))
    return found.hexdigest()


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

"""Read text, tables and typed JSON; write files atomically, so that each is whole or absent."""

import csv
import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from thidua_ner.faults import DataError, Fault, MachineError, fail

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

MAX_LINE_BYTES = 50_000_000
"""Longer lines are refused: they are not text, or would fill the memory."""

_CHECK = "check the folder, its permissions and the free space"

_TEMPORARY = re.compile(r"\A\..+\.[0-9a-f]{8}\.tmp\Z", re.DOTALL)
"""The names under which files and folders are written before they are whole."""


def read_text(path: Path) -> str:
    """Read a UTF-8 file unchanged, line breaks included.

    Raises DataError if it cannot be read, or with the first line that is not UTF-8 or is too long.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        fail(path, f"cannot be read ({error.strerror or error})", "check the path and its permissions")
    if len(raw) > MAX_LINE_BYTES:
        for number, size in enumerate(map(len, raw.split(b"\n")), start=1):
            if size > MAX_LINE_BYTES:
                what = f"has {size:,} bytes; a line may have {MAX_LINE_BYTES:,}"
                fail(path, what, "split the document, or break its lines", line=number)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fail(path, f"byte {error.start} is not UTF-8", "save the file as UTF-8", line=line)


def read_table(path: Path, columns: Sequence[str], key: str = "document id") -> list[list[str]]:
    """Read the rows of a tab-separated file with a header; the first column is a unique `key`.

    Raises DataError if the header differs, or with the first line that has a wrong number of cells or a repeated key.
    """
    rows = list(csv.reader(io.StringIO(read_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or rows[0] != list(columns):
        fail(path, f"the columns are {rows[0] if rows else []}", f"name them {', '.join(columns)}", line=1)
    seen: set[str] = set()
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            fail(path, f"has {len(row)} cells", f"give {len(columns)}, separated by tabs", line=line)
        if row[0] in seen:
            fail(path, f"repeats the {key} {row[0]!r}", f"keep one row per {key}", line=line)
        seen.add(row[0])
    return rows[1:]


def read_json(path: Path, kind: type[T], remedy: str) -> T:
    """Read a JSON file as a typed value: a dataclass, or a list or mapping of them.

    Unknown keys are ignored. Raises DataError with every key that is missing or has the wrong type, and `remedy`.
    """
    from pydantic import ValidationError

    text = read_text(path)
    try:
        json.loads(text)  # its messages are plainer, and it refuses deep nesting
    except (ValueError, RecursionError) as error:
        fail(path, f"is not JSON ({error})", remedy)
    try:
        value: T = _adapter(cast("Hashable", kind)).validate_json(text, strict=True)
    except ValidationError as error:
        raise DataError(list(_json_faults(path, error.errors(), remedy))) from None
    return value


def _json_faults(path: Path, problems: Sequence[Any], remedy: str) -> Iterable[Fault]:
    """Convert the errors of pydantic to faults of a file."""
    lacking = [_key(problem) for problem in problems if problem["type"] == "missing"]
    if lacking:
        yield Fault(str(path), f"lacks {', '.join(lacking)}", remedy)
    for problem in problems:
        if problem["type"] != "missing":
            where = f"{_key(problem)}: " if problem["loc"] else ""
            found = "" if problem["type"] == "json_invalid" else f", not {problem['input']!r:.80}"
            yield Fault(str(path), f"{where}{problem['msg']}{found}", remedy)


def _key(problem: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in problem["loc"])


def to_json(value: object) -> Any:
    """Convert a typed value to what `json` can write.

    A dataclass lists in `OMITTED_IF_NONE` the keys to leave out if their value is None.
    """
    written = _adapter(cast("Hashable", type(value))).dump_python(value, mode="json", by_alias=True)
    for key in getattr(type(value), "OMITTED_IF_NONE", ()):
        if written[key] is None:
            del written[key]
    return written


def format_json(value: object, *, indent: int | None = 2) -> str:
    """Format a typed value as the content of a JSON file."""
    return json.dumps(to_json(value), ensure_ascii=False, indent=indent) + "\n"


def write_json(path: Path, value: object, *, indent: int | None = 2) -> None:
    """Write a typed value as JSON, as `write_bytes` does; `read_json` reads it back."""
    write_text(path, format_json(value, indent=indent))


@cache
def _adapter(kind: Hashable) -> "TypeAdapter[Any]":
    """Make the pydantic reader and writer of a type."""
    from pydantic import TypeAdapter

    made: TypeAdapter[Any] = TypeAdapter(cast("Any", kind))
    return made


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically and durably, creating its folder if needed; raises MachineError if that fails.

    A link at `path` is replaced, not followed; the mode follows the umask. A device or a pipe is written into.
    """
    with _errors_told(path):
        if _is_device(path):
            with path.open("ab") as stream:
                stream.write(content)
            return
    with whole(path) as temporary, temporary.open("xb") as stream:
        stream.write(content)


@contextmanager
def whole(path: Path, *, replace: bool = True, remedy: str = _CHECK) -> Iterator[Path]:
    """Give the path of a file or folder to write, and move it to `path` when all of it is on the disk.

    What was there is replaced or, unless `replace`, stays. If writing fails, nothing is changed; raises MachineError
    with `remedy` for an OSError. Whoever is killed between the two renames that replace a folder leaves the old one
    under a temporary name.
    """
    temporary = _temporary(path)
    with _errors_told(path, remedy):
        try:
            make_folder(path.parent)
            yield temporary
            _sync(temporary)
            if not temporary.is_dir():
                temporary.replace(path)
            elif replace or not path.exists():
                _replace_folder(temporary, path)
            _sync_folder(path.parent)
        finally:
            remove(temporary)


def _replace_folder(new: Path, path: Path) -> None:
    """Rename a folder to a path where another may be, which no system can replace at once."""
    old = _temporary(path)
    if os.path.lexists(path):
        path.rename(old)
    try:
        new.replace(path)
    except BaseException:
        if os.path.lexists(old):
            old.rename(path)
        raise
    remove(old)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


@contextmanager
def _errors_told(path: Path, remedy: str = _CHECK) -> Iterator[None]:
    """Raise MachineError for an OSError of writing."""
    try:
        yield
    except OSError as error:
        fail(path, f"cannot be written ({error.strerror or error})", remedy, kind=MachineError)


def _is_device(path: Path) -> bool:
    """Tell whether a path is that of a device, a pipe or an open file, as /dev/stdout, which must not be replaced."""
    if not path.exists() or path.is_dir():
        return False
    folder = path.parent.resolve()
    return not path.is_file() or folder == Path("/dev") or folder.parts[:2] == ("/", "proc")


def hash_file(path: Path) -> bytes:
    """Hash the content of a file (SHA-256, 32 bytes)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def make_folder(folder: Path) -> None:
    """Create a folder and its parents durably, unless they exist."""
    if not folder.exists() and folder != folder.parent:
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def is_temporary(path: Path) -> bool:
    """Tell whether a file or folder is one that was being written under a temporary name."""
    return bool(_TEMPORARY.match(path.name))


def remove_temporaries(folder: Path) -> None:
    """Remove what processes that were killed have left in a folder; no other process may be writing there."""
    for path in filter(is_temporary, list(folder.iterdir())):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all it contains, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or a folder with all it contains, is on the disk."""
    if path.is_dir():
        for inner in path.iterdir():
            _sync(inner)
        _sync_folder(path)
    else:
        with path.open("rb" if os.name == "posix" else "rb+") as file:  # Windows syncs only what may be written
            os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Wait until the names of a folder's files are on the disk, where the system can say so."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems do not sync folders
            raise
    finally:
        os.close(handle)


def write_text(path: Path, content: str) -> None:
    """Write text as UTF-8, as `write_bytes` does."""
    write_bytes(path, content.encode("utf-8"))

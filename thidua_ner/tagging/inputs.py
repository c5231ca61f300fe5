"""Texts to tag, from wherever they are: each record is a document, or the reason why it cannot be one.

One bad record costs no other: what cannot be read is a `Refused` in its place, never an exception.
"""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import LONGEST_LINE
from thidua_ner.faults import some_of
from thidua_ner.text.spans import Document

STDIN = "-"
_ROWS = 1000
"""Rows of a Parquet file that are read at a time."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be tagged: its name, and why."""

    id: str
    reason: str


Record = Document | Refused


@dataclass(frozen=True, slots=True)
class Source:
    """A file, the standard input, or a dataset: its records, and how many there are where that is known."""

    name: str
    records: Callable[[], Iterator[Record]]
    count: Callable[[], int | None]


def find_sources(inputs: Sequence[str], column: str) -> list[Source]:
    """Find what the names on the command line stand for; folders are searched for files, in the order of their names.

    `column` names the text in .jsonl, .csv and .parquet files. DataError where a name stands for nothing.
    """
    sources: list[Source] = []
    for name in inputs:
        path = Path(name)
        if name == STDIN:
            sources.append(Source(STDIN, _stdin, lambda: 1))
        elif path.is_dir():
            found = [inner for inner in sorted(path.rglob("*")) if inner.suffix in _READERS and not inner.is_dir()]
            if not found:
                fail(path, "holds no texts", f"name a folder with {', '.join(_READERS)} files")
            sources += [_source(inner, column) for inner in found]
        elif path.suffix in _READERS and path.exists():
            sources.append(_source(path, column))
        else:
            what = f"has the ending {path.suffix!r}" if path.exists() else "does not exist"
            fail(path, what, f"name a folder, a {', '.join(_READERS)} file, or {STDIN} for the standard input")
    return sources


def dataset_source(name: str, split: str, column: str) -> Source:
    """Read a dataset of the hub, or in a folder, as a stream; DataError where it cannot be loaded."""
    import datasets

    try:
        rows = datasets.load_dataset(name, split=split, streaming=True)
        columns = rows.column_names
    except (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        fail(name, f"cannot be loaded ({reason})", "name a dataset of the hub or its folder, and one of its splits")
    if columns and column not in columns:
        fail(name, f"has no column {column!r}", f"name one of {', '.join(columns)} with --column")
    size = (rows.info.splits or {}).get(split)

    def records() -> Iterator[Record]:
        try:
            for number, row in enumerate(rows):
                yield _record(f"{name}:{split}:{number}", row, column)
        except Exception as error:  # the network too may stop it: what comes after is not lost, but not read yet
            reason = str(error).partition("\n")[0]
            fail(name, f"cannot be read further ({reason})", "call it again: what is done stays done")

    return Source(f"{name}:{split}", records, lambda: size.num_examples if size else None)


def _source(path: Path, column: str) -> Source:
    reader, count = _READERS[path.suffix]
    return Source(_name(path), lambda: _guarded(_name(path), reader(path, column)), lambda: _counted(path, count))


def _name(path: Path) -> str:
    """Name a file by its path, whatever bytes that has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _counted(path: Path, count: Callable[[Path], int]) -> int:
    """Count the records of a file; one that cannot be read is one refusal."""
    try:
        return count(path)
    except Exception:  # the reader will tell
        return 1


def _guarded(name: str, records: Iterator[Record]) -> Iterator[Record]:
    """Turn what stops the reading of a source into a refusal."""
    try:
        yield from records
    except OSError as error:
        yield Refused(name, f"cannot be read ({error.strerror or error})")
    except Exception as error:  # a damaged file fails in as many ways as there are libraries that read it
        yield Refused(name, _whole(f"cannot be read ({error})"))


def _record(name: str, row: Any, column: str) -> Record:
    """Make a record of a row; its own `id` names it where it has one."""
    if not isinstance(row, dict):
        return Refused(name, "is no object")
    own = row.get("id")
    place, name = name, str(own) if isinstance(own, (str, int)) and str(own) else name
    text = row.get(column)
    if not isinstance(text, str):
        where = "" if place == name else f" ({place})"
        found = "no text" if text is None else f"no text but {type(text).__name__}"
        return Refused(_whole(name), _whole(f"has {found} in {column!r}; its columns are {some_of(row)}{where}"))
    return _document(name, text)


def _document(name: str, text: str) -> Record:
    if _whole(name) != name or _whole(text) != text:
        return Refused(_whole(name), "holds half of a surrogate pair")
    return Document(name, text)


def _whole(text: str) -> str:
    """Write lone surrogates, which are no characters, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _decoded(name: str, raw: bytes) -> Record:
    """Make a record of bytes that are one text."""
    if len(raw) > LONGEST_LINE:
        return Refused(name, f"has {len(raw):,} bytes; a text may have {LONGEST_LINE:,}")
    try:
        return _document(name, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")


def _stdin() -> Iterator[Record]:
    yield _decoded("stdin", sys.stdin.buffer.read())


def _txt(path: Path, _: str) -> Iterator[Record]:
    """Read a file as one text."""
    yield _decoded(_name(path), path.read_bytes())


def _jsonl(path: Path, column: str) -> Iterator[Record]:
    """Read an object a line; only a line is held in memory, and of one that is too long not even that."""
    file_name = _name(path)
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            name = f"{file_name}:{number}"
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield Refused(name, f"has more than {LONGEST_LINE:,} bytes")
            elif line.strip():
                yield _json_record(name, line, column)


def _json_record(name: str, line: bytes, column: str) -> Record:
    try:
        return _record(name, json.loads(line), column)
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(name, f"not JSON ({error})")


def _csv(path: Path, column: str) -> Iterator[Record]:
    """Read a table with a header."""
    csv.field_size_limit(LONGEST_LINE)
    file_name = _name(path)
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        rows = csv.DictReader(file)
        for number, row in enumerate(rows, start=1):
            record = _record(f"{file_name}:{number}", row, column)
            escaped = isinstance(record, Refused) and "surrogate" in record.reason
            yield Refused(record.id, "is not UTF-8") if escaped else record


def _parquet(path: Path, column: str) -> Iterator[Record]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        number = 0
        file_name, names = _name(path), file.schema_arrow.names
        if column not in names:
            raise ValueError(f"has no column {column!r}; name one of {some_of(names)} with --column")
        wanted = [name for name in ("id", column) if name in names]
        for batch in file.iter_batches(_ROWS, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield _record(f"{file_name}:{number}", row, column)


def _count_lines(path: Path) -> int:
    """Count the lines of a file, the last one too where no line break ends it."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")


def _count_rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


_READERS: dict[str, tuple[Callable[[Path, str], Iterator[Record]], Callable[[Path], int]]] = {
    ".txt": (_txt, lambda _: 1),
    ".jsonl": (_jsonl, _count_lines),
    ".csv": (_csv, lambda path: max(_count_lines(path) - 1, 0)),
    ".parquet": (_parquet, _count_rows),
}
"""How a file is read, and how its records are counted (about: blank lines, cells of several), by its ending."""

"""Texts to tag: files, folders, the standard input, datasets of the hub or in a folder."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.faults import MachineError, UsageError, fail
from thidua_ner.files import is_temporary
from thidua_ner.formats.registry import READERS
from thidua_ner.formats.texts import Record, Refused, bytes_record, path_name, replace_surrogates, row_record

STDIN = "-"
_TEXT_READERS = {suffix: (one.texts, one.count) for suffix, one in READERS.items() if one.texts}
_TEXT_FILES = ", ".join(_TEXT_READERS)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, the standard input, or a dataset: its records, and their number if it is known."""

    name: str
    records: Callable[[], Iterator[Record]]
    count: Callable[[], int | None]


def find_sources(inputs: Sequence[str], column: str) -> list[Source]:
    """Find the sources that the command line names; folders are searched recursively, in the order of the paths.

    `column` names the text in .jsonl, .csv and .parquet files. Raises DataError if a path does not exist
    or has no texts.
    """
    sources: list[Source] = []
    for name in inputs:
        path = Path(name)
        if name == STDIN:
            sources.append(Source(STDIN, _read_stdin, lambda: 1))
        elif path.is_dir():
            found = [inner for inner in sorted(path.rglob("*")) if inner.suffix in _TEXT_READERS and not inner.is_dir()]
            found = [inner for inner in found if not any(map(is_temporary, inner.relative_to(path).parents))]
            if not found:
                fail(path, "has no texts", f"name a folder with {_TEXT_FILES} files")
            sources += [_file_source(inner, column) for inner in found]
        elif path.suffix in _TEXT_READERS and path.exists():
            sources.append(_file_source(path, column))
        else:
            what = f"has the suffix {path.suffix!r}" if path.exists() else "does not exist"
            fail(path, what, f"name a folder, a {_TEXT_FILES} file, or {STDIN} for the standard input")
    return sources


def dataset_source(name: str, split: str, column: str) -> Source:
    """Read a dataset of the hub, or in a folder, as a stream.

    Raises MachineError if it cannot be loaded or read further, UsageError if it has no such column.
    """
    import datasets

    try:
        rows = datasets.load_dataset(name, split=split, streaming=True)
        columns = rows.column_names
    except (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        remedy = "name a dataset of the hub or its folder, and one of its splits"
        fail(name, f"cannot be loaded ({_first_line(error)})", remedy, kind=MachineError)
    if columns and column not in columns:
        fail(name, f"has no column {column!r}", f"name one of {', '.join(columns)} with --column", kind=UsageError)
    size = (rows.info.splits or {}).get(split)

    def records() -> Iterator[Record]:
        try:
            for number, row in enumerate(rows):
                yield row_record(f"{name}:{split}:{number}", row, column)
        except Exception as error:  # a network fails in many ways; a repeated call reads the rest
            remedy = "repeat the call: finished shards are kept"
            fail(name, f"cannot be read further ({_first_line(error)})", remedy, kind=MachineError)

    return Source(f"{name}:{split}", records, lambda: size.num_examples if size else None)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _file_source(path: Path, column: str) -> Source:
    read, count = _TEXT_READERS[path.suffix]
    name = path_name(path)
    return Source(name, lambda: _guarded(name, read(path, column)), lambda: _counted(path, count))


def _counted(path: Path, count: Callable[[Path], int]) -> int:
    """Count the records of a file; a file that cannot be read counts as one refused record."""
    try:
        return count(path)
    except Exception:  # the reader will report it
        return 1


def _guarded(name: str, records: Iterator[Record]) -> Iterator[Record]:
    """Turn an error that stops the reading of a source into a refused record."""
    try:
        yield from records
    except OSError as error:
        yield Refused(name, f"cannot be read ({error.strerror or error})")
    except Exception as error:  # each library reports a damaged file by errors of its own
        yield Refused(name, replace_surrogates(f"cannot be read ({error})"))


def _read_stdin() -> Iterator[Record]:
    yield bytes_record("stdin", sys.stdin.buffer.read())

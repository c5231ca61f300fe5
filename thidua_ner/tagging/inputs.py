"""Texts to tag: files, folders, the standard input, datasets of the hub or in a folder."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from thidua_ner.faults import Fault, MachineError, UsageError, fail, some_of, tell
from thidua_ner.files import MAX_LINE_BYTES
from thidua_ner.formats.exports import CONVERT, recognise_suffix
from thidua_ner.formats.parquet import decoded_rows, text_columns
from thidua_ner.formats.registry import READERS
from thidua_ner.formats.texts import (
    Record,
    Refused,
    bytes_record,
    foreign_encoding,
    path_name,
    row_record,
)
from thidua_ner.text.characters import replace_surrogates
from thidua_ner.text.spans import Document

STDIN = "-"
_TEXT_READERS = {suffix: (one.texts, one.count) for suffix, one in READERS.items() if one.texts}
_ID_BYTES = 15  # no two of 10^12 ids have the same; Python needs the same memory for up to 15
_TEXT_FILES = ", ".join(_TEXT_READERS)


@dataclass(frozen=True, slots=True)
class Source:
    """A file, the standard input, or a dataset: its records, and their number if it is known."""

    name: str
    records: Callable[[], Iterator[Record]]
    count: Callable[[], int | None]


def find_sources(inputs: Sequence[str], column: str) -> list[Source]:
    """Find the sources that the command line names; folders are searched recursively, in the order of the paths.

    `column` names the text in .jsonl, .csv and .parquet files. A text file is named as the readers of documents name
    it: by its path in its folder, without the suffix. What is passed over in a folder is told on the standard error.
    Raises DataError if a path does not exist or has no texts, UsageError if none of the files has the column.
    """
    sources: list[Source] = []
    files: list[Path] = []
    names: set[str] = set()
    for name in inputs:
        path = Path(name)
        if name == STDIN:
            sources.append(Source(STDIN, _read_stdin, lambda: 1))
        elif path.is_dir():
            found = _text_files(path, column)
            files += found
            sources += [_file_source(inner, column, _text_name(inner, path, names)) for inner in found]
        elif path.suffix.lower() in _TEXT_READERS and path.exists():
            files.append(path)
            sources.append(_file_source(path, column, _text_name(path, path.parent, names)))
        else:
            _refuse_path(path)
    if STDIN not in inputs:
        _check_column(files, column)
    return sources


def _check_column(files: Sequence[Path], column: str) -> None:
    """Raise UsageError, with the columns that are there, if none of the files has the column of the texts.

    If some have it, what the others lack is a matter of their records.
    """
    faults: list[Fault] = []
    for path in files:
        names = _columns_of(path, column)
        if not names or column in names:
            return
        what = f"has no column {column!r}; its columns are {some_of(names)}"
        faults.append(Fault(path_name(path), replace_surrogates(what), "name that of the texts with --column"))
    if faults:
        raise UsageError(faults)


def _columns_of(path: Path, column: str) -> list[str]:
    """List the columns of a file; none if it has no columns, or cannot be read, which its reader will report."""
    try:
        return READERS[path.suffix.lower()].columns(path, column) if path.is_file() else []
    except Exception:
        return []


def _refuse_path(path: Path) -> NoReturn:
    """Raise DataError for a path that is no input."""
    if tool := path.exists() and recognise_suffix(path):
        fail(path, f"is an export of {tool}", CONVERT)
    what = f"has the suffix {path.suffix!r}" if path.exists() else "does not exist"
    if path.exists() and path.suffix.lower() == ".json":
        fail(path, what, "write one object per line in a .jsonl file")
    fail(path, what, f"name a folder, a {_TEXT_FILES} file, or {STDIN} for the standard input")


def _text_files(folder: Path, column: str) -> list[Path]:
    """List the files of texts in a folder, and tell what is passed over; raises DataError if there are none.

    Tables of other things than texts often lie beside these: a .tsv file without the column is passed over.
    """
    passed: list[Path] = []
    files = list(_walk(folder, {folder.resolve()}, passed))
    found = [path for path in files if path.suffix.lower() in _TEXT_READERS and not _is_other_table(path, column)]
    passed += [path for path in files if path not in set(found) and not _is_annotation(path)]
    names = some_of([path_name(path.relative_to(folder)) for path in sorted(passed)])
    if not found:
        others = f", but {len(passed):,} that are none: {names}" if passed else ""
        fail(folder, f"has no texts{others}", f"name a folder with {_TEXT_FILES} files")
    if passed:
        tell(path_name(folder), f"passed over {len(passed):,} that are not texts to tag: {names}")
    return found


def _is_other_table(path: Path, column: str) -> bool:
    """Tell whether a file is a .tsv whose first line does not name the column."""
    if path.suffix.lower() != ".tsv" or not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.readline(1 << 16)
    return not foreign_encoding(begin) and column.encode() not in begin


def _is_annotation(path: Path) -> bool:
    """Tell whether a file belongs to the texts of a brat folder."""
    text = any(path.with_suffix(suffix).exists() for suffix in (".txt", ".TXT"))
    return path.name == "annotation.conf" or (path.suffix.lower() == ".ann" and text)


def _walk(folder: Path, seen: set[Path], passed: list[Path]) -> Iterator[Path]:
    """Yield the files below a folder in the order of their paths, without hidden ones; links are followed.

    A folder that was seen already, through a link, and one that cannot be opened are added to `passed`.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        passed.append(folder)
        return
    for path in inside:
        if path.name.startswith("."):
            continue
        if not path.is_dir():
            yield path
        elif (real := path.resolve()) in seen:
            passed.append(path)
        else:
            seen.add(real)
            yield from _walk(path, seen, passed)


def _text_name(path: Path, folder: Path, names: set[str]) -> str:
    """Name the text of a .txt file by its path in a folder, or by its whole path if another file has that name."""
    name = path_name(path.relative_to(folder).with_suffix(""))
    if path.suffix.lower() == ".txt":
        name = path_name(path) if name in names else name
        names.add(name)
    return name


def unique_records(sources: Iterable[Source]) -> Iterator[Record]:
    """Yield the records of all sources under unique ids, without which no reader could read the output.

    An id that another source has gets the name of its own source before it, which is told at the end; a text whose id
    an earlier text of its source has is refused. Each id takes about 100 bytes of memory, however long it is.
    """
    taken: dict[bytes, int] = {}  # the number of the last source that has an id; -1 if it was made of another one
    renamed: list[str] = []
    for number, source in enumerate(sources):
        for record in _told_if_none(source):
            if isinstance(record, Refused):
                yield record
                continue
            own = _digest(record.id)
            name = f"{source.name}:{record.id}" if own in taken else record.id
            if taken.get(own) == number or (name != record.id and _digest(name) in taken):
                yield Refused(record.id, f"is the id of an earlier text of {source.name}; give each text its own")
                continue
            taken[own] = number
            if name == record.id:
                yield record
            else:
                taken[_digest(name)] = -1
                renamed.append(name)
                yield Document(name, record.text)
    if renamed:
        what = f"{len(renamed):,} ids are there in another file too, and are written as FILE:ID: {some_of(renamed)}"
        tell("tag", what)


def _told_if_none(source: Source) -> Iterator[Record]:
    """Yield the records of a source, and tell if it has none."""
    number = -1
    for number, record in enumerate(source.records()):  # noqa: B007 -- the last number is looked at
        yield record
    if number < 0:
        tell(source.name, "has no records")


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8"), digest_size=_ID_BYTES).digest()


def dataset_source(name: str, split: str, column: str) -> Source:
    """Read a dataset of the hub, or in a folder, as a stream.

    Raises MachineError if it cannot be loaded or read further, UsageError if it has no such column.
    """
    import datasets

    try:
        rows = datasets.load_dataset(name, split=split, streaming=True)
        columns = rows.column_names
    except Exception as error:  # each builder that reads a damaged file raises errors of its own
        remedy = "name a dataset of the hub or its folder, and one of its splits"
        fail(name, f"cannot be loaded ({_first_line(error)})", remedy, kind=MachineError)
    if columns and column not in columns:
        fail(name, f"has no column {column!r}", f"name one of {', '.join(columns)} with --column", kind=UsageError)
    size = (rows.info.splits or {}).get(split)

    def records() -> Iterator[Record]:
        try:
            for number, table in enumerate(rows.with_format("arrow")):
                (row,) = decoded_rows(_texts_of(table, column), f"{name}:{split}:", number)
                yield row if isinstance(row, Refused) else row_record(f"{name}:{split}:{number}", row, column)
        except Exception as error:  # a network fails in many ways; a repeated call reads the rest
            remedy = "repeat the call: finished shards are kept"
            fail(name, f"cannot be read further ({_first_line(error)})", remedy, kind=MachineError)

    return Source(f"{name}:{split}", records, lambda: size.num_examples if size else None)


def _texts_of(table: Any, column: str) -> Any:
    """Leave the columns of an Arrow table that are read; all if the texts are not among them."""
    return table.select(text_columns(table.schema, column)) if column in table.schema.names else table


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).partition("\n")[0]


def _file_source(path: Path, column: str, text_name: str) -> Source:
    suffix = path.suffix.lower()
    read, count = _TEXT_READERS[suffix]
    name = path_name(path)

    def records() -> Iterator[Record]:
        if path.exists() and not path.is_file():  # reading a pipe or a device may never end
            yield Refused(name, "is not a regular file")
            return
        for record in read(path, column):
            yield Document(text_name, record.text) if suffix == ".txt" and isinstance(record, Document) else record

    return Source(name, lambda: _guarded(name, records()), lambda: _counted(path, count))


def _counted(path: Path, count: Callable[[Path], int]) -> int:
    """Count the records of a file; a file that cannot be read counts as one refused record."""
    try:
        return count(path) if path.is_file() else 1
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
    if sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if os.name == "nt" else "Ctrl-D"
        tell("tag", f"waits for a text; type or paste it, and end it with {end} on a line of its own")
    raw = sys.stdin.buffer.read(MAX_LINE_BYTES + 1)
    too_large = Refused("stdin", f"has more than {MAX_LINE_BYTES:,} bytes")
    yield too_large if len(raw) > MAX_LINE_BYTES else bytes_record("stdin", raw)

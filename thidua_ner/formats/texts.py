"""Texts from files that need no annotation: each record is a document, or the reason why it cannot be one.

One bad record costs no other: what cannot be read is a `Refused` in its place, never an exception.
"""

import codecs
import csv
import json
import math
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from thidua_ner.faults import shorten, some_of
from thidua_ner.files import MAX_LINE_BYTES
from thidua_ner.formats.exports import recognise_export
from thidua_ner.text.characters import has_surrogate, replace_surrogates
from thidua_ner.text.spans import Document


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be tagged: its name, and why, in as many characters as a fault shows."""

    id: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", shorten(self.reason))


Record = Document | Refused

_MAX_DIGITS = sys.int_info.default_max_str_digits


def path_name(path: PurePath) -> str:
    """Name a file by its path with slashes, on every system, and whatever bytes the path has."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def record_id(value: object) -> str:
    """Write the id of a record, a string or a number, as a string: 7 and "7" are the same; '' if it is no id."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (str, int, float))
        or (isinstance(value, float) and math.isnan(value))
    ):
        return ""
    return str(value)


def text_record(name: str, text: str) -> Record:
    """Make the record of a text; one with half of a surrogate pair is refused."""
    if has_surrogate(name) or has_surrogate(text):
        return Refused(replace_surrogates(name), "holds half of a surrogate pair")
    return Document(name, text)


def bytes_record(name: str, raw: bytes) -> Record:
    """Make the record of bytes that are one text in UTF-8; a byte-order mark is no part of it."""
    if len(raw) > MAX_LINE_BYTES:
        return _too_large(name, len(raw))
    if encoding := foreign_encoding(raw):
        return Refused(name, f"is {encoding}; save it as UTF-8")
    try:
        return text_record(name, raw.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")


def _too_large(name: str, size: int) -> Refused:
    return Refused(name, f"has {size:,} bytes; a text may have {MAX_LINE_BYTES:,}")


def row_record(name: str, row: object, column: str) -> Record:
    """Make the record of a row, a mapping of columns; its own `id` names it if it has one."""
    if not isinstance(row, dict):
        return Refused(name, "is not an object")
    place, name = name, record_id(row.get("id")) or name
    text = row.get(column)
    where = "" if place == name else f" ({place})"
    if not isinstance(text, str):
        found = "no text" if text is None else f"{type(text).__name__} instead of text"
        reason = f"has {found} in {column!r}; its columns are {some_of(row)}{where}"
        return Refused(replace_surrogates(name), replace_surrogates(reason))
    record = text_record(name, text)
    return Refused(record.id, f"{record.reason}{where}") if isinstance(record, Refused) else record


def read_txt(path: Path, _: str) -> Iterator[Record]:
    """Read a file as one text; one that is too large is refused unread."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        name = path_name(path)
        yield _too_large(name, size) if size > MAX_LINE_BYTES else bytes_record(name, file.read())


def foreign_encoding(begin: bytes) -> str:
    """Name the encoding whose byte-order mark a file begins with, if it is not UTF-8; '' otherwise."""
    marks = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32"}
    marks |= {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}
    return next((name for mark, name in marks.items() if begin.startswith(mark)), "")


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines of a file, None for one that is too long; only one line is held in memory.

    Raises ValueError if the file is UTF-16 or UTF-32. A byte-order mark of UTF-8 is dropped.
    """
    with path.open("rb") as file:
        begin = file.read(4)
        if encoding := foreign_encoding(begin) or (begin[:2].count(0) == 1 and "UTF-16"):
            raise ValueError(f"is {encoding}; save it as UTF-8")
        file.seek(len(codecs.BOM_UTF8) if begin.startswith(codecs.BOM_UTF8) else 0)
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            long = len(line) > MAX_LINE_BYTES and not line.endswith(b"\n")
            while long and (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, None if long else line


def read_jsonl(path: Path, column: str) -> Iterator[Record]:
    """Read one object per line; only one line is held in memory, and a line that is too long not even that."""
    file_name = path_name(path)
    lines = _Pushback(_numbered_lines(path))
    for number, line in lines:
        name = f"{file_name}:{number}"
        if line is None:
            yield Refused(name, f"has more than {MAX_LINE_BYTES:,} bytes")
        elif number == 1 and begins_long_json(line, lines.peek()):
            yield Refused(name, "begins JSON of several lines; write one object per line")
            return
        elif line.strip():
            yield _json_record(name, line, column)


def begins_long_json(line: bytes | str, following: bytes | str) -> bool:
    """Tell whether JSON of several lines begins here: a lone bracket, and no record of one line after it."""
    if line.strip() not in ("[", "{", b"[", b"{"):
        return False
    try:
        return not isinstance(json.loads(following), dict)
    except (ValueError, RecursionError):
        return True


def parse_json(line: str) -> Any:
    """Parse a JSON value; raises ValueError if it is none, an object repeats a key, or a number is too long."""
    try:
        return json.loads(line, object_pairs_hook=_unique_keys, parse_int=_whole_number)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(replace_surrogates(f"is not JSON ({error})")) from None


def _whole_number(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:  # the time to read one grows with the square of its length
        raise ValueError(f"a number has more than {_MAX_DIGITS:,} digits")
    return int(digits)


def _unique_keys(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(replace_surrogates(f"an object has the key {twice!r} twice"))
    return found


def _json_record(name: str, line: bytes, column: str) -> Record:
    try:
        row = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")
    except ValueError as error:
        return Refused(name, str(error))
    tool = recognise_export(row)
    if tool and not (isinstance(row, dict) and isinstance(row.get(column), str)):
        return Refused(name, f"is an export of {tool}; write an object with {column!r} per line")
    if isinstance(row, list):
        return Refused(name, "is a JSON array; write one object per line")
    return row_record(name, row, column)


def json_columns(path: Path, _: str) -> list[str]:
    """List the keys of the first hundred lines; none if they are no objects, or an export of a tool."""
    names: dict[str, None] = {}
    for _number, line in islice(_numbered_lines(path), 100):
        row = parse_json(line.decode("utf-8")) if line and line.strip() else {}
        if not isinstance(row, dict) or recognise_export(row):
            return []
        names |= dict.fromkeys(row)
    return list(names)


def csv_columns(path: Path, column: str) -> list[str]:
    """List the names in the first line of a table, which is cut where one of them is the column if it can be.

    There are none in a line for Excel (`sep=;`), which the reader refuses.
    """
    line = next((line for _, line in _numbered_lines(path) if line is None or line.strip()), None)
    header, _ = _cut_header((line or b"").decode("utf-8", "replace").rstrip("\r\n"), column)
    return [] if _is_for_excel(header) else header


def read_csv(path: Path, column: str) -> Iterator[Record]:
    """Read a table whose first line names the columns, separated by commas, semicolons, tabs or vertical bars.

    A row that does not fit the header is refused, and a quotation mark that is never closed costs only its own line.
    Raises ValueError if the first line does not name the column once.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    lines = _Pushback(_numbered_lines(path))
    header, delimiter = _read_header(lines, column)
    file_name = path_name(path)
    for number, row in _rows(lines, delimiter):
        name = f"{file_name}:{number}"
        if isinstance(row, str):
            yield Refused(name, row)
        elif len(row) != len(header):
            what = f"has {len(row)} cells, but the header has {len(header)}"
            quoted = f'put cells that hold {delimiter!r} between quotation marks (")'
            yield Refused(name, f"{what}; {quoted if len(row) > len(header) else 'add the missing cells'}")
        elif any(map(has_surrogate, row)):
            yield Refused(name, "is not UTF-8")
        else:
            yield row_record(name, dict(zip(header, row, strict=True)), column)


_Line = tuple[int, bytes | None]


class _Pushback:
    """Lines that can be given back, to be read again."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        """Take the lines."""
        self._lines = lines
        self._again: deque[_Line] = deque()

    def __iter__(self) -> Iterator[_Line]:
        while True:
            try:
                yield self._again.popleft() if self._again else next(self._lines)
            except StopIteration:
                return

    def peek(self) -> bytes:
        """Return the next line without reading it, nothing at the end or if it is too long."""
        following = list(islice(self, 1))
        self.push(following)
        return (following[0][1] or b"") if following else b""

    def push(self, lines: list[_Line]) -> None:
        """Give lines back."""
        self._again.extendleft(reversed(lines))


def _read_header(lines: _Pushback, column: str) -> tuple[list[str], str]:
    """Read the names of the columns and find what separates them; raises ValueError without the column."""
    line = next((line for _, line in lines if line is None or line.strip()), b"")
    if not line:
        raise ValueError(f"has no header; name the columns in the first line, {column!r} among them")
    text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if "\r" in text:
        raise ValueError("has line breaks of CR alone; save it with LF or CRLF")
    header, delimiter = _cut_header(text, column)
    check_columns(header, column)
    if _is_for_excel(header):
        raise ValueError("begins with a line for Excel, `sep=`; delete that line")
    if column not in header:
        raise ValueError(f"has no column {column!r} in its first line, but {some_of(header)}; name one with --column")
    return header, delimiter


def _is_for_excel(header: Sequence[str]) -> bool:
    """Tell whether a first line names the delimiter instead of the columns."""
    return bool(header) and header[0].lower().startswith("sep=")


def _cut_header(line: str, column: str) -> tuple[list[str], str]:
    """Cut the first line of a table where it gives most names, the column among them if it can be."""
    read = [(next(csv.reader([line], delimiter=delimiter), []), delimiter) for delimiter in ",;\t|"]
    return max(read, key=lambda one: (column in one[0], len(one[0])))


def check_columns(names: Sequence[str], column: str) -> None:
    """Raise ValueError if the texts, or the ids, are in two columns of one name."""
    twice = [name for name in ("id", column) if names.count(name) > 1]
    if twice:
        raise ValueError(f"has the column {twice[0]!r} twice; rename one")


def _rows(lines: _Pushback, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the number of the first line of each row, and its cells or what is wrong with it."""
    for number, line in lines:
        lines.push([(number, line)])
        held: list[_Line] = []
        try:
            row = next(csv.reader(_decoded(lines, held), delimiter=delimiter, strict=True))
        except StopIteration:  # neither the line nor its row may be held in memory
            lines.push(held[1:])
            yield number, f"has more than {MAX_LINE_BYTES:,} bytes"
        except csv.Error as error:
            lines.push(held[1:])
            quoted = line is not None and b'"' in line
            what = "a quotation mark is not closed, or is not doubled inside a cell" if quoted else error
            yield number, f"is not a row of the table ({what})"
        else:
            if row:
                yield number, row


def _decoded(lines: _Pushback, held: list[_Line]) -> Iterator[str]:
    """Decode the lines of a row until it is too long, keeping them in `held`."""
    size = 0
    for number, line in lines:
        held.append((number, line))
        size += len(line or b"")
        if line is None or size > MAX_LINE_BYTES:
            return
        yield line.decode("utf-8", "surrogateescape")


def count_lines(path: Path) -> int:
    """Count the lines of a file, the last one too if no line break ends it."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")

"""Texts from files that need no annotation: each record is a document, or the reason why it cannot be one.

One bad record costs no other: what cannot be read is a `Refused` in its place, never an exception.
"""

import csv
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thidua_ner.faults import some_of
from thidua_ner.files import MAX_LINE_BYTES
from thidua_ner.text.spans import Document


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be tagged: its name, and why."""

    id: str
    reason: str


Record = Document | Refused


def path_name(path: Path) -> str:
    """Name a file by its path, whatever bytes the path has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def replace_surrogates(text: str) -> str:
    """Write lone surrogates, which are not characters, as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


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
    if replace_surrogates(name) != name or replace_surrogates(text) != text:
        return Refused(replace_surrogates(name), "holds half of a surrogate pair")
    return Document(name, text)


def bytes_record(name: str, raw: bytes) -> Record:
    """Make the record of bytes that are one text in UTF-8."""
    if len(raw) > MAX_LINE_BYTES:
        return Refused(name, f"has {len(raw):,} bytes; a text may have {MAX_LINE_BYTES:,}")
    try:
        return text_record(name, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")


def row_record(name: str, row: object, column: str) -> Record:
    """Make the record of a row, a mapping of columns; its own `id` names it if it has one."""
    if not isinstance(row, dict):
        return Refused(name, "is not an object")
    place, name = name, record_id(row.get("id")) or name
    text = row.get(column)
    if not isinstance(text, str):
        where = "" if place == name else f" ({place})"
        found = "no text" if text is None else f"{type(text).__name__} instead of text"
        reason = f"has {found} in {column!r}; its columns are {some_of(row)}{where}"
        return Refused(replace_surrogates(name), replace_surrogates(reason))
    return text_record(name, text)


def read_txt(path: Path, _: str) -> Iterator[Record]:
    """Read a file as one text."""
    yield bytes_record(path_name(path), path.read_bytes())


def read_jsonl(path: Path, column: str) -> Iterator[Record]:
    """Read one object per line; only one line is held in memory, and a line that is too long not even that."""
    file_name = path_name(path)
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            name = f"{file_name}:{number}"
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                    pass
                yield Refused(name, f"has more than {MAX_LINE_BYTES:,} bytes")
            elif line.strip():
                yield _json_record(name, line, column)


def _json_record(name: str, line: bytes, column: str) -> Record:
    try:
        row: Any = json.loads(line)
    except UnicodeDecodeError as error:
        return Refused(name, f"byte {error.start} is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(name, f"is not JSON ({error})")
    return row_record(name, row, column)


def read_csv(path: Path, column: str) -> Iterator[Record]:
    """Read a table with a header."""
    csv.field_size_limit(MAX_LINE_BYTES)
    file_name = path_name(path)
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        for number, row in enumerate(csv.DictReader(file), start=1):
            record = row_record(f"{file_name}:{number}", row, column)
            escaped = isinstance(record, Refused) and "surrogate" in record.reason
            yield Refused(record.id, "is not UTF-8") if escaped else record


def count_lines(path: Path) -> int:
    """Count the lines of a file, the last one too if no line break ends it."""
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")

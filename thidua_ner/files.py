"""Reading text and writing files so that none is ever left half-written."""

import csv
import io
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from thidua_ner.faults import fail

LONGEST_LINE = 50_000_000
"""Bytes of a line that are still read: a longer one is no text, or one that would fill the memory."""


def read_text(path: Path) -> str:
    """Read a UTF-8 file as it stands, line ends included; DataError names the first bad line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        fail(path, 0, f"cannot be read ({error.strerror})", "check the path and its permissions")
    if len(raw) > LONGEST_LINE:
        for number, size in enumerate(map(len, raw.split(b"\n")), start=1):
            if size > LONGEST_LINE:
                what = f"has {size:,} bytes; a line may have {LONGEST_LINE:,}"
                fail(path, number, what, "split the document, or break its lines")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fail(path, line, f"byte {error.start} is not UTF-8", "save the file as UTF-8")


def read_table(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Read the rows of a tab-separated file whose first column is an id; DataError names the line of a bad row."""
    rows = list(csv.reader(io.StringIO(read_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or rows[0] != list(columns):
        fail(path, 1, f"the columns are {rows[0] if rows else []}", f"name them {', '.join(columns)}")
    seen: set[str] = set()
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            fail(path, line, f"has {len(row)} cells", f"give {len(columns)}, parted by tabs")
        if row[0] in seen:
            fail(path, line, f"the document id {row[0]!r} stands here twice", "keep one row a document")
        seen.add(row[0])
    return rows[1:]


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all, creating the folder where needed."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        fail(path, 0, f"cannot be written ({error.strerror})", "check the folder, its permissions and the free space")


def write_text(path: Path, content: str) -> None:
    """Write `content` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode("utf-8"))

"""Reading text and writing files so that none is ever left half-written."""

import os
import tempfile
from pathlib import Path

from thidua_ner.faults import fail


def read_text(path: Path) -> str:
    """Read a UTF-8 file as it stands, line ends included; DataError names the first bad line."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        fail(path, 0, f"cannot be read ({error.strerror})", "check the path and its permissions")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fail(path, line, f"byte {error.start} is not UTF-8", "save the file as UTF-8")


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

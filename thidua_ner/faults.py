"""Faults of an input, a call or the machine: where, what is wrong, how to fix it; collected so that all are shown."""

import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn, Self

_MAX_SHOWN = 400
"""Characters of a fault's text that are shown."""

_EXTRAS = {
    "accelerate": "train",
    "subword_nmt": "train",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "py_vncorenlp": "vncorenlp",
    "ray": "ray",
}
"""The extra that installs a package; packages that are not listed come with the extra `tag`."""

_CONTROLS = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys: the control characters except line break and tab, and the directions of text."""

_OWN = frozenset({"thidua_ner", "train", "evaluate", "benchmarks"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in one place; `line` counts from 1 and is 0 if the place is not a line."""

    file: str
    what: str
    remedy: str
    line: int = 0

    def __str__(self) -> str:
        place = f"{_one_line(self.file)}:{self.line}" if self.line else _one_line(self.file)
        return f"{place}: {shorten(self.what)}; {self.remedy}"

    def __lt__(self, other: Self) -> bool:
        return (self.file, self.line, self.what) < (other.file, other.line, other.what)


class FaultError(Exception):
    """One or more faults that end a command; the subclass tells data, usage and machine apart."""

    exit_code = 1

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)

    def __reduce__(self) -> "tuple[type[Self], tuple[tuple[Fault, ...]]]":
        return type(self), (self.faults,)  # by default an exception is pickled by its message alone


class DataError(FaultError):
    """A file or a record that cannot be used."""


class UsageError(FaultError):
    """A call that is wrong, whatever the files contain."""

    exit_code = 2


class MachineError(FaultError):
    """A package, a network, a disk or another process that fails, not the data or the call."""


def fail(place: object, what: str, remedy: str, *, line: int = 0, kind: type[FaultError] = DataError) -> NoReturn:
    """Raise `kind` with one fault; `place` is a file, a record or an option."""
    raise kind([Fault(str(place), what, remedy, line)])


def tell(place: object, what: str) -> None:
    """Print what a user should know of a file although it is no fault; to the standard error."""
    print(show_controls(f"{_one_line(str(place))}: {what}"), file=sys.stderr)


def _one_line(place: str) -> str:
    """Show the line breaks of a name: a fault begins a line, which no name may do."""
    return place.replace("\n", "\u240a")


def shorten(text: str) -> str:
    """Cut a text that is too long to be shown; it may quote a value as long as a file."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def some_of(names: Collection[str]) -> str:
    """List the first five names, and how many more there are."""
    shown = ", ".join(list(names)[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def show_controls(text: str) -> str:
    """Replace the characters that a terminal obeys by signs that it shows: ESC by `␛`, others by their codes."""
    return _CONTROLS.sub(lambda match: _sign(ord(match[0])), text)


def _sign(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Terminated(KeyboardInterrupt):
    """The system asks the program to end (SIGTERM), which it does as if it had been interrupted."""


def run_program(main: Callable[[], object]) -> NoReturn:
    """Run a program and exit: faults go to stderr; 2 for usage faults, 1 for others, 130 and 143 if interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console without Vietnamese letters shows what it can
            stream.reconfigure(errors="replace")
    try:
        with _ended_by_sigterm():
            main()
            sys.stdout.flush()
    except FaultError as error:
        print(show_controls(str(error)), file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] in _OWN:  # a bug, not a missing package
            raise
        print(_missing_package(str(error.name)), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as error:
        sys.exit(143 if isinstance(error, Terminated) else 130)
    except BrokenPipeError:
        _flush_output()
        sys.exit(1)
    except OSError as error:
        what = f"{error.filename or 'output'}: {error.strerror or error}"
        print(f"{show_controls(what)}; check the path and the free space", file=sys.stderr)
        _flush_output()
        sys.exit(1)
    sys.exit(0)


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Raise Terminated where a SIGTERM finds the program, unless it has another use or is ignored."""
    owner = os.getpid()

    def end(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:  # a forked process ends as it did before
            os._exit(128 + number)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would interrupt the cleaning up
        raise Terminated

    before = signal.getsignal(signal.SIGTERM)
    try:
        if before == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, end)
        yield
    finally:
        if before == signal.SIG_DFL:
            signal.signal(signal.SIGTERM, before)


def _flush_output() -> None:
    """Write what has been printed or, if that fails, forget it, so that Python does not try again when it ends."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _missing_package(name: str) -> str:
    """Give the command that installs a package's extra, with the versions that are tested."""
    extra = _EXTRAS.get(name.partition(".")[0], "tag")
    return f"{name} is not installed; run `pip install -c constraints.txt '.[{extra}]'` in a clone of the project"

"""Faults of an input, a call or a machine: where, what is wrong and how to fix it, gathered so that all are shown."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn, Self

_MAX_SHOWN = 400
"""Characters of a fault's text that are shown; what it quotes may be as long as the file."""

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

_OWN = frozenset({"thidua_ner", "train", "evaluate", "benchmarks"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in one place; `line` counts from 1 and is 0 if the place is not a line."""

    file: str
    what: str
    remedy: str
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        what = self.what if len(self.what) <= _MAX_SHOWN else f"{self.what[:_MAX_SHOWN]}…"
        return f"{place}: {what}; {self.remedy}"

    def __lt__(self, other: Self) -> bool:
        return (self.file, self.line, self.what) < (other.file, other.line, other.what)


class FaultError(Exception):
    """Faults that end a command; its subclasses say whose they are."""

    exit_code = 1

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)

    def __reduce__(self) -> "tuple[type[Self], tuple[tuple[Fault, ...]]]":
        return type(self), (self.faults,)  # exceptions are pickled by their message, on the way from another process


class DataError(FaultError):
    """A file or a record that cannot be used."""


class UsageError(FaultError):
    """A call that makes no sense, whatever the files hold."""

    exit_code = 2


class MachineError(FaultError):
    """A package, a network, a disk or a process that is not as the call needs it."""


def fail(place: object, what: str, remedy: str, *, line: int = 0, kind: type[FaultError] = DataError) -> NoReturn:
    """Raise an error of one fault; `place` is a file, a record or an option."""
    raise kind([Fault(str(place), what, remedy, line)])


def some_of(names: Collection[str]) -> str:
    """Name the first five of many things, and how many more there are."""
    shown = ", ".join(list(names)[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def run_program(main: Callable[[], object]) -> NoReturn:
    """Run a command-line program: faults go to stderr, usage faults exit 2, others 1, an interrupt exits 130."""
    try:
        main()
    except FaultError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] in _OWN:  # a fault of the program, not of the installation
            raise
        print(_missing_package(str(error.name)), file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        print(f"{error.filename or 'output'}: {error.strerror}; check the path and the free space", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


def _missing_package(name: str) -> str:
    """Say which command installs a package: in a clone with the exact versions, elsewhere with any that fit."""
    extra = _EXTRAS.get(name.partition(".")[0], "tag")
    return (
        f"{name} is not installed; run `pip install 'thidua-ner[{extra}]'`, "
        f"or in a clone `pip install -c constraints.txt -e '.[{extra}]'`"
    )

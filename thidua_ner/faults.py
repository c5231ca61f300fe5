"""What is wrong with an input: file, line, fault and remedy, gathered so that all are shown at once."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

_MOST_SHOWN = 400
"""Characters of a fault that are shown: what it quotes may be as long as the file."""

_EXTRAS = {"onnx": "onnx", "onnxruntime": "onnx", "onnxscript": "onnx", "py_vncorenlp": "vncorenlp", "ray": "ray"}
"""The extra of each package that training does without."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong with one place; `line` counts from 1 and is 0 where the whole file is meant."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        what = self.what if len(self.what) <= _MOST_SHOWN else f"{self.what[:_MOST_SHOWN]}…"
        return f"{place}: {what}; {self.remedy}"


class DataError(Exception):
    """An input that cannot be used, with every fault that was found in it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)

    def __reduce__(self) -> "tuple[type[DataError], tuple[tuple[Fault, ...]]]":
        return DataError, (self.faults,)  # exceptions are pickled with their message, on the way from another process


def fail(file: object, line: int, what: str, remedy: str) -> NoReturn:
    """Raise a `DataError` of one fault."""
    raise DataError([Fault(str(file), line, what, remedy)])


def run_program(main: Callable[[], None]) -> NoReturn:
    """Run a command-line program: faults go to stderr and exit 1, an interrupt exits 130."""
    try:
        main()
    except DataError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        extras = ",".join(["train", *filter(None, [_EXTRAS.get(str(error.name))])])
        print(f"{error.name} is not installed; run `pip install -e '.[{extras}]'` in the clone", file=sys.stderr)
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

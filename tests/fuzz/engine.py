"""Run a target: draw samples, check each within a time limit, and keep the smallest one of each failure."""

import io
import json
import re
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from thidua_ner.faults import FaultError

SEEDS = Path(__file__).parent / "seeds"
"""Samples that once failed: seeds/TARGET/NAME.json."""

LIMIT_SECONDS = 10.0
"""The most processor time that one sample may take; inputs have at most some 20 kB."""

_PHASES = (Phase.reuse, Phase.generate, Phase.shrink)


@dataclass(frozen=True, slots=True)
class Sample:
    """What a reader is given, and what it may not lose.

    `files` are contents by path, bytes that are not UTF-8 written as lone surrogates. `whole` is what must come
    through unchanged; if the sample is `complete`, it is everything, and a fault is a failure. `options` are the
    arguments of the call.
    """

    files: dict[str, str] = field(default_factory=dict)
    whole: list[Any] = field(default_factory=list)
    complete: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Write the files below a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(to_bytes(content))


def to_bytes(content: str) -> bytes:
    return content.encode("utf-8", "surrogateescape")


def to_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


class Target(NamedTuple):
    """A reader: samples for it, and its check, which tells whether everything was accepted.

    A check raises AssertionError if a property does not hold; FaultError counts as refused, unless the sample is
    complete. `examples` is how many the ordinary suite draws.
    """

    samples: SearchStrategy[Sample]
    check: Callable[[Sample, Path], bool]
    examples: int = 25


class HangError(BaseException):
    """The time limit has passed; no handler of `Exception` catches it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Interrupt what computes longer, and fail; where there are no timers (Windows) nothing is interrupted."""

    def interrupt(*_: object) -> None:
        raise HangError

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, interrupt)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except HangError:
        raise AssertionError(f"takes longer than {seconds:g} seconds") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def examine(target: Target, sample: Sample) -> bool:
    """Check a sample and tell whether it was accepted; raises what is wrong with the reader."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        sample.write(Path(folder))
        try:
            with time_limit(LIMIT_SECONDS), redirect_stderr(io.StringIO()):
                return target.check(sample, Path(folder))
        except FaultError as error:
            if not error.faults or not all(fault.file and fault.what and fault.remedy for fault in error.faults):
                raise AssertionError("the fault lacks its place, what is wrong, or the remedy") from error
            if sample.complete:
                raise AssertionError(f"refuses what is valid: {error}") from error
            return False


@dataclass
class Failure:
    """The smallest sample that fails in one way, and how."""

    sample: Sample
    error: BaseException

    def __str__(self) -> str:
        frames = traceback.extract_tb(self.error.__traceback__)[-3:]
        what = f"{type(self.error).__name__}: {self.error}"
        places = [f"  {frame.filename}:{frame.lineno}: {frame.line}" for frame in frames]
        return "\n".join([repr(self.sample)[:2000], *places, what[:2000]])


@dataclass
class Tally:
    """How many samples were drawn and refused, in how many seconds, and the failures by the place of their error."""

    examples: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


def run(target: Target, tally: Tally, profile: settings, number: int | None = None) -> None:
    """Draw samples as the profile says and count them; `number` is the seed of the random generator."""
    started = time.monotonic()

    @settings(profile, deadline=None, phases=_PHASES, suppress_health_check=list(HealthCheck))
    @given(target.samples)
    def attempt(sample: Sample) -> None:
        tally.examples += 1
        try:
            tally.refused += not examine(target, sample)
        except Exception as error:
            tally.failures[_place(error)] = Failure(sample, error)  # the last one of a place is the smallest
            raise

    with suppress(Exception):  # every failure is in the tally; a group of them is raised too
        (attempt if number is None else seed(number)(attempt))()
    tally.seconds += time.monotonic() - started


def _place(error: BaseException) -> str:
    """Name the line that raised an error or, if a fault caused it, the line that found the fault."""
    cause = error.__cause__ or error
    frame = [one for one in traceback.extract_tb(cause.__traceback__) if Path(one.filename).name != "faults.py"][-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def save_seed(sample: Sample, path: Path) -> None:
    """Write a sample as JSON that can be read: lone surrogates as escapes, all other characters as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(asdict(sample), ensure_ascii=False, indent=1) + "\n"
    path.write_bytes(content.encode("utf-8", "backslashreplace"))


def load_seed(path: Path) -> Sample:
    return Sample(**json.loads(path.read_text(encoding="utf-8")))


def seeds_of(name: str) -> list[Path]:
    return sorted((SEEDS / name).glob("*.json"))


def file_name(place: str) -> str:
    return re.sub(r"\W+", "-", place).strip("-")

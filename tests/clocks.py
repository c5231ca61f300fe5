"""Clocks for tests that hold on slow and busy machines: they compare times with each other, not with a bound."""

import gc
import subprocess
import sys
import time
from collections.abc import Callable

from tests.conftest import ROOT

ROUNDS = 5
"""How often two texts are timed before the longer one counts as too slow."""


def seconds(work: Callable[[], object]) -> float:
    """Measure the processor time that a call takes in this thread, without garbage collection."""
    collects = gc.isenabled()
    gc.disable()
    try:
        began = time.thread_time()
        work()
        return time.thread_time() - began
    finally:
        if collects:
            gc.enable()


def keeps_pace(work: Callable[[str], object], unit: str, length: int, longer: int = 4) -> bool:
    """Tell whether a call takes less than eight times as long on `length` characters as on a text `longer` times less.

    A text four times as long takes four times as long in proportion, and sixteen times with the square of the length.
    The texts repeat `unit`, and no two are the same, so that nothing remembers them. The first call does not count.
    """
    work(unit * (length // longer // len(unit)))
    best = [float("inf"), float("inf")]
    for turn in range(1, ROUNDS + 1):
        texts = [unit * (size // len(unit) - turn) for size in (length // longer, length)]
        best = [min(least, seconds(lambda text=text: work(text))) for least, text in zip(best, texts, strict=True)]
        if best[1] < 8 * max(best[0], 1e-4):  # shorter times cannot be told from noise
            return True
    return False


def seconds_of_python(statement: str, shown: str) -> tuple[float, str]:
    """Run a statement in three new processes of Python; return its least processor time, and what `shown` is then."""
    timed = f"start = time.process_time(); {statement}; print(time.process_time() - start, {shown})"
    command = [sys.executable, "-c", f"import sys, time; {timed}"]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(3)]
    times, values = zip(*(run.stdout.strip().split(" ", 1) for run in runs), strict=True)
    assert len(set(values)) == 1
    return min(map(float, times)), values[0]

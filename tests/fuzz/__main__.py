"""Fuzz the readers: `python -m tests.fuzz [--seconds N] [--seed N] [TARGET …]`.

The time is divided among the targets. The smallest sample of each failure is printed, and written to
.hypothesis/fuzz/failed/TARGET/: moved to tests/fuzz/seeds/TARGET/, it is replayed by the ordinary suite.
"""

import faulthandler
import secrets
import sys
import time
from pathlib import Path

import click
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
from tabulate import tabulate

from tests.fuzz.engine import LIMIT_SECONDS, Tally, file_name, run, save_seed
from tests.fuzz.targets import TARGETS

_STATE = Path(".hypothesis/fuzz")
_ROUND = 500
"""The samples that are drawn before the time is looked at."""


def _fuzz(name: str, seconds: float, number: int) -> Tally:
    """Run a target, in rounds of other seeds, until the time is over or a round has failed."""
    tally, end = Tally(), time.monotonic() + seconds
    database = DirectoryBasedExampleDatabase(_STATE / name)
    while not tally.failures and time.monotonic() < end:
        rate = tally.examples / tally.seconds if tally.seconds else 1.0
        most = max(min(_ROUND, int(rate * (end - time.monotonic()))), 5)
        run(TARGETS[name], tally, settings(max_examples=most, database=database), number)
        number += 1
    return tally


@click.command(help="Draw damaged input for each TARGET, by default all, and report what is not refused properly.")
@click.argument("names", nargs=-1, type=click.Choice(list(TARGETS)), metavar="[TARGET]...")
@click.option("--seconds", default=600.0, show_default=True, help="Time for all targets together.")
@click.option("--seed", type=int, help="Seed of the random generator; drawn and printed if not given.")
def main(names: tuple[str, ...], seconds: float, seed: int | None) -> None:
    names, seed = names or tuple(TARGETS), secrets.randbelow(10**6) if seed is None else seed
    print(f"seed {seed}, {seconds / len(names):.1f} seconds for each of {len(names)} targets", flush=True)
    tallies: dict[str, Tally] = {}
    for name in names:
        faulthandler.dump_traceback_later(seconds + 10 * LIMIT_SECONDS, exit=True)  # if even the alarm is not heard
        tallies[name] = tally = _fuzz(name, seconds / len(names), seed)
        for place, failure in tally.failures.items():
            path = _STATE / "failed" / name / f"{file_name(place)}.json"
            save_seed(failure.sample, path)
            print(f"\n{name}: {place} ({path})\n{failure}", flush=True)
    faulthandler.cancel_dump_traceback_later()
    rows = [
        (name, t.examples, 60 * t.examples / t.seconds, f"{t.refused / max(t.examples, 1):.0%}", len(t.failures))
        for name, t in tallies.items()
    ]
    print(tabulate(rows, headers=("target", "examples", "per minute", "refused", "failures"), floatfmt=",.0f"))
    sys.exit(any(tally.failures for tally in tallies.values()))


if __name__ == "__main__":
    main()

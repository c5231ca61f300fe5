"""What the project's commands share: running a command, and options that several of them take."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, ParamSpec, TypeVar, get_args

import click

from thidua_ner.faults import run_program, show_controls
from thidua_ner.text.iob2 import Repair, TagReading

P = ParamSpec("P")
R = TypeVar("R")


class _Path(click.Path):
    """A path; an empty word, as an unset variable of the shell gives it, is not the current folder."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty; write . for the current folder", parameter, context)
        return super().convert(value, parameter, context)


PATH = _Path(path_type=Path)

device_option = click.option(
    "--device", metavar="NAME", help="Where it runs: cpu, cuda, cuda:1, … (default: a GPU if there is one)."
)


def tag_options(prefix: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Add the options that say how CoNLL columns are read; with `prefix`, of the gold: `--gold-repair`."""
    whose = "of the gold " if prefix else ""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        repair = click.option(
            f"--{prefix}repair",
            type=click.Choice(get_args(Repair)),
            default="none",
            show_default=True,
            help=f"How to read a CoNLL tag I-X {whose}that does not continue an entity.",
        )
        column = click.option(
            f"--{prefix}tag-column",
            type=click.IntRange(min=2),
            metavar="N",
            help=f"The column of the CoNLL tags {whose}(default: the last).",
        )
        return repair(column(function))

    return decorate


def gold_reading(gold: Path | None, repair: Repair, column: int | None) -> TagReading:
    """Return how the columns of `--gold` are read; raises an error of usage if that is said without a gold."""
    tags = TagReading(repair, column)
    if gold is None and tags != TagReading():
        raise click.UsageError("--gold-repair and --gold-tag-column are for --gold")
    return tags


def run_command(command: click.Command, name: str) -> NoReturn:
    """Run a command and exit: 0 on success, 2 for usage errors, 1 for other faults, 130 or 143 if interrupted."""

    def main() -> None:
        try:
            with command.make_context(name, sys.argv[1:]) as context:
                command.invoke(context)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            print(show_controls(shown.getvalue()), end="", file=sys.stderr)
            sys.exit(error.exit_code)
        except click.exceptions.Exit as ended:  # --help and --version
            sys.exit(ended.exit_code)

    run_program(main)

"""What the project's commands share: running a command, and options that several of them take."""

import sys
from pathlib import Path
from typing import NoReturn, get_args

import click

from thidua_ner.faults import run_program
from thidua_ner.text.iob2 import Repair

PATH = click.Path(path_type=Path)

repair_option = click.option(
    "--repair",
    type=click.Choice(get_args(Repair)),
    default="none",
    show_default=True,
    help="How to read a CoNLL tag I-X that does not continue an entity.",
)


def run_command(command: click.Command, name: str) -> NoReturn:
    """Run a command and exit: 0 on success, 2 for usage errors, 1 for other faults, 130 if interrupted."""

    def main() -> None:
        try:
            with command.make_context(name, sys.argv[1:]) as context:
                command.invoke(context)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except click.exceptions.Exit as ended:  # --help and --version
            sys.exit(ended.exit_code)

    run_program(main)

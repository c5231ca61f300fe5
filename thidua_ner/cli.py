"""What the project's commands share: how they are run, and the options that several of them have."""

import sys
from pathlib import Path
from typing import NoReturn, get_args

import click

from thidua_ner.faults import run_program
from thidua_ner.text.iob2 import Repair

PATH = click.Path(path_type=Path)

gold_option = click.option("--gold", type=PATH, metavar="DIR_OR_FILE", help="Annotated documents to score on.")
repair_option = click.option(
    "--repair",
    type=click.Choice(get_args(Repair)),
    default="none",
    show_default=True,
    help="What a CoNLL tag I-X that continues nothing means.",
)


def run_command(command: click.Command, name: str) -> NoReturn:
    """Run a command and exit: usage errors exit 2, faults 1 or 2, an interrupt 130."""

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

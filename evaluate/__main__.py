"""Score a run: `python -m evaluate RUN`."""

import difflib
import shlex
import sys
from pathlib import Path

import click

from thidua_ner import commands
from thidua_ner.cli import PATH, device_option, gold_reading, run_command, tag_options
from thidua_ner.text.iob2 import Repair, TagReading

_OTHERS = ("compare", "report", "publish")
"""Commands of `thidua-ner` that work on scored runs and are available here too."""


def _read_run(_: click.Context, __: click.Parameter, words: tuple[str, ...]) -> Path | None:
    """Take the only word that belongs to no option; a mistyped command is answered with the one that was meant."""
    if words and not Path(words[0]).exists():
        if words[0] in commands.command.commands:
            raise click.UsageError(f"'{words[0]}' is a command of thidua-ner; write: thidua-ner {shlex.join(words)}")
        for close in difflib.get_close_matches(words[0], _OTHERS, n=1):
            meant = shlex.join(["python", "-m", "evaluate", close, *words[1:]])
            raise click.UsageError(f"there is no run and no command '{words[0]}'. Did you mean '{meant}'?")
    if len(words) > 1:
        raise click.UsageError(f"'{words[1]}' is one word too many: name one run, or a folder of seeds")
    return Path(words[0]) if words else None


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`python -m evaluate compare`, `report` and `publish` are the commands of `thidua-ner`.",
)
@click.argument("run", nargs=-1, metavar="[RUN]", callback=_read_run)
@click.option("--gold", type=PATH, metavar="DIR_OR_FILE", help="Annotated documents to score against.")
@click.option("--predictions", type=PATH, metavar="DIR_OR_FILE", help="Score these instead of a RUN.")
@tag_options()
@tag_options("gold-")
@click.option("--output", type=PATH, metavar="DIR", help="Where to write predictions, scores, report (default: RUN).")
@device_option
@click.option("--robustness", is_flag=True, help="Also score texts that are written differently.")
def command(  # noqa: PLR0913, PLR0917 -- one argument per option
    run: Path | None,
    gold: Path | None,
    predictions: Path | None,
    repair: Repair,
    tag_column: int | None,
    gold_repair: Repair,
    gold_tag_column: int | None,
    output: Path | None,
    device: str | None,
    robustness: bool,
) -> None:
    """Score a RUN (a run, a folder of seeds, one fold, or a checkpoint) on its own test documents or on --gold."""
    if run is None and (robustness or device):
        name = "--robustness" if robustness else "--device"
        raise click.UsageError(f"{name} needs a run, whose models tag the texts")
    tags = TagReading(repair, tag_column)
    if predictions and not run:
        if gold is None:
            raise click.UsageError("--predictions needs --gold")
        gold_tags = gold_reading(gold, gold_repair, gold_tag_column)
        commands.score_files(gold, predictions, gold_tags=gold_tags, tags=tags, output=output)
        return
    if run is None or predictions:
        raise click.UsageError("name a run, or give --predictions")
    if tags != TagReading():
        raise click.UsageError("--repair and --tag-column are for --predictions; those of --gold begin with --gold-")
    from evaluate.run import evaluate

    gold_tags = gold_reading(gold, gold_repair, gold_tag_column)
    evaluate(run, gold=gold, tags=gold_tags, output=output, with_robustness=robustness, device=device)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in _OTHERS:
        run_command(commands.command, "python -m evaluate")
    run_command(command, "python -m evaluate")

"""The command line of the training: `python -m train`."""

from pathlib import Path

import click

from thidua_ner.cli import PATH, run_command
from thidua_ner.protocols import USAGE
from train.options import read_config_path, read_overrides, read_seeds, refuse_call

_EXAMPLES = """\b
Examples:
  python -m train configs/cpu-small.yaml
  python -m train configs/cpu-small.yaml --seed 2 --output runs/seed-2
  python -m train configs/cpu-small.yaml --protocol lodo-cantho-2022-07
  python -m train configs/cpu-small.yaml --seeds 1,2,3 --output runs/three-seeds
  python -m train configs/cpu-small.yaml --set training.epochs=10 --set training.batch_size=8
  python -m train configs/cpu-small.yaml --set 'data={format: conll, train: a.conll, test: b.conll}'
  torchrun --nproc-per-node 2 -m train configs/cpu-small.yaml
"""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=_EXAMPLES)
@click.argument("config", metavar="CONFIG", nargs=-1, callback=read_config_path)
@click.option("overrides", "--set", multiple=True, metavar="KEY=VALUE", callback=read_overrides, help="Override a key.")
@click.option("--protocol", metavar="NAME", help=f"Override the protocol: {USAGE}.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Override the seed.")
@click.option("--seeds", metavar="N,N,…", callback=read_seeds, help="Train a run per seed, in DIR/seed-N.")
@click.option("--output", type=PATH, metavar="DIR", help="The run folder (default: runs/NAME).")
@click.option("--resume", is_flag=True, help="Continue an interrupted run.")
@click.option("--dry-run", is_flag=True, help="Show config, data and expected time, and write no run.")
def command(
    config: Path,
    overrides: tuple[str, ...],
    protocol: str | None,
    seed: int | None,
    seeds: tuple[int, ...],
    output: Path | None,
    resume: bool,
    dry_run: bool,
) -> None:
    """Train the models of CONFIG, a YAML file as in configs/."""
    if seed is not None and seeds:
        refuse_call("--seed and --seeds exclude each other")
    if resume and dry_run:
        refuse_call("--resume and --dry-run exclude each other")
    from train.run import run_training  # imported late: its packages are extras, whose absence is explained

    run_training(
        config,
        overrides=overrides if seed is None else (*overrides, f"seed={seed}"),
        protocol=protocol,
        seeds=seeds,
        output=output,
        resume=resume,
        dry_run=dry_run,
    )


if __name__ == "__main__":
    run_command(command, "python -m train")

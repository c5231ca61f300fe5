"""How the words of the command line are read; what is wrong with them is an error of usage."""

import re
from pathlib import Path
from typing import NoReturn

import click


def refuse_call(message: str) -> NoReturn:
    """Raise an error of usage, which shows how the command is called."""
    raise click.UsageError(message, click.get_current_context())


def read_config_path(_: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> Path:
    """Take the only word that belongs to no option; a KEY=VALUE among them lacks its `--set`."""
    if stray := [word for word in words if "=" in word and not Path(word).is_file()]:
        refuse_call(f"{stray[0]!r} belongs to no option; write --set before each KEY=VALUE: --set {stray[0]}")
    if not words:
        raise click.MissingParameter(param=parameter)
    if len(words) > 1:
        refuse_call(f"{words[1]!r} is one word too many; name one config")
    return Path(words[0])


def read_overrides(_: click.Context, __: click.Parameter, overrides: tuple[str, ...]) -> tuple[str, ...]:
    """Check that each override is KEY=VALUE."""
    for override in overrides:
        if "=" not in override.lstrip("="):
            raise click.BadParameter(f"{override!r} is not KEY=VALUE; write, for example, training.epochs=10")
    return overrides


def read_seeds(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, ...]:
    """Read seeds, whole numbers separated by commas; none may be repeated."""
    if text is None:
        return ()
    # ten digits at most: Python refuses to read thousands of them
    seeds = tuple(int(part) if re.fullmatch("[0-9]{1,10}", part) else -1 for part in text.split(","))
    if repeated := [seed for place, seed in enumerate(seeds) if seed in seeds[:place] and seed >= 0]:
        once = ",".join(map(str, dict.fromkeys(seeds)))
        raise click.BadParameter(f"the seed {repeated[0]} is there twice; write --seeds {once}")
    if not all(0 <= seed < 2**32 for seed in seeds):
        raise click.BadParameter(f"{text!r} is not a list of seeds; write, for example, 1,2,3")
    return seeds

"""What a run would take, without training it."""

from collections.abc import Sequence

import yaml

from train.config import BaselineConfig, Config
from train.folds import Fold
from train.updates import updates_needed


def show_plan(config: Config | BaselineConfig, folds: Sequence[Fold], *, n_seeds: int = 1) -> None:
    """Print the resolved config, the data of each fold, and how long the training would take for all seeds."""
    from tabulate import tabulate

    print(yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True))
    rows, total = [], 0.0
    for fold in folds:
        seconds = _estimate(fold, config)
        total += seconds
        sizes = (len(fold.sentences), len(fold.train_documents), len(fold.validation), len(fold.test))
        rows.append([fold.name, *sizes, updates_needed(fold, config), _duration(seconds)])
    columns = ["sentences", "training", "validation", "test", "updates", "time"]
    print(tabulate(rows, headers=["fold", *columns], colalign=("left", *["right"] * len(columns))))
    if isinstance(config, BaselineConfig):
        print("\nno run was written; the time of a baseline is not estimated")
        return
    time = _duration(n_seeds * total) + (f" for {n_seeds} seeds" if n_seeds > 1 else "")
    beside = "" if config.crf is None else ", and the time of the CRF"
    print(f"\nabout {time} on this machine, from a short trial of each fold{beside}; no run was written")


def _estimate(fold: Fold, config: Config | BaselineConfig) -> float:
    """Estimate the seconds of a fold's training; 0 for a baseline."""
    if isinstance(config, BaselineConfig):
        return 0.0
    from train.encoder import estimate_seconds  # it imports torch, which baselines do without

    return estimate_seconds(fold, config)


def _duration(seconds: float) -> str:
    """Write seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"

"""How many updates a training takes."""

import math

from train.config import BaselineConfig, Config, TrainingConfig
from train.folds import Fold


def updates_per_epoch(training: TrainingConfig, n_examples: int) -> int:
    """Count the updates of an epoch, the last of which may have fewer examples."""
    return math.ceil(n_examples / training.batch_size)


def epochs_needed(training: TrainingConfig, n_examples: int) -> int:
    """Count the epochs that give at least the minimum number of updates."""
    return max(training.epochs, math.ceil(training.min_updates / updates_per_epoch(training, n_examples)))


def updates_needed(fold: Fold, config: Config | BaselineConfig) -> int:
    """Count the updates of a fold's training; a baseline has none."""
    if isinstance(config, BaselineConfig):
        return 0
    n_examples = len(fold.sentences)
    return epochs_needed(config.training, n_examples) * updates_per_epoch(config.training, n_examples)

"""The training of one fold, from its data to a model and a record."""

import time

from thidua_ner.files import remove_temporaries, write_json
from thidua_ner.formats.jsonl import write_documents
from thidua_ner.runs.folder import FoldFolder
from train.baseline import train_baseline
from train.config import BaselineConfig, Config
from train.folds import Fold
from train.processes import is_main_process, wait_for_everyone
from train.record import Outcome, make_record


def train_fold(fold: Fold, config: Config | BaselineConfig, folder: FoldFolder, *, updates_ahead: int = 0) -> None:
    """Train a fold's model, continuing from the last whole checkpoint in its folder.

    Every process of a data-parallel run calls this, and the main one writes. `updates_ahead` counts the updates of the
    folds that follow, for the remaining time that is shown.
    """
    started = time.monotonic()
    if is_main_process() and folder.path.exists():
        remove_temporaries(folder.path)  # of a process that was killed while it wrote the model
    outcome = _train(fold, config, folder, updates_ahead)
    if is_main_process():
        write_documents(folder.test, fold.test)
        seconds = round(time.monotonic() - started, 1)
        write_json(folder.record, make_record(fold, config, outcome, seconds=seconds))
    wait_for_everyone()


def _train(fold: Fold, config: Config | BaselineConfig, folder: FoldFolder, updates_ahead: int) -> Outcome:
    if isinstance(config, BaselineConfig):
        return train_baseline(fold, config, folder.model)
    from train.encoder import train_encoder  # it imports torch, which baselines do without

    return train_encoder(fold, config, folder, updates_ahead=updates_ahead)

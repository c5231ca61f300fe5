"""The data of a config, as folds."""

from dataclasses import replace
from pathlib import Path

from thidua_ner.formats.registry import read_documents
from thidua_ner.protocols import TRANSFER
from train.benchmark_data import load_protocol
from train.config import BenchmarkData, ConllData, HubData, RunConfig
from train.conll_data import load_conll
from train.folds import Fold, tell_unknown_labels
from train.hub_data import load_hub_dataset


def load_folds(config: RunConfig) -> list[Fold]:
    """Read the folds of a config: those of a protocol of the benchmark, or the only one of other data."""
    if isinstance(config.data, ConllData):
        return [load_conll(config.data)]
    if isinstance(config.data, HubData):
        return [load_hub_dataset(config.data)]
    protocol = config.protocol or TRANSFER.name
    if isinstance(config.data, BenchmarkData):
        validation = tuple(read_documents(Path(config.data.validation)))
        folds = [replace(fold, validation=validation) for fold in load_protocol(config.data.folder, protocol)]
        tell_unknown_labels(config.data.validation, validation, folds[0].train_documents)
        return folds
    return load_protocol(config.data, protocol)

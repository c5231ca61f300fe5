"""The data of a config, as folds."""

from thidua_ner.protocols import TRANSFER
from train.benchmark_data import load_protocol
from train.config import ConllData, HubData, RunConfig
from train.conll_data import load_conll
from train.folds import Fold
from train.hub_data import load_hub_dataset


def load_folds(config: RunConfig) -> list[Fold]:
    """Read the folds of a config: those of a protocol of the benchmark, or the only one of other data."""
    if isinstance(config.data, ConllData):
        return [load_conll(config.data)]
    if isinstance(config.data, HubData):
        return [load_hub_dataset(config.data)]
    return load_protocol(config.data, config.protocol or TRANSFER.name)

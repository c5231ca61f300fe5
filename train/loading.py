"""Loading with `datasets`: without its bars, and with faults of ours instead of its exceptions."""

from typing import TYPE_CHECKING

from thidua_ner.faults import DataError, MachineError, fail

if TYPE_CHECKING:
    import datasets


def load_splits(dataset: str, configuration: str | None, *, cache: str | None, remedy: str) -> "datasets.DatasetDict":
    """Load the splits of a dataset into memory; `cache` is a folder, None for the user's own.

    Raises DataError with `remedy` if it cannot be loaded, MachineError if the network is at fault.
    """
    import datasets

    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(dataset, configuration, cache_dir=cache, keep_in_memory=True)
    except Exception as error:  # each builder that reads a damaged file raises errors of its own
        reason = (str(error).strip() or repr(error)).partition("\n")[0]
        kind = MachineError if isinstance(error, ConnectionError) else DataError
        fail(dataset, f"cannot be loaded ({reason})", remedy, kind=kind)

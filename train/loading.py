"""Loading with `datasets`: without its bars, and with faults of ours instead of its exceptions."""

from collections.abc import Iterator
from contextlib import contextmanager

from thidua_ner.faults import fail


@contextmanager
def explained_loading(dataset: str, remedy: str) -> Iterator[None]:
    """Raise a DataError with `remedy` if what is loaded inside cannot be loaded."""
    import datasets

    datasets.disable_progress_bars()
    try:
        yield
    except (datasets.exceptions.DatasetsError, OSError, ValueError, KeyError, RuntimeError) as error:
        reason = (str(error).strip() or repr(error)).partition("\n")[0]
        fail(dataset, f"cannot be loaded ({reason})", remedy)

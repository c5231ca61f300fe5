"""Silence `transformers` while it reports what the project does on purpose, and keep it from asking questions."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Hide the progress bars and warnings of `transformers` while weights are read or written.

    It would also ask on the standard input whether to run a checkpoint's code, and take a text for the answer; with no
    time to answer it refuses.
    """
    from transformers import dynamic_module_utils
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    patience = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = patience
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

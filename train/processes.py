"""The processes of a data-parallel run; a process that was started alone is the main one of a run of one."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from thidua_ner.faults import tell

if TYPE_CHECKING:
    from accelerate import PartialState


def n_processes() -> int:
    """Count the processes that `torchrun` or `accelerate launch` started."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main_process() -> bool:
    """Tell whether this process is the one that writes and prints."""
    return n_processes() == 1 or os.environ.get("RANK", "0") == "0"


def wait_for_everyone() -> None:
    """Wait until every process has come here."""
    if n_processes() > 1:
        _state().wait_for_everyone()


@contextmanager
def main_process_first() -> Iterator[None]:
    """Let the other processes do what is inside after the main one has done it."""
    if n_processes() == 1:
        yield
        return
    with _state().main_process_first():
        yield


def print_once(message: str, *, to_stderr: bool = False) -> None:
    """Print a message, in the main process only."""
    if is_main_process():
        print(message, file=sys.stderr if to_stderr else sys.stdout)


def tell_once(place: object, what: str) -> None:
    """Tell what a user should know of a file, in the main process only."""
    if is_main_process():
        tell(place, what)


def _state() -> "PartialState":
    """Join the group of processes at the first call (gloo on CPUs)."""
    import torch  # imported late: baselines do without
    from accelerate import PartialState

    return PartialState(cpu=not torch.cuda.is_available())

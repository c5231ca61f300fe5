"""The processes of a data-parallel run; one alone is a run of one."""

import os

import torch
from accelerate import PartialState


def processes() -> PartialState:
    """Return this process's place among the others, after meeting them the first time (gloo on processors)."""
    return PartialState(cpu=not torch.cuda.is_available())


def n_processes() -> int:
    """Count the processes that `torchrun` or `accelerate launch` started."""
    return int(os.environ.get("WORLD_SIZE", "1"))

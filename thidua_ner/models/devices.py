"""The devices that an encoder can run on: the CPU, and the GPUs that torch finds."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from thidua_ner.faults import MachineError, UsageError, fail


def find_device(name: str) -> str:
    """Find a device by torch's name for it; `auto` is the first GPU or else the CPU, `cuda` is `cuda:0`.

    Raises UsageError if torch does not find it on this machine.
    """
    gpu = torch.accelerator.current_accelerator(check_available=True)
    there = ["cpu"] + ([f"{gpu.type}:{n}" for n in range(torch.accelerator.device_count())] if gpu else [])
    if name == "auto":
        return there[:2][-1]
    known = name if name in there else f"{name}:0"
    if known not in there:
        what = f"torch {torch.__version__} does not find it on this machine, only {', '.join(there)}"
        remedy = f"name {' or '.join(there)}, or `auto` for a GPU if there is one"
        fail(f"device {name}", what, remedy, kind=UsageError)
    return known


@contextmanager
def gpu_faults(device: str | torch.device) -> Iterator[None]:
    """Raise MachineError for whatever torch raises if a GPU fails or its memory is full; no text is to blame for it."""
    try:
        yield
    except RuntimeError as error:
        if torch.device(device).type == "cpu":
            raise
        reason = str(error).strip().partition("\n")[0]
        remedy = "see what else uses it, or name another, such as cpu"
        fail(f"device {device}", f"fails ({reason})", remedy, kind=MachineError)

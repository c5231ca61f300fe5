"""How a run is executed: the precision, device, processes and threads that its weights depend on."""

import os

from thidua_ner.runs.manifest import Execution, launcher, processor_name
from train.config import BaselineConfig, Config
from train.processes import n_processes


def describe_execution(config: Config | BaselineConfig) -> Execution:
    """Describe how this process and those beside it will train a config."""
    processor = processor_name()
    precision, device, device_name, threads = "none", "cpu", processor, None
    if isinstance(config, Config):
        import torch

        from train.trainer import precision_used

        precision, threads = precision_used(config.training), torch.get_num_threads()
        if torch.cuda.is_available():
            device, device_name = "cuda", torch.cuda.get_device_name()
    elif config.crf is not None:
        precision = "fp64"  # CRFsuite computes in double precision
    return Execution(precision, device, device_name, processor, n_processes(), launcher(), threads)


def memory_size() -> int | None:
    """Return the size of the machine's memory in bytes, None where the system does not tell (Windows)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None

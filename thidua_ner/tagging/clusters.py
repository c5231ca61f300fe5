"""Tagging shards on a cluster, through Ray Data: one process reads, many tag.

The environment variable `RAY_ADDRESS` names the cluster; without it, one is started on this machine for the call. All
machines must see inputs, model and output under the same paths. A worker that dies is replaced, and its shard is tagged
again.
"""

import contextlib
import io
import logging
import math
import os
import pickle
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from thidua_ner.faults import FaultError, MachineError, UsageError, fail
from thidua_ner.tagging.jobs import Engine, Job, Progress, Results, ShardReader, tag_shard


class Finished(TypedDict):
    """What a worker returns: the shard's number and size, what it told, and its pickled record or faults."""

    number: int
    size: int
    told: str
    record: bytes
    faults: bytes


_TIMEOUT = 10
"""Seconds to wait for a cluster to answer."""


class _Worker:
    """Tags shards in a process of the cluster."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, row: Mapping[str, Any]) -> Finished:
        """Tag a shard; faults are returned, since Ray would retry after an exception."""
        shard = pickle.loads(row["shard"])  # noqa: S301 -- our own reader wrote it
        number, size = int(row["number"]), len(shard)
        told, record, faults = io.StringIO(), b"", b""
        try:
            with contextlib.redirect_stderr(told):
                record = pickle.dumps(tag_shard(self._job, number, shard, lambda _: None))
        except FaultError as error:
            faults = pickle.dumps(error)
        return Finished(number=number, size=size, told=told.getvalue(), record=record, faults=faults)


def run_ray(workers: int | None) -> Engine:
    """Return an engine that uses `workers` processes of a cluster, by default one per CPU, or one per GPU if named."""

    def run(job: Job, read: ShardReader, progress: Progress) -> Results:
        ended_by = signal.getsignal(signal.SIGTERM)
        ray = _join()
        with contextlib.suppress(TypeError, ValueError):  # a handler not of Python, or a call outside the main thread
            signal.signal(signal.SIGTERM, ended_by)  # Ray's own handler aborts the process
        there = replace(job, model=job.model.resolve(), output=job.output.resolve())
        try:
            for row in _finished(there, read, *_pool(ray.cluster_resources(), job.device, workers)):
                print(row["told"], end="", file=sys.stderr)
                if row["faults"]:
                    raise pickle.loads(row["faults"])  # noqa: S301 -- our own worker wrote it
                progress(row["size"])
                yield row["number"], pickle.loads(row["record"])  # noqa: S301 -- our own worker wrote it
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            remedy = "repeat the call: finished shards are kept"
            fail(job.output, f"Ray failed ({reason})", remedy, kind=MachineError)
        finally:
            ray.shutdown()

    return run


def _pool(resources: Mapping[str, float], device: str, workers: int | None) -> tuple[int, float]:
    """Return how many processes tag, and which part of a GPU each has; raises UsageError if there is none to share."""
    if device == "cpu":
        return workers or max(int(resources.get("CPU", 1)), 1), 0.0
    gpus = int(resources.get("GPU", 0))
    if not gpus:
        fail(f"device {device}", "the cluster has no GPU", "add a machine that has one, or name cpu", kind=UsageError)
    return workers or gpus, 1 / math.ceil((workers or gpus) / gpus)


def _finished(job: Job, read: ShardReader, workers: int, gpu: float) -> Iterator[Finished]:
    """Let one process of the cluster read the shards and `workers` tag them; yield the result of each."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # a shard is a block: shards are handed out, and repeated, one by one
    rows = ray.data.from_items([{"folder": str(Path.cwd())}])
    shards = rows.map_batches(_reading(read), batch_size=None, batch_format="numpy", num_cpus=0)
    pool = ray.data.ActorPoolStrategy(size=workers)
    part = {"num_cpus": 1, "num_gpus": gpu or None}
    yield from shards.map(_Worker, fn_constructor_args=(job,), compute=pool, **part).iter_rows()


def _reading(read: ShardReader) -> Callable[[Mapping[str, Any]], Iterator[Mapping[str, Any]]]:
    """Make a function that yields the shards, one batch per shard, with input paths relative to the given folder."""

    def give(batch: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        import numpy as np

        with contextlib.chdir(batch["folder"][0]):
            for number, shard in enumerate(read()):
                content = np.empty(1, dtype=object)
                content[0] = pickle.dumps(shard)
                yield {"number": np.array([number]), "shard": content}

    return give


def _join() -> Any:
    """Join the cluster, or start one on this machine; Ray reports only to its own logs."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray sends usage data unless told not to
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    address = os.environ.get("RAY_ADDRESS", "local")
    remedy = "start the cluster, or unset RAY_ADDRESS"
    if match := re.fullmatch(r"(?:ray://)?\[?([^\[\]]+)\]?:(\d+)", address):
        try:  # Ray itself would retry for minutes
            socket.create_connection((match[1], int(match[2])), timeout=_TIMEOUT).close()
        except (OSError, OverflowError) as error:
            fail(address, f"no cluster answers ({error})", remedy, kind=MachineError)
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        fail(address, f"cannot be joined ({reason})", remedy, kind=MachineError)
    return ray

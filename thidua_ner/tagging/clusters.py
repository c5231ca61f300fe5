"""Tagging shards on a cluster, through Ray Data: one process reads, many tag.

The cluster is the one that `RAY_ADDRESS` names; without it one is started on this machine for the call.
Inputs, model and output are paths that all its machines must see. A worker that dies is replaced, and its shard done
again.
"""

import contextlib
import json
import logging
import os
import pickle
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from thidua_ner.faults import DataError, fail
from thidua_ner.tagging.jobs import Engine, Job, Outcome, Reader, Tell, tag_shard

Row = dict[str, Any]

_PATIENCE = 10
"""Seconds within which a cluster has to answer."""


class _Worker:
    """Does shards in a process of the cluster."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, row: Row) -> Row:
        """Do a shard; what is wrong comes back as a value, since Ray would try an exception again."""
        shard = pickle.loads(row["shard"])  # noqa: S301 -- our own reader wrote it
        done = {"number": row["number"], "size": len(shard), "outcome": "", "faults": b""}
        try:
            return {**done, "outcome": json.dumps(tag_shard(self._job, row["number"], shard, lambda _: None))}
        except DataError as error:
            return {**done, "faults": pickle.dumps(error)}


def run_ray(workers: int | None) -> Engine:
    """Share the shards among so many processes of a cluster, or among as many as it has processors."""

    def run(job: Job, read: Reader, tell: Tell) -> Iterator[tuple[int, Outcome]]:
        ray = _join()
        there = Job(job.model.resolve(), job.runtime, job.output.resolve(), job.format)
        try:
            for row in _outcomes(there, read, workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)):
                if row["faults"]:
                    raise pickle.loads(row["faults"])  # noqa: S301 -- our own worker wrote it
                tell(row["size"])
                yield row["number"], json.loads(row["outcome"])
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            fail(job.output, f"Ray gave up ({reason})", "call it again: what is done stays done")
        finally:
            ray.shutdown()

    return run


def _outcomes(job: Job, read: Reader, workers: int) -> Iterator[Row]:
    """Let one process of the cluster read the shards and so many tag them; yield what became of each."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # a shard is a block: tasks are handed out, and done again, one by one
    rows = ray.data.from_items([{"folder": str(Path.cwd())}])
    shards = rows.map_batches(_reading(read), batch_size=None, batch_format="numpy", num_cpus=0)
    pool = ray.data.ActorPoolStrategy(size=workers)
    yield from shards.map(_Worker, fn_constructor_args=(job,), compute=pool, num_cpus=1).iter_rows()


def _reading(read: Reader) -> Callable[[Row], Iterator[Row]]:
    """Make a function that gives the shards, each a batch of one row, from the folder in which the inputs are named."""

    def give(batch: Row) -> Iterator[Row]:
        import numpy as np

        with contextlib.chdir(batch["folder"][0]):
            for number, shard in enumerate(read()):
                content = np.empty(1, dtype=object)
                content[0] = pickle.dumps(shard)
                yield {"number": np.array([number]), "shard": content}

    return give


def _join() -> Any:
    """Join the cluster, or start one here; Ray's own reports stay in its logs."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere unless asked for
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    address = os.environ.get("RAY_ADDRESS", "local")
    remedy = "start the cluster, or unset RAY_ADDRESS"
    if match := re.fullmatch(r"(?:ray://)?\[?([^\[\]]+)\]?:(\d+)", address):
        try:  # Ray itself would try for minutes
            socket.create_connection((match[1], int(match[2])), timeout=_PATIENCE).close()
        except (OSError, OverflowError) as error:
            fail(address, f"no cluster answers ({error})", remedy)
    try:
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        fail(address, f"cannot be joined ({reason})", remedy)
    return ray

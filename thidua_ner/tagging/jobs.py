"""Tagging shards: what is done to one, and the engines that do many, on one machine or on a cluster.

An engine takes a job and a reader of shards, and gives the number of each and what became of it, in any order. It
tells how many records are done: one by one on this machine, a shard at a time on a cluster (`clusters.py`).
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thidua_ner.faults import DataError, fail
from thidua_ner.tagging.inputs import Record, Refused
from thidua_ner.tagging.outputs import FORMATS
from thidua_ner.tagging.shards import Shards
from thidua_ner.tagging.tagger import AnyTagger, Runtime, Tagger
from thidua_ner.text.spans import Document

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

Outcome = dict[str, Any]
"""What the record of a shard says: how many were tagged, what was refused."""

Reader = Callable[[], Iterable[list[Record]]]
"""Gives the shards, wherever it is called."""

Tell = Callable[[int], object]
"""Is told how many records more are done."""

_NO_FAULT_OF_A_TEXT = (DataError, ImportError, OSError)

_LOOK = 0.2
"""Seconds after which the records that other processes have done are counted."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs: the model, the output and its format."""

    model: Path
    runtime: Runtime
    output: Path
    format: str

    @property
    def shards(self) -> Shards:
        """Return the output folder."""
        return Shards(self.output, FORMATS[self.format].suffix)


Engine = Callable[[Job, Reader, Tell], Iterator[tuple[int, Outcome]]]


@cache
def load_once(model: Path, runtime: Runtime) -> AnyTagger:
    """Load a tagger when a process needs it first."""
    return Tagger.load(model, runtime)


def tag_records(tagger: AnyTagger, documents: list[Document]) -> Iterator[Record]:
    """Tag documents together; where that fails, one by one, so that a bad one costs no other.

    What no text is to blame for (a package or a file that is missing) ends the job instead of refusing its records.
    """
    done = 0
    try:
        for tagged in tagger.tag_many(documents):
            done += 1
            yield tagged
    except _NO_FAULT_OF_A_TEXT:
        raise
    except Exception:  # whatever it is, it must not cost the other records
        for document in documents[done:]:
            yield _tag_alone(tagger, document)


def _tag_alone(tagger: AnyTagger, document: Document) -> Record:
    try:
        (tagged,) = tagger.tag_many([document])
    except _NO_FAULT_OF_A_TEXT:
        raise
    except Exception as error:
        return Refused(document.id, f"cannot be tagged ({error!r})")
    return tagged


def tag_shard(job: Job, number: int, shard: list[Record], tell: Tell) -> Outcome:
    """Tag the records of a shard, write its part, then that it is done; what was done before stays."""
    before = job.shards.done(number, shard)
    if before:
        tell(len(shard))
        return before
    form = FORMATS[job.format]
    tagged: list[Document] = []
    refused = [record for record in shard if isinstance(record, Refused)]
    tell(len(refused))
    texts = [record for record in shard if isinstance(record, Document)]
    for record in tag_records(load_once(job.model, job.runtime), texts):
        if isinstance(record, Refused):
            refused.append(record)
        elif problem := form.problem(record):
            refused.append(Refused(record.id, f"cannot be written ({problem})"))
        else:
            tagged.append(record)
        tell(1)
    form.write(job.shards.part(number), tagged)
    return job.shards.commit(number, shard, refused)


def run_here(job: Job, read: Reader, tell: Tell) -> Iterator[tuple[int, Outcome]]:
    """Do one shard after the other in this process."""
    for number, shard in enumerate(read()):
        yield number, tag_shard(job, number, shard, tell)


def run_processes(workers: int) -> Engine:
    """Share the shards among processes of this machine, and its cores among them."""

    def run(job: Job, read: Reader, tell: Tell) -> Iterator[tuple[int, Outcome]]:
        spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
        counter = spawn.Value("q", 0)
        threads = max((os.cpu_count() or 1) // workers, 1)
        waiting: dict[Future[Outcome], int] = {}
        with ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(threads, counter)) as pool:
            try:
                for number, shard in enumerate(read()):
                    waiting[pool.submit(_tag_and_count, job, number, shard)] = number
                    while len(waiting) >= 2 * workers:  # what is read ahead stays small
                        yield from _finished(waiting, counter, tell)
                while waiting:
                    yield from _finished(waiting, counter, tell)
            except BrokenProcessPool:
                fail(job.output, "a worker was killed", "call it again: what is done stays done")
            finally:
                pool.shutdown(cancel_futures=True)  # else what waits would be done before a fault is told

    return run


_counters: "list[Synchronized[int]]" = []
"""Holds, in a worker, the count of the records that all workers have done."""


def _begin(threads: int, counter: "Synchronized[int]") -> None:
    """Take a share of the cores, and the counter."""
    _counters.append(counter)  # it can be handed to a process only as it starts
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # read when torch is imported


def _tag_and_count(job: Job, number: int, shard: list[Record]) -> Outcome:
    """Do a shard in a worker."""

    def tell(more: int) -> None:
        (counter,) = _counters
        with counter.get_lock():
            counter.value += more

    return tag_shard(job, number, shard, tell)


def _finished(
    waiting: dict[Future[Outcome], int], counter: "Synchronized[int]", tell: Tell
) -> Iterator[tuple[int, Outcome]]:
    """Wait a moment for shards; tell what all workers have done since, and yield what is finished."""
    done, _ = wait(waiting, timeout=_LOOK, return_when=FIRST_COMPLETED)
    lock = counter.get_lock()
    if lock.acquire(timeout=_LOOK):  # a worker that is killed may hold it for ever
        more, counter.value = counter.value, 0
        lock.release()
        tell(more)
    for future in done:
        yield waiting.pop(future), future.result()

"""Tagging shards: the work on one, and the engines that tag many, on one machine or on a cluster.

An engine takes a job and a reader of shards, and yields the number and the record of each shard, in any order. It
reports how many records are done: one by one on this machine, shard by shard on a cluster (`clusters.py`).
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from thidua_ner.faults import FaultError, MachineError, fail
from thidua_ner.formats.texts import Record, Refused
from thidua_ner.tagging.outputs import SHARD_WRITERS
from thidua_ner.tagging.shards import ShardRecord, Shards
from thidua_ner.tagging.tagger import AnyTagger, Runtime, load_tagger
from thidua_ner.text.spans import Document

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

ShardReader = Callable[[], Iterable[list[Record]]]
"""Yields the shards, on any machine on which it is called."""

Progress = Callable[[int], object]
"""Called with the number of records done since the last call."""

_FAULTS_OF_THE_MACHINE = (FaultError, ImportError, OSError)
"""Errors that no text has caused: they end the job."""

_POLL_SECONDS = 0.2
"""Seconds between two counts of the records that other processes have done."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs: the model, its runtime, the output and its format, and the device, as torch names it."""

    model: Path
    runtime: Runtime
    output: Path
    format: str
    device: str = "cpu"

    @property
    def shards(self) -> Shards:
        """Return the output folder."""
        return Shards(self.output, SHARD_WRITERS[self.format].suffix)


Results = Generator[tuple[int, ShardRecord], None, None]
Engine = Callable[[Job, ShardReader, Progress], Results]


@cache
def cached_tagger(model: Path, runtime: Runtime, device: str) -> AnyTagger:
    """Load a tagger, once per process."""
    return load_tagger(model, runtime=runtime, device=device)


def tag_records(tagger: AnyTagger, documents: list[Document]) -> Iterator[Record]:
    """Tag documents together or, if that fails, one by one, so that a bad document does not affect the others.

    An error that no text has caused (a missing package or file) is raised instead of refusing records.
    """
    done = 0
    try:
        for tagged in tagger.tag_many(documents):
            done += 1
            yield tagged
    except _FAULTS_OF_THE_MACHINE:
        raise
    except Exception:  # no error of one text may affect the other records
        for document in documents[done:]:
            yield _tag_alone(tagger, document)


def _tag_alone(tagger: AnyTagger, document: Document) -> Record:
    try:
        (tagged,) = tagger.tag_many([document])
    except _FAULTS_OF_THE_MACHINE:
        raise
    except Exception as error:
        return Refused(document.id, f"cannot be tagged ({error!r})")
    return tagged


def tag_shard(job: Job, number: int, shard: list[Record], progress: Progress) -> ShardRecord:
    """Tag the records of a shard, write its part, then its record; a shard that is already finished is kept."""
    before = job.shards.finished(number, shard)
    if before:
        progress(len(shard))
        return before
    writer = SHARD_WRITERS[job.format]
    tagged: list[Document] = []
    refused = [record for record in shard if isinstance(record, Refused)]
    progress(len(refused))
    texts = [record for record in shard if isinstance(record, Document)]
    for record in tag_records(cached_tagger(job.model, job.runtime, job.device), texts):
        if isinstance(record, Refused):
            refused.append(record)
        elif problem := writer.problem(record):
            refused.append(Refused(record.id, f"cannot be written ({problem})"))
        else:
            tagged.append(record)
        progress(1)
    writer.write(job.shards.part(number), tagged)
    return job.shards.commit(number, shard, refused)


def run_here(job: Job, read: ShardReader, progress: Progress) -> Results:
    """Tag one shard after the other in this process."""
    for number, shard in enumerate(read()):
        yield number, tag_shard(job, number, shard, progress)


def run_processes(workers: int) -> Engine:
    """Return an engine that uses `workers` processes of this machine and divides its cores among them.

    If this process is interrupted or dies, however it dies, the workers end at once.
    """

    def run(job: Job, read: ShardReader, progress: Progress) -> Results:
        spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
        counter = spawn.Value("q", 0)
        threads = max((os.cpu_count() or 1) // workers, 1)
        waiting: dict[Future[ShardRecord], int] = {}
        held, alive = spawn.Pipe(duplex=False)
        with held, alive, ProcessPoolExecutor(workers, spawn, _begin, (threads, counter, held)) as pool:
            try:
                for number, shard in enumerate(read()):
                    with _interrupts_held_back():
                        waiting[pool.submit(_tag_and_count, job, number, shard)] = number
                    while len(waiting) >= 2 * workers:  # read only a little ahead
                        yield from _finished(waiting, counter, progress)
                while waiting:
                    yield from _finished(waiting, counter, progress)
            except BrokenProcessPool:
                remedy = "repeat the call: finished shards are kept"
                fail(job.output, "a worker was killed", remedy, kind=MachineError)
            except (KeyboardInterrupt, GeneratorExit):
                alive.close()  # the workers do not finish their shards
                raise
            finally:
                # otherwise waiting shards would be tagged before a fault is reported
                pool.shutdown(cancel_futures=True)

    return run


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Let no signal stop the start of a process halfway, and let that process never hear Ctrl-C; Windows cannot."""
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # inherited by the process
    stops = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in stops}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
    for late in heard:
        signal.raise_signal(late)


_counters: "list[Synchronized[int]]" = []
"""In a worker, holds the count of records that all workers have done since the last report."""


def _begin(threads: int, counter: "Synchronized[int]", held: "Connection") -> None:
    """Set a worker's share of the cores, keep the counter, and end when the other end of the pipe is closed."""
    threading.Thread(target=_end_with, args=(held,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    _counters.append(counter)  # it can be passed to a process only at its start
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # read when torch is imported


def _end_with(held: "Connection") -> None:
    """Wait until the pipe's other end is closed, by its process or by the system after its death, and end."""
    with contextlib.suppress(EOFError, OSError):
        held.recv_bytes()
    os._exit(1)


def _tag_and_count(job: Job, number: int, shard: list[Record]) -> ShardRecord:
    """Tag a shard in a worker, counting the records."""

    def progress(more: int) -> None:
        (counter,) = _counters
        with counter.get_lock():
            counter.value += more

    return tag_shard(job, number, shard, progress)


def _finished(
    waiting: dict[Future[ShardRecord], int], counter: "Synchronized[int]", progress: Progress
) -> Iterator[tuple[int, ShardRecord]]:
    """Wait briefly for shards; report the records done by all workers, and yield the finished shards."""
    done, _ = wait(waiting, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
    lock = counter.get_lock()
    if lock.acquire(timeout=_POLL_SECONDS):  # a killed worker may hold it forever
        more, counter.value = counter.value, 0
        lock.release()
        progress(more)
    for future in done:
        yield waiting.pop(future), future.result()

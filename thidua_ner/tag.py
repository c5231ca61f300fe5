"""Tag texts with a run or a checkpoint: on a terminal, or a corpus into a folder of shards."""

import argparse
import hashlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from thidua_ner import conll, records
from thidua_ner.faults import fail
from thidua_ner.inputs import STDIN, Record, Refused, Source, dataset_source, find_sources
from thidua_ner.labels import label_order
from thidua_ner.runs import models_of
from thidua_ner.shards import ERRORS, Shards, cut, tag_shard
from thidua_ner.spans import Document
from thidua_ner.tagger import AnyTagger, Runtime, Tagger
from thidua_ner.view import colours, environment, write_page

_ANSI = (34, 31, 35, 32, 33, 36, 90, 93)
"""Terminal colours of the labels, in their order."""

_SHOWN_TOGETHER = 16
"""Texts that are tagged together on a terminal: few, so that the first is soon seen."""

Writer = Callable[[Path, list[Document]], None]


def _write_parquet(path: Path, documents: list[Document]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    span = pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "score": pa.float64()})
    schema = pa.schema({"id": pa.string(), "text": pa.string(), "entities": pa.list_(span)})
    rows = [
        {"id": d.id, "text": d.text, "entities": [{"score": None, **records.entity_record(s)} for s in d.spans]}
        for d in documents
    ]
    beside = path.with_name(f".{path.name}.tmp")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), beside)
    beside.replace(path)


def _write_page(path: Path, documents: list[Document]) -> None:
    labels = [span.label for document in documents for span in document.spans]
    values = {"documents_": documents, "colours": colours(labels), "title": path.stem}
    write_page(path, environment().get_template("tagged.html"), values)


WRITERS: dict[str, tuple[str, Writer]] = {
    "jsonl": (".jsonl", records.write_documents),
    "conll": (".conll", conll.write_file),
    "parquet": (".parquet", _write_parquet),
    "html": (".html", _write_page),
}
"""The ending and the writer of each format."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs: the model, the output and its format."""

    model: Path
    runtime: Runtime
    output: Path
    format: str
    shard: int

    @property
    def shards(self) -> Shards:
        """Return the output folder."""
        return Shards(self.output, WRITERS[self.format][0])


@cache
def _tagger(model: Path, runtime: Runtime) -> AnyTagger:
    return Tagger.load(model, runtime)


def tag_records(tagger: AnyTagger, documents: list[Document]) -> Iterator[Record]:
    """Tag documents together; where that fails, one by one, so that a bad one costs no other."""
    try:
        yield from list(tagger.tag_many(documents))
    except Exception:  # whatever it is, it must not cost the other records
        for document in documents:
            yield _tag_alone(tagger, document)


def _tag_alone(tagger: AnyTagger, document: Document) -> Record:
    try:
        (tagged,) = tagger.tag_many([document])
    except Exception as error:
        return Refused(document.id, f"cannot be tagged ({error!r})")
    return tagged


def _work(job: Job, number: int, shard: list[Record]) -> dict[str, Any]:
    """Do one shard, in whatever process."""
    tagger = _tagger(job.model, job.runtime)

    def tag(documents: list[Document]) -> Iterator[Record]:
        return (_fitting(record, job.format) for record in tag_records(tagger, documents))

    return tag_shard(job.shards, number, shard, tag, WRITERS[job.format][1])


def _fitting(record: Record, style: str) -> Record:
    """Refuse a document that a format cannot hold, so that it costs no other."""
    if style == "conll" and isinstance(record, Document):
        try:
            conll.format_documents([record])
        except ValueError as error:
            return Refused(record.id, f"cannot be written ({error})")
    return record


def tag_corpus(job: Job, sources: Sequence[Source], workers: int) -> tuple[int, int]:
    """Tag all records of the sources that are not tagged yet; return how many are tagged and how many are refused."""
    from tqdm import tqdm

    described = {"model": _fingerprint(job.model), "runtime": job.runtime, "format": job.format, "shard": job.shard}
    sizes = [source.count() for source in sources]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    n_shards = tagged = 0
    with job.shards.opened(described), tqdm(total=total, desc="tagging", unit="text", disable=None) as bar:
        stream = (record for source in sources for record in source.records())
        for number, size, state in _run(job, cut(stream, job.shard), workers):
            n_shards = max(n_shards, number + 1)
            tagged += state["tagged"]
            bar.update(size)
        return tagged, job.shards.finish(n_shards)


def _run(job: Job, shards: Iterable[list[Record]], workers: int) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the number, size and outcome of each shard, those that were done before among them."""
    if workers == 1:
        for number, shard in enumerate(shards):
            yield number, len(shard), job.shards.done(number, shard) or _work(job, number, shard)
        return
    waiting: dict[Future[dict[str, Any]], tuple[int, int]] = {}
    threads = max((os.cpu_count() or 1) // workers, 1)
    spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
    with ProcessPoolExecutor(workers, spawn, initializer=_use_threads, initargs=(threads,)) as pool:
        try:
            for number, shard in enumerate(shards):
                before = job.shards.done(number, shard)
                if before:
                    yield number, len(shard), before
                    continue
                waiting[pool.submit(_work, job, number, shard)] = number, len(shard)
                while len(waiting) >= 2 * workers:  # what is read ahead stays small
                    yield from _finished(waiting)
            while waiting:
                yield from _finished(waiting)
        except BrokenProcessPool:
            fail(job.output, 0, "a worker was killed", "call it again: what is done stays done")


def _finished(waiting: dict[Future[dict[str, Any]], tuple[int, int]]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Wait for the oldest shard and yield its outcome."""
    future = next(iter(waiting))
    state = future.result()
    yield *waiting.pop(future), state


def _use_threads(threads: int) -> None:
    """Share the cores among the workers."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported


def _fingerprint(model: Path) -> str:
    """Hash the files of the models that a path stands for (SHA-256, 16 hexadecimal digits)."""
    found = hashlib.sha256()
    for folder in models_of(model):
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()[:16]


def show(document: Document) -> str:
    """Write a text for a terminal, its spans in colours with their labels."""
    parts: list[str] = []
    at = 0
    for span in document.spans:
        colour = _ANSI[min(label_order(span.label)[0], len(_ANSI) - 1)]
        parts.append(document.text[at : span.start])
        parts.append(f"\033[{colour};1m{document.surface(span)}\033[0m\033[2m:{span.label}\033[0m")
        at = span.end
    return "".join([*parts, document.text[at:]])


def tag_to_stdout(tagger: AnyTagger, sources: Sequence[Source], style: str) -> int:
    """Write each text as it is tagged, refusals to the standard error; return how many were refused."""
    refused = 0
    stream = (record for source in sources for record in source.records())
    for shard in cut(stream, _SHOWN_TOGETHER):
        documents = [record for record in shard if isinstance(record, Document)]
        tagged = iter(tag_records(tagger, documents))
        for record in shard:
            found = record if isinstance(record, Refused) else next(tagged)
            if isinstance(found, Refused):
                refused += 1
                print(f"{found.id}: {found.reason}", file=sys.stderr)
            else:
                print(show(found) if style == "colour" else records.format_json_lines([records.record(found)]), end="")
                print(end="\n" if style == "colour" else "", flush=True)
    return refused


def main(options: argparse.Namespace) -> None:
    """Tag what was named: into a folder, or to the standard output."""
    models_of(options.model)  # so that a wrong name is told before anything is read
    sources = find_sources(options.inputs or ([] if options.dataset else [STDIN]), options.column)
    if options.dataset:
        sources.append(dataset_source(options.dataset, options.split, options.column))
    if options.output is None:
        tagger = _tagger(options.model, options.runtime)
        refused = tag_to_stdout(tagger, sources, "colour" if sys.stdout.isatty() else "jsonl")
        place = "see above"
    else:
        job = Job(options.model, options.runtime, options.output, options.format, options.shard)
        tagged, refused = tag_corpus(job, sources, options.workers)
        print(f"{options.output}: {tagged:,} texts tagged, {refused:,} refused")
        place = f"see {options.output / ERRORS}"
    if refused:
        fail("tag", 0, f"{refused:,} record{'s' if refused > 1 else ''} could not be tagged", place)

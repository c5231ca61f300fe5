"""Tag texts with a run or a checkpoint: on a terminal, or a corpus into a folder of shards."""

import argparse
import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.formats import jsonl as records
from thidua_ner.runs.folder import models_of
from thidua_ner.tagging.inputs import STDIN, Record, Refused, Source, dataset_source, find_sources
from thidua_ner.tagging.jobs import Engine, Job, load_once, run_here, run_processes, tag_records
from thidua_ner.tagging.shards import ERRORS, cut
from thidua_ner.tagging.tagger import AnyTagger, Runtime
from thidua_ner.text.labels import label_order
from thidua_ner.text.spans import Document

_ANSI = (34, 31, 35, 32, 33, 36, 90, 93)
"""Terminal colours of the labels, in their order."""

_SHOWN_TOGETHER = 16
"""Texts that are tagged together on a terminal: few, so that the first is soon seen."""


def tag_corpus(job: Job, sources: Sequence[Source], size: int, run: Engine) -> tuple[int, int]:
    """Tag all records of the sources, in shards of a size; return how many are tagged and how many are refused."""
    from tqdm import tqdm

    model = _fingerprint(job.model, job.runtime)
    described = {"model": model, "runtime": job.runtime, "format": job.format, "shard": size}
    n_shards = tagged = 0
    with job.shards.opened(described), tqdm(desc="tagging", unit="text", disable=None) as bar:
        if not bar.disable:
            counts = [source.count() for source in sources]
            bar.total = None if None in counts else sum(count or 0 for count in counts)
        for number, outcome in run(job, partial(read_shards, sources, size), bar.update):
            n_shards = max(n_shards, number + 1)
            tagged += outcome["tagged"]
        return tagged, job.shards.finish(n_shards)


def read_shards(sources: Sequence[Source], size: int) -> Iterator[list[Record]]:
    """Read the records of all sources, so many at a time."""
    return cut((record for source in sources for record in source.records()), size)


def _fingerprint(model: Path, runtime: Runtime) -> str:
    """Hash the files of the models that a path stands for, as a runtime reads them (SHA-256, 16 hexadecimal digits)."""
    found = hashlib.sha256()
    for folder in models_of(model):
        exported = sorted((folder / "onnx").glob("*")) if runtime.startswith("onnx") else []
        for path in [*sorted(path for path in folder.iterdir() if path.is_file()), *exported]:
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
    if isinstance(sys.stdout, io.TextIOWrapper):  # JSON is UTF-8 everywhere; a terminal shows what it can
        sys.stdout.reconfigure(encoding=None if style == "colour" else "utf-8", errors="replace")
    for shard in read_shards(sources, _SHOWN_TOGETHER):
        documents = [record for record in shard if isinstance(record, Document)]
        tagged = iter(tag_records(tagger, documents))
        for record in shard:
            found = record if isinstance(record, Refused) else next(tagged)
            if isinstance(found, Refused):
                refused += 1
                print(f"{found.id}: {found.reason}", file=sys.stderr)
            else:
                print(show(found) if style == "colour" else records.format_json_lines([records.record(found)]), end="")
                print(end="\n\n" if style == "colour" else "", flush=True)
    return refused


def _engine(options: argparse.Namespace) -> Engine:
    """Choose what runs the shards."""
    if options.engine == "ray":
        from thidua_ner.tagging.clusters import run_ray

        return run_ray(options.workers)
    workers = options.workers or 1
    return run_here if workers == 1 else run_processes(workers)


def main(options: argparse.Namespace) -> None:
    """Tag what was named: into a folder, or to the standard output."""
    models_of(options.model)  # so that a wrong name is told before anything is read
    if options.output is None and options.engine == "local" and (options.format or options.workers):
        fail("tag", "--format and --workers are for a folder of shards", "name one with --output, or leave them out")
    inputs = options.inputs or ([] if options.dataset else [STDIN])
    if options.engine == "ray" and (STDIN in inputs or not options.output):
        fail("ray", "cannot reach the standard input and output", "name files or a dataset, and an --output")
    sources = find_sources(inputs, options.column)
    if options.dataset:
        sources.append(dataset_source(options.dataset, options.split, options.column))
    if options.output is None:
        tagger = load_once(options.model, options.runtime)
        refused = tag_to_stdout(tagger, sources, "colour" if sys.stdout.isatty() else "jsonl")
        place = "see above"
    else:
        job = Job(options.model, options.runtime, options.output, options.format or "jsonl")
        try:
            tagged, refused = tag_corpus(job, sources, options.shard, _engine(options))
        except KeyboardInterrupt:
            print(f"{options.output}: interrupted; the same call goes on", file=sys.stderr)
            raise
        print(f"{options.output}: {tagged:,} texts tagged, {refused:,} refused")
        place = f"see {options.output / ERRORS}"
    if refused:
        fail("tag", f"{refused:,} record{'s' if refused > 1 else ''} could not be tagged", place)

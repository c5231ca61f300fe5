"""Tag texts with a run, a checkpoint or a baseline: to the standard output, or into a folder of shards."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Literal

from thidua_ner.faults import UsageError, fail, show_controls, tell
from thidua_ner.files import hash_file
from thidua_ner.formats.texts import Record
from thidua_ner.runs.folder import model_folders, onnx_folder, read_model_config
from thidua_ner.tagging.encodings import EncodingCount, tell_encodings
from thidua_ner.tagging.inputs import STDIN, Source, dataset_source, find_sources, unique_records
from thidua_ner.tagging.jobs import Engine, Job, cached_tagger, run_here, run_processes
from thidua_ner.tagging.outputs import NO_TEXT
from thidua_ner.tagging.shards import ERRORS, JobRecord, cut_shards
from thidua_ner.tagging.tagger import Runtime, choose_device
from thidua_ner.tagging.terminal import Style, tag_to_stdout
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.version import __version__

EngineName = Literal["local", "ray"]

_TERMINAL_GROUP = 16
"""Texts that are tagged together on a terminal: few, so that the first one appears soon."""


def tag(  # noqa: PLR0913 -- one argument per option of the command
    model: Path,
    inputs: Sequence[str],
    *,
    output: Path | None = None,
    format: str | None = None,  # noqa: A002 -- the option's name
    column: str = "text",
    dataset: str | None = None,
    split: str = "train",
    runtime: Runtime = "torch",
    device: str | None = None,
    engine: EngineName = "local",
    workers: int | None = None,
    shard: int = 100,
    with_text: bool = True,
) -> None:
    """Tag the inputs, and a dataset if one is named, into a folder of shards or to the standard output.

    In JSON Lines each entity has its text, unless `with_text` is false.
    Raises DataError at the end if a record was refused, UsageError if options conflict.
    """
    folders = model_folders(model)  # report a wrong path before reading anything
    names = list(inputs) or ([] if dataset else [STDIN])
    _check_options(names, output, engine, needs_output=bool(format or workers))
    if output:
        _check_nesting([name for name in names if name != STDIN] + ([dataset] if dataset else []), output)
    sources = find_sources(names, column)
    if dataset:
        sources.append(dataset_source(dataset, split, column))
    device = choose_device(folders, runtime, device, on_cluster=engine == "ray")
    if output is None:
        groups = read_shards(sources, _TERMINAL_GROUP)
        tagger = cached_tagger(model, runtime, device)
        style: Style = "colour" if sys.stdout.isatty() else "jsonl" if with_text else NO_TEXT
        labels = [tag[2:] for tag in read_model_config(folders[0]).tags if tag != OUTSIDE]
        refused = tag_to_stdout(tagger, groups, style, labels=labels, named=names != [STDIN])
        place = "see above"
    else:
        job = Job(model, runtime, output, _shard_format(format, with_text=with_text), device)
        try:
            tagged, refused, before = tag_corpus(job, sources, shard, _engine(engine, workers), column)
        except KeyboardInterrupt:
            tell(output, "interrupted; repeat the call to resume")
            raise
        counts = f"{tagged:,} text{'s' if tagged != 1 else ''} tagged, {refused:,} refused"
        print(show_controls(f"{output}: {counts}{_done_before(before, tagged + refused)}"))
        place = f"see {output / ERRORS}"
    if refused:
        fail("tag", f"{refused:,} record{'s' if refused > 1 else ''} could not be tagged", place)


def _shard_format(name: str | None, *, with_text: bool) -> str:
    """Return the format of the shards, JSON Lines by default; raises UsageError if another should be without texts."""
    if not with_text and name not in {None, "jsonl"}:
        fail("--no-text", f"is for JSON Lines, not {name}", "leave it out", kind=UsageError)
    return (name or "jsonl") if with_text else NO_TEXT


def _done_before(before: int, all_: int) -> str:
    """Say how many records an earlier call has done, if any."""
    if not before:
        return ""
    return f"; {'all' if before == all_ else f'{before:,} of them'} were done before"


def _check_options(inputs: Sequence[str], output: Path | None, engine: EngineName, *, needs_output: bool) -> None:
    """Raise UsageError if options conflict."""
    if engine == "ray" and (STDIN in inputs or not output):
        remedy = "name files or a dataset, and an --output"
        fail("ray", "cannot reach the standard input and output", remedy, kind=UsageError)
    if output is None and needs_output:
        remedy = "name one with --output, or leave them out"
        fail("tag", "--format and --workers are for a folder of shards", remedy, kind=UsageError)


def _check_nesting(inputs: Sequence[str], output: Path) -> None:
    """Raise UsageError if the output is in an input or an input in the output: a second call would read the first."""
    remedy = "name an --output outside the inputs"
    for name in inputs:
        path = Path(name)
        if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
            fail(output, f"is inside the input {name}, where another call would tag it", remedy, kind=UsageError)
        if path.exists() and path.resolve().is_relative_to(output.resolve()):
            fail(output, f"contains the input {name}", remedy, kind=UsageError)


def tag_corpus(
    job: Job, sources: Sequence[Source], size: int, run: Engine, column: str = "text"
) -> tuple[int, int, int]:
    """Tag all records of the sources, whose texts are in a column, in shards of `size`.

    Returns the numbers of tagged ones, of refused ones, and of those of both that an earlier call has done.
    """
    from tqdm import tqdm

    kind = job.device.partition(":")[0]
    fingerprint = model_fingerprint(job.model, job.runtime)
    record = JobRecord(fingerprint, job.runtime, job.format, size, code_fingerprint(), kind, column)
    n_shards = tagged = before = 0
    encodings: dict[int, tuple[EncodingCount, ...]] = {}
    with job.shards.opened(record), tqdm(desc="tagging", unit="text", disable=None) as bar:
        if not bar.disable:
            counts = [source.count() for source in sources]
            bar.total = None if None in counts else sum(count or 0 for count in counts)
        with closing(run(job, partial(read_shards, sources, size), bar.update)) as results:
            for number, finished in results:
                n_shards = max(n_shards, number + 1)
                tagged += finished.tagged
                before += finished.tagged + len(finished.errors) if finished.kept else 0
                if finished.encodings:
                    encodings[number] = finished.encodings
        tell_encodings(one for number in sorted(encodings) for one in encodings[number])
        return tagged, job.shards.finish(n_shards), before


def read_shards(sources: Sequence[Source], size: int) -> Iterator[list[Record]]:
    """Read the records of all sources in lists of `size`."""
    return cut_shards(unique_records(sources), size)


def model_fingerprint(model: Path, runtime: Runtime) -> str:
    """Hash the files of a model or a run that a runtime reads (SHA-256, 16 hexadecimal digits)."""
    found = hashlib.sha256()
    for folder in model_folders(model):
        exported = sorted(onnx_folder(folder).glob("*")) if runtime.startswith("onnx") else []
        for path in [*sorted(path for path in folder.iterdir() if path.is_file()), *exported]:
            found.update(hash_file(path))
    return found.hexdigest()[:16]


def code_fingerprint() -> str:
    """Give the version of this package and a hash of its programs and lists, a change of which may change the spans."""
    root, found = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in (".py", ".tsv")):
        found.update(path.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return f"{__version__} {found.hexdigest()[:16]}"


def _engine(name: EngineName, workers: int | None) -> Engine:
    """Choose the engine by its name."""
    if name == "ray":
        from thidua_ner.tagging.clusters import run_ray

        return run_ray(workers)
    return run_here if workers in (None, 1) else run_processes(workers or 1)

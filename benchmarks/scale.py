"""Measure the figures of docs/SCALE.md: documents per second and core, where the time goes, the speed of reading.

python -m benchmarks.scale runs/cpu-small        # after `thidua-ner export runs/cpu-small`
python -m benchmarks.scale runs/cpu-small --runtime torch-bf16 --device cuda --workers 8    # on one GPU

The documents are copies of the synthetic ones, each made unique by a word. The rate is that of the command `tag` with
one worker per core (or `--workers`), without its start-up; the shares are those of one process under cProfile, which
makes all parts except the model appear up to twice as long as they are.
"""

import argparse
import cProfile
import os
import pickle
import pstats
import tempfile
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import get_args

from tabulate import tabulate

from thidua_ner.formats import jsonl, texts
from thidua_ner.formats.jsonl import read_documents, write_documents
from thidua_ner.models.checkpoints import Checkpoint
from thidua_ner.models.onnx import OnnxModel
from thidua_ner.runs.folder import model_folders
from thidua_ner.tagging.inputs import find_sources
from thidua_ner.tagging.jobs import Job, cached_tagger, run_here, run_processes
from thidua_ner.tagging.shards import Shards
from thidua_ner.tagging.tag import read_shards, tag_corpus
from thidua_ner.tagging.tagger import Runtime, Tagger, choose_device
from thidua_ner.text import syllables, words
from thidua_ner.text.spans import Document
from thidua_ner.text.subwords import SubwordEncoder

_SHARD = 50
"""Documents per shard: few, so that all workers end at about the same time."""

_STAGES: dict[str, list[Callable[..., object]]] = {
    "reading": [texts._json_record],
    "sentences and tokens": [syllables.split_sentences],
    "words and subwords": [words.segment, SubwordEncoder.encode],
    "the model": [OnnxModel._logits, Checkpoint._logits],
    "spans": [Tagger._spans],
    "writing": [jsonl.write_documents, Shards.commit, Shards.finished],
}
"""The functions that do each part of the work; the time of what they call is included."""


def write_corpus(path: Path, number: int) -> tuple[int, int]:
    """Write `number` different documents; return the number of their syllables and bytes."""
    known = cycle(read_documents(Path("data/documents/synthetic-train.jsonl")))
    documents = [Document(f"{n}", f"{d.text}\nBài {n}x{n}.") for n, d in enumerate(islice(known, number))]
    write_documents(path, documents)
    return sum(len(document.text.split()) for document in documents), path.stat().st_size


def timed(work: Callable[[], object]) -> float:
    """Measure the seconds that a function takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def shares(job: Job, path: Path) -> list[list[str]]:
    """Tag in this process under the profiler; return the share of each part of the work."""
    sources = find_sources([str(path)], "text")
    cached_tagger(job.model, job.runtime, job.device)
    with cProfile.Profile() as profile:
        tag_corpus(job, sources, _SHARD, run_here)
    stats = pstats.Stats(profile)
    total: float = stats.total_tt  # type: ignore[attr-defined]
    spent = {place: row[3] for place, row in stats.stats.items()}  # type: ignore[attr-defined]
    rows = [(stage, sum(spent.get(_place(one), 0.0) for one in functions)) for stage, functions in _STAGES.items()]
    rows.append(("the rest", total - sum(seconds for _, seconds in rows)))
    return [[stage, f"{100 * seconds / total:.1f}%"] for stage, seconds in rows]


def _place(function: Callable[..., object]) -> tuple[str, int, str]:
    """Name a function as the profiler does: its file, first line and name."""
    code = function.__code__
    return code.co_filename, code.co_firstlineno, code.co_name


def subwords_per_syllable(run: Path, path: Path) -> float:
    """Count how many subwords the model reads per syllable (a word of white space)."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folders(run)[0], local_files_only=True, trust_remote_code=False)
    encoder = SubwordEncoder(tokenizer, 512)
    documents = read_documents(path)[:100]
    sentences = [sentence.tokens for document in documents for sentence in document.sentences()]
    read = sum(len(window.input_ids) for tokens in sentences for window in encoder.encode([t.text for t in tokens]))
    return read / sum(len(document.text.split()) for document in documents)


def main() -> None:
    """Print the rates and the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--runtime", choices=get_args(Runtime), default="onnx-int8")
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU as torch names it, which the workers share")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    cores = options.workers
    device = choose_device(model_folders(options.run), options.runtime, options.device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, small = folder / "in.jsonl", folder / "small.jsonl"
        n_syllables, size = write_corpus(path, options.documents)
        write_corpus(small, cores)  # one document per core, to measure the time to start
        sources = find_sources([str(path)], "text")

        def tag(source: Path, output: str) -> float:
            job = Job(options.run, options.runtime, folder / output, "jsonl", device)
            found = find_sources([str(source)], "text")
            return timed(lambda: tag_corpus(job, found, _SHARD if source == path else 1, run_processes(cores)))

        tag(small, "warm")  # the first start reads everything from the disk
        start = tag(small, "start")
        seconds = tag(path, "tagged") - start
        reading = timed(lambda: [pickle.dumps(shard) for shard in read_shards(sources, _SHARD)])
        rows = [
            ["documents", f"{options.documents:,}"],
            ["bytes per document", f"{size / options.documents:,.0f}"],
            ["syllables per document", f"{n_syllables / options.documents:,.0f}"],
            ["subwords per syllable", f"{subwords_per_syllable(options.run, path):.2f}"],
            ["seconds to start", f"{start:.1f}"],
            ["documents per second and core", f"{options.documents / seconds / cores:.2f}"],
            ["syllables per second and core", f"{n_syllables / seconds / cores:,.0f}"],
            ["documents per second that one process reads", f"{options.documents / reading:,.0f}"],
        ]
        print(tabulate(rows, colalign=("left", "right"), disable_numparse=True))
        job = Job(options.run, options.runtime, folder / "profiled", "jsonl", device)
        found = shares(job, path)
    print()
    print(tabulate(found, headers=["part of the work", "time"], colalign=("left", "right"), disable_numparse=True))


if __name__ == "__main__":
    main()

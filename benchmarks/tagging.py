"""Time our tagging against the stock pipeline and underthesea's tagger on the same sentences, interleaved.

python -m benchmarks.tagging runs/cpu-small                  # after `thidua-ner export runs/cpu-small`
python -m benchmarks.tagging runs/cpu-small --only int8 --sentences 10000 100000 --rounds 1
python -m benchmarks.tagging runs/cpu-small --device cuda --sentences 5000 --rounds 2 --stock-batch 128

On a GPU only what can run there is timed: the stock pipeline in float32, and ours in torch.
In every round each tagger runs in a new process, one after the other, so that start-up and memory are measured
separately. The first round also fills the disk caches, and is not counted if there are more.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from thidua_ner.formats.jsonl import read_documents
from thidua_ner.runs.folder import model_folders
from thidua_ner.tagging.tagger import Runtime, choose_device

_RUNTIMES: dict[str, Runtime] = {
    "ours, torch": "torch",
    "ours, bf16": "torch-bf16",
    "ours, onnx": "onnx",
    "ours, int8": "onnx-int8",
}
_STOCK, _UNDERTHESEA = "stock pipeline", "underthesea"
NAMES = (_STOCK, *_RUNTIMES, _UNDERTHESEA)


class Setting(NamedTuple):
    """What all trials share: the run, the device, and the batch size of the stock pipeline."""

    run: Path
    device: str = "cpu"
    stock_batch: int = 32

    def taggers(self) -> list[str]:
        """List the taggers that run on the device."""
        on_cpu = {_UNDERTHESEA, *(name for name, runtime in _RUNTIMES.items() if not runtime.startswith("torch"))}
        return [name for name in NAMES if self.device == "cpu" or name not in on_cpu]


class Trial(NamedTuple):
    """What one process took: seconds to load and to tag, entities found, and its peak memory in megabytes."""

    start: float
    seconds: float
    entities: int
    memory: float


def sentences(number: int) -> Iterator[str]:
    """Yield `number` sentences of the synthetic documents, repeated as needed."""
    documents = read_documents(Path("data/documents/synthetic-train.jsonl"))
    found = [d.text[s.start : s.end] for d in documents for s in d.sentences()]
    return islice(cycle(found), number)


def load(name: str, setting: Setting) -> Callable[[Iterator[str]], int]:
    """Load a tagger as a function that tags sentences and counts the entities."""
    if name == _UNDERTHESEA:
        from underthesea import ner

        return lambda texts: sum(tag.startswith("B-") for text in texts for *_, tag in ner(text))
    if name == _STOCK:
        from transformers import pipeline

        stock = pipeline(
            "token-classification",
            str(model_folders(setting.run)[0]),
            aggregation_strategy="first",
            batch_size=setting.stock_batch,
            device=setting.device,
        )
        return lambda texts: sum(map(len, stock(list(texts))))  # the pipeline does not read a stream of strings
    from thidua_ner.tagging.tagger import load_tagger

    tagger = load_tagger(setting.run, runtime=_RUNTIMES[name], device=setting.device)
    return lambda texts: sum(len(document.spans) for document in tagger.tag_many(texts))


def work(name: str, setting: Setting, number: int, line: Connection) -> None:
    """Load a tagger, tag the sentences, and send the measurements."""
    started = time.perf_counter()
    tag = load(name, setting)
    tag(sentences(1))
    loaded = time.perf_counter()
    entities = tag(sentences(number))
    done = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line.send(Trial(loaded - started, done - loaded, entities, memory))


def try_once(name: str, setting: Setting, number: int) -> Trial:
    """Run a tagger in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    line, theirs = spawn.Pipe()
    process = spawn.Process(target=work, args=(name, setting, number, theirs), daemon=True)
    process.start()
    theirs.close()  # otherwise `recv` would wait forever for a failed worker
    trial: Trial = line.recv()
    process.join()
    return trial


def main() -> None:
    """Print syllables per second, memory and start-up time of each tagger, and its speed relative to stock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--sentences", type=int, nargs="+", default=[1000])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--only", default="", help="only taggers whose name contains this")
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU as torch names it")
    parser.add_argument("--stock-batch", type=int, default=32, help="sentences of a batch of the stock pipeline")
    options = parser.parse_args()
    device = choose_device(model_folders(options.run), "torch", options.device)
    setting = Setting(options.run, device, options.stock_batch)
    cases = [(name, number) for number in options.sentences for name in setting.taggers() if options.only in name]
    trials: dict[tuple[str, int], list[Trial]] = {case: [] for case in cases}
    for number in range(1, options.rounds + 1):
        for case in cases:
            trials[case].append(try_once(case[0], setting, case[1]))
            print(f"round {number} of {options.rounds}, {case[0]}: {trials[case][-1].seconds:.1f} s", flush=True)
    kept = {case: found[1:] or found for case, found in trials.items()}
    rows = [_row(case, kept) for case in cases]
    headers = ["tagger", "sentences", "syllables/s", "times stock", "entities", "peak MB", "start s"]
    align = ("left", *["right"] * (len(headers) - 1))
    print(f"\n{tabulate(rows, headers=headers, colalign=align, disable_numparse=True)}")


def _row(case: tuple[str, int], trials: dict[tuple[str, int], list[Trial]]) -> list[str]:
    """Summarise the trials of a tagger by medians; the ratio to stock is the median over rounds."""
    name, number = case
    own = trials[case]
    stock = trials.get((_STOCK, number))
    syllables = sum(len(text.split()) for text in sentences(number))
    return [
        name,
        f"{number:,}",
        f"{syllables / statistics.median(trial.seconds for trial in own):,.0f}",
        f"{statistics.median(a.seconds / b.seconds for a, b in zip(stock, own, strict=True)):.2f}" if stock else "",
        f"{own[0].entities:,}",
        f"{max(trial.memory for trial in own):,.0f}",
        f"{statistics.median(trial.start for trial in own):.1f}",
    ]


if __name__ == "__main__":
    main()

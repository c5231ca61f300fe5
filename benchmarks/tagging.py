"""Time our tagging against the stock pipeline and underthesea's tagger on the same sentences, interleaved.

python -m benchmarks.tagging runs/cpu-small                  # after `python -m thidua_ner export runs/cpu-small`
python -m benchmarks.tagging runs/cpu-small --sentences 10000 --rounds 1 --only int8

Each tagger runs in a process of its own, all of them one after the other in every round; a process reports how long it
took to start and the most memory that it held.
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

from tabulate import tabulate

from thidua_ner.records import read_documents
from thidua_ner.runs import models_of
from thidua_ner.spans import Document

_RUNTIMES = {"ours, torch": "torch", "ours, bf16": "torch-bf16", "ours, onnx": "onnx", "ours, int8": "onnx-int8"}
_STOCK, _UNDERTHESEA = "stock pipeline", "underthesea"
NAMES = (_STOCK, *_RUNTIMES, _UNDERTHESEA)


def sentences(number: int) -> Iterator[str]:
    """Give so many sentences of the synthetic documents, again and again."""
    documents = read_documents(Path("data/documents/synthetic-train.jsonl"))
    found = [d.text[s.start : s.end] for d in documents for s in d.sentences()]
    return islice(cycle(found), number)


def load(name: str, run: Path) -> Callable[[Iterator[str]], int]:
    """Load a tagger: a function that tags sentences and counts the entities."""
    if name == _UNDERTHESEA:
        from underthesea import ner

        return lambda texts: sum(tag.startswith("B-") for text in texts for *_, tag in ner(text))
    if name == _STOCK:
        from transformers import pipeline

        stock = pipeline("token-classification", str(models_of(run)[0]), aggregation_strategy="first", batch_size=32)
        return lambda texts: sum(map(len, stock(list(texts))))  # it reads no stream of strings
    from thidua_ner.tagger import Tagger

    tagger = Tagger.load(run, _RUNTIMES[name])  # type: ignore[arg-type]
    return lambda texts: sum(len(d.spans) for d in tagger.tag_many(Document("", text) for text in texts))


def work(name: str, run: Path, number: int, line: Connection) -> None:
    """Load a tagger, tell when it is ready, and tag the sentences whenever asked; stop when the line closes."""
    started = time.perf_counter()
    tag = load(name, run)
    tag(sentences(1))
    line.send(time.perf_counter() - started)
    while line.recv():
        started = time.perf_counter()
        entities = tag(sentences(number))
        line.send((time.perf_counter() - started, entities))
    line.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print syllables a second, memory and start-up time of each tagger, and how many times it is as fast as stock."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="taggers whose name has this in it")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    lines: dict[str, Connection] = {}
    starts: dict[str, float] = {}
    for name in (name for name in NAMES if options.only in name):
        lines[name], theirs = spawn.Pipe()
        spawn.Process(target=work, args=(name, options.run, options.sentences, theirs), daemon=True).start()
        theirs.close()  # else a worker that fails would be waited for
        starts[name] = lines[name].recv()
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    entities: dict[str, int] = {}
    for number in range(1, options.rounds + 1):
        for name, line in lines.items():
            line.send(True)
            taken, entities[name] = line.recv()
            seconds[name].append(taken)
            print(f"round {number} of {options.rounds}, {name}: {taken:.1f} s", flush=True)
    memory = {}
    for name, line in lines.items():
        line.send(False)
        memory[name] = line.recv()
    syllables = sum(len(text.split()) for text in sentences(options.sentences))
    stock = seconds.get(_STOCK)
    rows = [
        [
            name,
            f"{syllables / statistics.median(taken):,.0f}",
            f"{statistics.median(s / t for s, t in zip(stock, taken, strict=True)):.2f}" if stock else "",
            entities[name],
            f"{memory[name]:,.0f}",
            f"{starts[name]:.1f}",
        ]
        for name, taken in seconds.items()
    ]
    headers = ["tagger", "syllables/s", "times stock", "entities", "peak MB", "start s"]
    align = ("left", *["right"] * (len(headers) - 1))
    print(f"\n{tabulate(rows, headers=headers, colalign=align, disable_numparse=True)}")


if __name__ == "__main__":
    main()

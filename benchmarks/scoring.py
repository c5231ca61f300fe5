"""Time our scoring against seqeval (strict) and nervaluate on the same million tokens, interleaved.

python -m benchmarks.scoring --tokens 1000000 --rounds 3
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from tabulate import tabulate

from thidua_ner.formats.jsonl import read_documents
from thidua_ner.scoring.strict import score
from thidua_ner.text.iob2 import decode, encode
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import Token

_RIGHT, _SHORTER, _OTHER = 0.8, 0.9, 0.95
"""Shares of gold spans: predicted correctly, then cut short, then of another type (cumulative); the rest are missed."""

Texts = tuple[list[Document], list[Document]]
Tags = tuple[list[list[str]], list[list[str]]]


def make_texts(n_tokens: int, seed: int = 0) -> tuple[Texts, Tags, list[list[Token]]]:
    """Copy the synthetic documents until there are `n_tokens`, and predict them with errors of every kind."""
    draw = random.Random(seed)  # noqa: S311
    sources = [
        (document, [token for sentence in document.sentences() for token in sentence.tokens])
        for document in read_documents(Path("data/documents/synthetic-train.jsonl"))
    ]
    texts: Texts = ([], [])
    tags: Tags = ([], [])
    kept: list[list[Token]] = []
    n_kept = 0
    for number, (source, tokens) in enumerate(cycle(sources)):
        if n_kept >= n_tokens:
            return texts, tags, kept
        gold = replace(source, id=f"{source.id}-{number}")
        predicted = gold.with_spans(tuple(span for s in gold.spans for span in _predict(s, tokens, draw)))
        for side, document in enumerate((gold, predicted)):
            texts[side].append(document)
            tags[side].append(encode(document.spans, tokens))
        kept.append(tokens)
        n_kept += len(tokens)
    raise AssertionError


def _predict(span: Span, tokens: Sequence[Token], draw: random.Random) -> list[Span]:
    """Predict a gold span, correctly or with an error."""
    chance = draw.random()
    if chance < _RIGHT:
        return [span]
    if chance < _SHORTER:
        end = next(token.end for token in tokens if token.start == span.start)
        return [Span(span.start, end, span.label)]
    return [Span(span.start, span.end, draw.choice(list(ENTITY_TYPES)))] if chance < _OTHER else []


def make_turns(texts: Texts, tags: Tags, tokens: list[list[Token]]) -> dict[str, Callable[[], float]]:
    """Make a function per scorer that returns its strict micro F1."""
    import nervaluate
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    def from_spans() -> float:
        for document in (*texts[0], *texts[1]):
            object.__setattr__(document, "_triples", None)  # clear what the previous round has cached
        return float(score(*texts).micro.f1)

    def from_tags() -> float:
        read = (
            [
                document.with_spans(tuple(decode(row, own)))
                for document, row, own in zip(documents, rows, tokens, strict=True)
            ]
            for documents, rows in zip(texts, tags, strict=True)
        )
        return float(score(*read).micro.f1)

    def seqeval() -> float:
        report = classification_report(*tags, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
        return float(report["micro avg"]["f1-score"])

    def nervaluate_() -> float:
        found = nervaluate.Evaluator(*tags, tags=list(ENTITY_TYPES), loader="list").evaluate()
        return float(found["overall"]["strict"].f1)

    return {
        "ours, from spans": from_spans, "ours, from tags": from_tags, "seqeval, strict": seqeval,
        "nervaluate": nervaluate_,
    }  # fmt: skip


def main() -> None:
    """Print the seconds of each scorer and their ratio to ours; raises AssertionError if their F1 differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts, tags, tokens = make_texts(options.tokens)
    turns = make_turns(texts, tags, tokens)
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    f1: dict[str, float] = {}
    for number in range(1, options.rounds + 1):
        for name, turn in turns.items():
            gc.collect()
            gc.disable()  # as `timeit` does
            started = time.perf_counter()
            f1[name] = turn()
            seconds[name].append(time.perf_counter() - started)
            gc.enable()
            print(f"round {number} of {options.rounds}, {name}: {seconds[name][-1]:.2f} s", flush=True)
    if len({round(value, 9) for value in f1.values()}) > 1:
        raise AssertionError(f"the scorers disagree: {f1}")
    middle = {name: statistics.median(taken) for name, taken in seconds.items()}
    fastest = middle["ours, from spans"]
    rows = [
        [name, taken, taken / fastest, taken / middle["ours, from tags"]]
        for name, taken in sorted(middle.items(), key=lambda item: item[1])
    ]
    headers = ["scorer", "seconds", "times ours from spans", "times ours from tags"]
    sizes = sum(map(len, tokens)), sum(len(document.spans) for document in texts[0])
    print(f"\n{sizes[0]:,} tokens, {sizes[1]:,} gold spans, F1 {100 * f1['nervaluate']:.2f}")
    print(tabulate(rows, headers=headers, floatfmt=".2f"))


if __name__ == "__main__":
    main()

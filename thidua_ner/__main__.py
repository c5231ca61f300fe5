"""Build and check the data.

python -m thidua_ner build          # data/ from annotations/
python -m thidua_ner check          # every rule of form, and that data/ is what annotations/ builds
python -m thidua_ner agreement      # annotations/agreement.json from the passes
python -m thidua_ner coverage       # how often each rule of the guidelines occurs in the synthetic documents
python -m thidua_ner convert annotations/gold gold.conll
python -m thidua_ner tag runs/cpu-small news.txt
python -m thidua_ner tag runs/cpu-small crawl/ --output tagged --workers 2
python -m thidua_ner export runs/cpu-small
"""

import argparse
import sys
from pathlib import Path
from typing import Any, get_args

from thidua_ner.corpus import annotations as corpus
from thidua_ner.corpus import dataset as hub
from thidua_ner.faults import DataError, Fault, fail, run_program
from thidua_ner.files import write_text
from thidua_ner.formats import registry as documents
from thidua_ner.scoring.strict import score
from thidua_ner.tagging import tag
from thidua_ner.tagging.outputs import FORMATS
from thidua_ner.tagging.tagger import Runtime, Tagger


def build(options: argparse.Namespace) -> None:
    """Write the dataset repository."""
    paths = hub.write(options.annotations, options.data)
    print(f"{options.data}: {len(paths)} files")


def check(options: argparse.Namespace) -> None:
    """Report every fault of the annotations, then of the data built from them."""
    faults = corpus.check_annotations(options.annotations)
    if not faults:
        faults = corpus.check_agreement(options.annotations)
    if not faults:
        faults = hub.check(options.annotations, corpus.load_corpus(options.annotations), options.data)
    if faults:
        print(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}", file=sys.stderr)
        raise DataError(faults)
    print(f"{options.annotations} and {options.data}: no fault")


def agreement(options: argparse.Namespace) -> None:
    """Compare the passes and write the figures beside them."""
    corpus.read_corpus(options.annotations)
    content = corpus.format_agreement(options.annotations)
    write_text(options.annotations / corpus.AGREEMENT, content)
    print(content, end="")


def coverage(options: argparse.Namespace) -> None:
    """Tabulate the rules of the guidelines with their occurrences; exit 1 where one occurs too seldom."""
    from tabulate import tabulate

    from thidua_ner.corpus.coverage import LEAST, coverage

    found = corpus.read_corpus(options.annotations)
    counts = coverage([*found.train, *found.validation])
    rows = [[count.case.rule, count.case.side, count.case.what, count.occurrences, count.documents] for count in counts]
    print(tabulate(rows, headers=["rule", "side", "case", "occurrences", "documents"]))
    rare = [count.case for count in counts if count.occurrences < LEAST]
    faults = [
        Fault(
            str(options.annotations / corpus.SYNTHETIC),
            f"has fewer than {LEAST} of {case.rule}: {case.what}",
            "add documents that have it",
        )
        for case in rare
    ]
    if faults:
        raise DataError(faults)


def convert(options: argparse.Namespace) -> None:
    """Read documents in one format and write them in another."""
    found = documents.read_documents(options.input)
    documents.write_documents(options.output, found)
    print(f"{options.output}: {len(found)} documents")
    if ".conll" in (options.input.suffix, options.output.suffix):
        print(
            "CoNLL keeps no text: tokens are joined by spaces, so offsets differ from the original's", file=sys.stderr
        )


def export(options: argparse.Namespace) -> None:
    """Write the models of a run for ONNX Runtime, and compare what they find with what torch finds."""
    from tabulate import tabulate

    from thidua_ner.models.onnx import export
    from thidua_ner.runs.folder import models_of

    gold = documents.read_documents(options.gold, None)
    models = models_of(options.model)
    for model in models:
        print(export(model))
    found = {name: list(Tagger.load(options.model, name).tag_many(gold)) for name in get_args(Runtime)}
    f1 = {name: 100 * score(gold, predicted)["micro"]["f1"] for name, predicted in found.items()}
    rows = [[name, f"{f1[name]:.2f}", f"{f1[name] - f1['torch']:+.2f}"] for name in found]
    print(tabulate(rows, headers=["runtime", "micro F1", "change"], disable_numparse=True))
    if found["onnx"] != found["torch"]:
        fail(options.model, "gives other spans in ONNX Runtime than in torch", "tag with the runtime torch")


def add_tag(commands: Any) -> None:
    """Describe the command `tag`."""
    child = commands.add_parser("tag", help="tag texts with a run", description=tag.__doc__)
    child.add_argument("model", type=Path, metavar="RUN", help="a run, a fold of one, or a checkpoint")
    child.add_argument(
        "inputs", nargs="*", metavar="INPUT", help=".txt, .jsonl, .csv, .parquet, folders; - is a text on stdin"
    )
    child.add_argument("-o", "--output", type=Path, metavar="DIR", help="write shards; a second call goes on")
    child.add_argument("--format", choices=FORMATS, help="of the shards (default: jsonl)")
    child.add_argument("--column", default="text", help="the text in .jsonl, .csv, .parquet (default: text)")
    child.add_argument("--dataset", metavar="NAME", help="a dataset of the hub, or its folder")
    child.add_argument("--split", default="train", help="of the dataset (default: train)")
    child.add_argument("--runtime", choices=get_args(Runtime), default="torch", help="of an encoder (default: torch)")
    child.add_argument("--engine", choices=["local", "ray"], default="local", help="where the workers are")
    child.add_argument("--workers", type=positive_number, metavar="N", help="processes (default: 1; with ray: all)")
    child.add_argument("--shard", type=positive_number, default=100, metavar="N", help="texts a shard (default: 100)")
    child.set_defaults(run=tag.main)


def positive_number(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def parse_arguments() -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m thidua_ner", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, summary in (
        (build, "write data/ from annotations/"),
        (check, "check annotations/ and data/"),
        (agreement, "compare the annotators' passes"),
        (coverage, "count the rules of the guidelines in the synthetic documents"),
    ):
        child = commands.add_parser(command.__name__, help=summary)
        child.add_argument("--annotations", type=Path, default=Path("annotations"), metavar="DIR")
        if command in (build, check):
            child.add_argument("--data", type=Path, default=Path("data"), metavar="DIR")
        child.set_defaults(run=command)
    child = commands.add_parser("convert", help="between a brat folder, .jsonl and .conll")
    child.add_argument("input", type=Path)
    child.add_argument("output", type=Path, help="a folder, or a file that ends in .jsonl or .conll")
    child.set_defaults(run=convert)
    add_tag(commands)
    child = commands.add_parser("export", help="write the models of a run for ONNX Runtime")
    child.add_argument("model", type=Path, metavar="RUN", help="a run, a fold of one, or a checkpoint")
    child.add_argument("--gold", type=Path, default=Path("annotations/gold"), metavar="DIR_OR_FILE")
    child.set_defaults(run=export)
    return parser.parse_args()


def main() -> None:
    """Run the command that was asked for."""
    options = parse_arguments()
    options.run(options)


if __name__ == "__main__":
    run_program(main)

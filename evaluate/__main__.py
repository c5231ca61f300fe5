"""Score a run, or any system's predictions.

python -m evaluate runs/cpu-small                                     # the run's own test documents
python -m evaluate runs/cpu-small --gold my-documents                 # a brat folder, .jsonl or .conll
python -m evaluate runs/cpu-small --robustness                        # also on texts that are written otherwise
python -m evaluate --gold annotations/gold --predictions other.jsonl  # no torch needed
python -m evaluate compare runs/seed-1 runs/seed-2                    # intervals and paired tests
python -m evaluate publish runs/seed-1 runs/seed-2                    # into results/, with tables and cards
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluate import compare, publish
from evaluate.robustness import robustness, robustness_table
from evaluate.run import labels_of, predict, read_run, segmentation_ceiling
from evaluate.table import score_table
from thidua_ner.documents import read_documents
from thidua_ner.faults import fail, run_program
from thidua_ner.files import write_text
from thidua_ner.records import read_predictions, write_predictions
from thidua_ner.resampling import UNITS, intervals
from thidua_ner.scoring import check_against_seqeval, score
from thidua_ner.spans import Document


def parse_arguments() -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, help="a run folder, a fold of one, or a checkpoint")
    parser.add_argument("--gold", type=Path, metavar="DIR_OR_FILE", help="annotated documents to score on")
    parser.add_argument("--predictions", type=Path, metavar="FILE", help="predictions of any system, as JSON Lines")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where predictions and scores go")
    parser.add_argument("--robustness", action="store_true", help="score texts that are written otherwise, too")
    options = parser.parse_args()
    if options.robustness and options.run is None:
        parser.error("--robustness needs a run, whose models tag the changed texts")
    if (options.run is None) == (options.predictions is None):
        parser.error("name a run, or give --predictions")
    if options.predictions and not options.gold:
        parser.error("--predictions needs --gold")
    return options


def score_documents(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, Any]:
    """Score, with 95% intervals of micro F1, and assert that seqeval gives the same."""
    scores = score(gold, predicted)
    check_against_seqeval(gold, predicted, scores)
    return {**scores, "intervals": intervals(gold, predicted)}


def write_results(folder: Path, predicted: Sequence[Document], scores: dict[str, Any]) -> None:
    """Write predictions.jsonl and scores.json."""
    write_predictions(folder / "predictions.jsonl", predicted)
    write_text(folder / "scores.json", json.dumps(scores, indent=2, ensure_ascii=False) + "\n")


def evaluate_predictions(options: argparse.Namespace) -> None:
    """Score the predictions of any system; write only where --output says."""
    if options.gold.suffix == ".conll":
        remedy = "score against the .jsonl or the folder, or convert the file to .jsonl and predict on its texts"
        fail(options.gold, 0, "keeps no text, so that offsets into it mean nothing", remedy)
    gold = read_documents(options.gold)
    predicted = read_predictions(options.predictions, gold)
    scores = score_documents(gold, predicted)
    if options.output:
        write_results(options.output, predicted, scores)
    show(scores)


def evaluate_run(options: argparse.Namespace) -> None:
    """Tag and score a run's test documents, or other ones."""
    run = read_run(options.run)
    if options.gold is None and not run.test:
        fail(options.run, 0, "has no test documents of its own", "name annotated documents with --gold")
    gold = read_documents(options.gold, labels_of(run)) if options.gold else list(run.test)
    predicted, seen = predict(run, gold)
    scores = score_documents(gold, predicted)
    scores["segmentation_ceiling"] = segmentation_ceiling(run, gold)
    scores["trained_on"] = seen
    scores["run"] = {key: run.manifest.get(key) for key in ("commit", "data_fingerprint", "seed")}
    if options.robustness:
        scores["robustness"] = robustness(run, gold, predicted)
    folder = options.output or (run.folder / f"scores-{options.gold.resolve().stem}" if options.gold else run.folder)
    write_results(folder, predicted, scores)
    show(scores)
    print(f"\npredictions.jsonl and scores.json are in {folder}")
    if seen:
        shown = ", ".join(seen[:5]) + (f" and {len(seen) - 5} more" if len(seen) > 5 else "")
        warning = f"warning: every model was trained on the text of {shown}: these scores say little of new texts"
        print(warning, file=sys.stderr)


def show(scores: dict[str, Any]) -> None:
    """Print the tables, the ceiling of the word segmentation where there is one, and the signature."""
    print(score_table(scores))
    ranges = (scores["intervals"][unit]["bca"] for unit in UNITS)
    shown = ", ".join(
        f"{100 * low:.1f} to {100 * high:.1f} by {unit}" for unit, (low, high) in zip(UNITS, ranges, strict=True)
    )
    print(f"\n95% interval of micro F1: {shown}")
    ceiling = scores.get("segmentation_ceiling")
    if ceiling:
        print(f"\nword segmentation leaves {ceiling['reachable']} of {ceiling['entities']} entities reachable")
    if "robustness" in scores:
        print(f"\n{robustness_table(scores['robustness'])}")
    print(f"\n{scores['signature']}")


def main() -> None:
    """Score what was asked for."""
    for name, command in (("compare", compare.main), ("publish", publish.main)):
        if sys.argv[1:2] == [name]:
            command(sys.argv[2:])
            return
    options = parse_arguments()
    if options.predictions:
        evaluate_predictions(options)
    else:
        evaluate_run(options)


if __name__ == "__main__":
    run_program(main)

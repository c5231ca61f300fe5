"""Score a run, or any system's predictions.

python -m evaluate runs/cpu-small                                     # the run's own test documents
python -m evaluate runs/cpu-small --gold my-documents                 # a brat folder, .jsonl or .conll
python -m evaluate runs/cpu-small --robustness                        # also on texts that are written otherwise
python -m evaluate runs/three-seeds                                   # each seed of a folder, mean and spread
python -m evaluate --gold annotations/gold --predictions other.jsonl  # no torch needed
python -m evaluate compare runs/seed-1 runs/seed-2                    # intervals and paired tests
python -m evaluate report runs/seed-1 runs/seed-2                     # a page about scored runs
python -m evaluate publish runs/seed-1 runs/seed-2                    # into results/, with tables and cards
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from evaluate.robustness import robustness, robustness_table
from evaluate.run import (
    labels_of,
    predict,
    read_run,
    seeds_of,
    segmentation_ceiling,
    training_logs,
    write_fold_predictions,
)
from evaluate.scores import score_documents, write_results
from thidua_ner.faults import fail, run_program
from thidua_ner.faults import some_of
from thidua_ner.formats.registry import labels_known, read_documents, read_predictions
from thidua_ner.pages import report
from thidua_ner.publishing import publish
from thidua_ner.scoring import comparison as compare
from thidua_ner.scoring.resampling import UNITS
from thidua_ner.scoring.tables import document_mean, muc_table, score_table, seeds_table, unseen_share
from thidua_ner.text.iob2 import Repair


def parse_arguments() -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", nargs="?", type=Path, help="a run folder, a fold of one, or a checkpoint")
    parser.add_argument("--gold", type=Path, metavar="DIR_OR_FILE", help="annotated documents to score on")
    parser.add_argument("--predictions", type=Path, metavar="DIR_OR_FILE", help="predictions of any system, likewise")
    parser.add_argument(
        "--repair", choices=get_args(Repair), default="none", help="what a .conll I- tag that continues nothing means"
    )
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


def evaluate_predictions(options: argparse.Namespace) -> None:
    """Score the predictions of any system; write only where --output says."""
    if options.gold.suffix == ".conll" and options.predictions.suffix == ".jsonl":
        remedy = "score against the .jsonl or the folder, or give the predictions as .conll"
        fail(options.gold, "keeps no text, so that offsets into it mean nothing", remedy)
    gold = read_documents(options.gold, None, options.repair)
    predicted = read_predictions(options.predictions, gold, labels_known(gold), options.repair)
    scores = score_documents(gold, predicted)
    if options.output:
        write_results(options.output, gold, predicted, scores)
    show(scores)


def evaluate_run(options: argparse.Namespace, path: Path) -> dict[str, Any]:
    """Tag and score a run's test documents, or other ones."""
    run = read_run(path)
    if options.gold is None and not run.test:
        fail(path, "has no test documents of its own", "name annotated documents with --gold")
    gold = read_documents(options.gold, labels_of(run), options.repair) if options.gold else list(run.test)
    predicted = predict(run, gold)
    scores = score_documents(gold, predicted, run.mentions(gold))
    scores["segmentation_ceiling"] = segmentation_ceiling(run, gold)
    scores["trained_on"] = run.trained_on(gold)
    scores["run"] = {
        **{key: run.manifest.get(key) for key in ("commit", "data_fingerprint", "seed")},
        "train_documents": run.train_documents,
    }
    if options.robustness:
        scores["robustness"] = robustness(run, gold, predicted)
    folder = options.output or (path / f"scores-{options.gold.resolve().stem}" if options.gold else path)
    write_results(folder, gold, predicted, scores, manifest=run.manifest, logs=training_logs(run))
    if options.gold is None:
        write_fold_predictions(run, predicted)
    show(scores)
    print(f"\npredictions.jsonl, scores.json and report.html are in {folder}")
    if scores["trained_on"]:
        warning = f"every model was trained on the text of {some_of(scores['trained_on'])}: these scores say little"
        print(f"warning: {warning} of new texts", file=sys.stderr)
    return scores


def evaluate_seeds(options: argparse.Namespace, seeds: Sequence[Path]) -> None:
    """Score each seed of a folder, then print their mean and spread."""
    scores = []
    for path in seeds:
        print(f"\n{path}\n")
        own = argparse.Namespace(**{**vars(options), "output": options.output and options.output / path.name})
        scores.append(evaluate_run(own, path))
    print(f"\n{seeds_table(scores)}")


def show(scores: dict[str, Any]) -> None:
    """Print the tables, the ceiling of the word segmentation where there is one, and the signature."""
    print(score_table(scores))
    ranges = (scores["intervals"][unit]["bca"] for unit in UNITS)
    shown = ", ".join(
        f"{100 * low:.1f} to {100 * high:.1f} by {unit}" for unit, (low, high) in zip(UNITS, ranges, strict=True)
    )
    print(f"\n95% interval of micro F1: {shown}")
    print(f"mean F1 of documents: {document_mean(scores['document_macro'])}")
    if scores["seen"]:
        print(f"mentions that training did not have: {unseen_share(scores['seen']['exact'])}")
    print(f"\n{muc_table(scores['muc'])}")
    ceiling = scores.get("segmentation_ceiling")
    if ceiling:
        print(f"\nword segmentation leaves {ceiling['reachable']} of {ceiling['entities']} entities reachable")
    if "robustness" in scores:
        print(f"\n{robustness_table(scores['robustness'])}")
    for note in scores["notes"]:
        print(f"\nnote: {note}")
    print(f"\n{scores['signature']}")


def main() -> None:
    """Score what was asked for."""
    for name, command in (("compare", compare.main), ("publish", publish.main), ("report", report.main)):
        if sys.argv[1:2] == [name]:
            command(sys.argv[2:])
            return
    options = parse_arguments()
    if options.predictions:
        evaluate_predictions(options)
    elif seeds := seeds_of(options.run):
        evaluate_seeds(options, seeds)
    else:
        evaluate_run(options, options.run)


if __name__ == "__main__":
    run_program(main)

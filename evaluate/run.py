"""Tag and score a run's test documents, or others, with the models that have not read them."""

import sys
from dataclasses import replace
from pathlib import Path

from evaluate.robustness import tag_perturbed
from thidua_ner.faults import UsageError, fail, show_controls
from thidua_ner.formats.registry import read_documents
from thidua_ner.pages.report import write_results
from thidua_ner.runs.folder import RunFolder, seed_folders
from thidua_ner.runs.run import read_run
from thidua_ner.runs.scored import Scored, score_run
from thidua_ner.scoring.evaluation import format_evaluation, note_repairs
from thidua_ner.scoring.results import Evaluation
from thidua_ner.scoring.tables import seeds_table
from thidua_ner.tagging.ensemble import tag_unread
from thidua_ner.text.iob2 import TagReading


def evaluate(
    path: Path,
    *,
    gold: Path | None = None,
    tags: TagReading | None = None,
    output: Path | None = None,
    with_robustness: bool = False,
) -> list[Evaluation]:
    """Score a run, or each run of a folder of seeds, and write predictions, scores and a report.

    `gold` names documents to score on instead of the run's own, `tags` how their CoNLL columns are read. Returns one
    evaluation per seed.
    """
    seeds = seed_folders(path)
    if not seeds:
        return [evaluate_run(path, gold=gold, tags=tags, output=output, with_robustness=with_robustness)]
    scores = []
    for seed in seeds:
        print(f"\n{seed}\n")
        own = output / seed.name if output else None
        scores.append(evaluate_run(seed, gold=gold, tags=tags, output=own, with_robustness=with_robustness))
    print(f"\n{seeds_table(scores)}")
    return scores


def evaluate_run(
    path: Path,
    *,
    gold: Path | None = None,
    tags: TagReading | None = None,
    output: Path | None = None,
    with_robustness: bool = False,
) -> Evaluation:
    """Score one run on its own test documents or on `gold`; results go to `output`, by default to the run."""
    tags = TagReading() if tags is None else replace(tags, changed=0)  # which counts for this run alone
    run = read_run(path)
    if gold is None and not run.test:
        remedy = "name annotated documents with --gold"
        fail(path, "has no test documents of its own", remedy, kind=UsageError)
    documents = read_documents(gold, tags=tags) if gold else list(run.test)
    predicted = tag_unread(run, documents)
    perturbed = tag_perturbed(run, documents, predicted) if with_robustness else None
    scores = note_repairs(score_run(run, documents, predicted, perturbed), gold=tags)
    folder = output or (path / f"scores-{gold.resolve().stem}" if gold else path)
    scored = Scored(str(folder), documents, predicted, scores, run.manifest, run.training_logs(), perturbed)
    write_results(folder, scored)
    if gold is None:
        run.write_fold_predictions(predicted)
    print(show_controls(format_evaluation(scores)))
    written = RunFolder(folder)
    print(f"\n{written.predictions.name}, {written.scores.name} and {written.report.name} are in {folder}")
    if scores.warning:
        print(f"warning: {scores.warning}", file=sys.stderr)
    return scores

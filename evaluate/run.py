"""Tag and score a run's test documents, or others, with the models that have not read them."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evaluate.robustness import robustness
from thidua_ner.faults import UsageError, fail
from thidua_ner.formats.registry import read_documents
from thidua_ner.pages.report import write_results
from thidua_ner.runs.folder import RunFolder, model_config_path, read_model_config, seed_folders
from thidua_ner.runs.run import Run, read_run
from thidua_ner.runs.scored import Scored
from thidua_ner.scoring.ceilings import Ceiling, segmentation_ceiling
from thidua_ner.scoring.evaluation import evaluate_documents, format_evaluation, note_repairs
from thidua_ner.scoring.results import Evaluation, ScoredRun
from thidua_ner.scoring.tables import seeds_table
from thidua_ner.tagging.ensemble import tag_unread
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document
from thidua_ner.text.words import SEGMENTERS


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
    run = read_run(path)
    if gold is None and not run.test:
        remedy = "name annotated documents with --gold"
        fail(path, "has no test documents of its own", remedy, kind=UsageError)
    documents = read_documents(gold, tags=tags) if gold else list(run.test)
    predicted = tag_unread(run, documents)
    scores = note_repairs(_score(run, documents, predicted), gold=tags or TagReading())
    if with_robustness:
        scores = replace(scores, robustness=robustness(run, documents, predicted))
    folder = output or (path / f"scores-{gold.resolve().stem}" if gold else path)
    scored = Scored(str(folder), documents, predicted, scores, run.manifest, run.training_logs())
    write_results(folder, scored)
    if gold is None:
        run.write_fold_predictions(predicted)
    print(format_evaluation(scores))
    written = RunFolder(folder)
    print(f"\n{written.predictions.name}, {written.scores.name} and {written.report.name} are in {folder}")
    if scores.warning:
        print(f"warning: {scores.warning}", file=sys.stderr)
    return scores


def _score(run: Run, documents: Sequence[Document], predicted: Sequence[Document]) -> Evaluation:
    """Score the predictions of a run, with what is known of its training."""
    manifest = run.manifest
    return replace(
        evaluate_documents(documents, predicted, run.mentions(documents), run.trained_on(documents)),
        segmentation_ceiling=_ceiling(run, documents),
        run=ScoredRun(
            commit=manifest.commit if manifest else None,
            data_fingerprint=manifest.data_fingerprint if manifest else None,
            seed=manifest.seed if manifest else None,
            train_documents=run.train_documents,
        ),
    )


def _ceiling(run: Run, documents: Sequence[Document]) -> Ceiling:
    """Measure how many gold spans the run's word segmentation leaves reachable."""
    folder = run.models[0].folder
    name = read_model_config(folder).segmenter
    if name not in SEGMENTERS:
        fail(model_config_path(folder), f"has the unknown segmenter {name!r}", f"use one of {', '.join(SEGMENTERS)}")
    return segmentation_ceiling(documents, SEGMENTERS[name])

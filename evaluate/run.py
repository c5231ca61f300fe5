"""Tag and score a run's test documents, or others, with the models that have not read them."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from evaluate.robustness import tag_perturbed
from thidua_ner.corpus.wild import ORIGINS
from thidua_ner.faults import UsageError, fail, show_controls
from thidua_ner.formats.registry import read_documents
from thidua_ner.pages.report import write_results
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.runs.folder import RunFolder, seed_folders
from thidua_ner.runs.run import Run, read_run
from thidua_ner.runs.scored import OTHER_TESTS, Scored, score_run
from thidua_ner.scoring.evaluation import format_evaluation, note_repairs
from thidua_ner.scoring.results import Evaluation
from thidua_ner.scoring.tables import seeds_table, tests_table
from thidua_ner.tagging.ensemble import tag_unread
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document


def evaluate(
    path: Path,
    *,
    gold: Path | None = None,
    tags: TagReading | None = None,
    output: Path | None = None,
    with_robustness: bool = False,
    device: str | None = None,
) -> list[Evaluation]:
    """Score a run, or each run of a folder of seeds, and write predictions, scores and a report.

    `gold` names documents to score on instead of the run's own, `tags` how their CoNLL columns are read, `device` what
    runs an encoder (by default a GPU if there is one). Returns one evaluation per seed.
    """
    one = partial(evaluate_run, gold=gold, tags=tags, with_robustness=with_robustness, device=device)
    seeds = seed_folders(path)
    if not seeds:
        return [one(path, output=output)]
    scores = []
    for seed in seeds:
        print(f"\n{seed}\n")
        scores.append(one(seed, output=output / seed.name if output else None))
    print(f"\n{seeds_table(scores)}")
    return scores


def evaluate_run(
    path: Path,
    *,
    gold: Path | None = None,
    tags: TagReading | None = None,
    output: Path | None = None,
    with_robustness: bool = False,
    device: str | None = None,
) -> Evaluation:
    """Score one run on its own test documents or on `gold`; results go to `output`, by default to the run.

    A run of the benchmark that is not scored on `gold` is scored on the other tests too that are here.
    """
    tags = TagReading() if tags is None else replace(tags, changed=0)  # which counts for this run alone
    run = read_run(path)
    if gold is None and not run.test:
        remedy = "name annotated documents with --gold"
        fail(path, "has no test documents of its own", remedy, kind=UsageError)
    documents = read_documents(gold, tags=tags) if gold else list(run.test)
    folder = output or (RunFolder(path).test(_name(gold)).path if gold else path)
    scored = _score(run, documents, folder, tags=tags, with_robustness=with_robustness, device=device)
    if gold is None:
        run.write_fold_predictions(scored.predicted)
        _score_other_tests(run, folder, scored, device)
    return scored.scores


def _name(gold: Path) -> str:
    """Name a test after its file, or as the benchmark does if it is one of its own."""
    known = {place.resolve(): name for name, place in OTHER_TESTS.items()}
    return known.get(gold.resolve(), gold.resolve().stem)


def _score(
    run: Run,
    documents: list[Document],
    folder: Path,
    *,
    tags: TagReading,
    device: str | None,
    with_robustness: bool = False,
) -> Scored:
    """Tag and score documents, write what that gives into a folder, and print the figures."""
    predicted = tag_unread(run, documents, device=device)
    perturbed = tag_perturbed(run, documents, predicted, device=device) if with_robustness else None
    scores = note_repairs(score_run(run, documents, predicted, perturbed), gold=tags)
    scored = Scored(str(folder), documents, predicted, scores, run.manifest, run.training_logs(), perturbed)
    write_results(folder, scored)
    print(show_controls(format_evaluation(scores)))
    written = RunFolder(folder)
    print(f"\n{written.predictions.name}, {written.scores.name} and {written.report.name} are in {folder}")
    if scores.warning:
        print(f"warning: {scores.warning}", file=sys.stderr)
    return scored


def _score_other_tests(run: Run, folder: Path, scored: Scored, device: str | None) -> None:
    """Score a run of the benchmark, unless it has read real documents, on its other tests, and tabulate all."""
    protocol = PROTOCOLS.get(str(run.manifest.protocol)) if run.manifest else None
    if protocol is None or protocol.leaves_one_out:
        return
    rows = {"gold": (scored.gold, scored.predicted)}
    for name, place in OTHER_TESTS.items():
        if place.is_file():
            print(f"\n{name}\n")
            there = RunFolder(folder).test(name).path
            own = _score(run, read_documents(place), there, tags=TagReading(), device=device)
            rows |= _by_column(name, own.gold, own.predicted)
    if len(rows) > 1:
        print(f"\n{tests_table(rows)}")


def _by_column(
    name: str, gold: Sequence[Document], predicted: Sequence[Document]
) -> dict[str, tuple[Sequence[Document], Sequence[Document]]]:
    """Part a test into the columns of the leaderboard: the texts of `wild` by their source."""
    if name != "wild":
        return {name: (gold, predicted)}
    found: dict[str, tuple[Sequence[Document], Sequence[Document]]] = {}
    for origin in ORIGINS.values():
        pairs = [(g, p) for g, p in zip(gold, predicted, strict=True) if origin.has(g.id)]
        if pairs:
            found[origin.column] = ([g for g, _ in pairs], [p for _, p in pairs])
    return found

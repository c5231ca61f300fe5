"""A system's predictions with their scores, in memory and in a folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from thidua_ner.faults import UsageError, fail
from thidua_ner.files import read_json, write_json
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.formats.registry import keeps_text, read_documents, read_predictions
from thidua_ner.runs.checks import SCORE_AGAIN, check_ranges, check_same, check_scores
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.robustness import Perturbed, read_perturbed, score_perturbed, write_perturbed
from thidua_ner.runs.run import Run, read_run
from thidua_ner.scoring.evaluation import evaluate_documents, note_repairs
from thidua_ner.scoring.results import Evaluation
from thidua_ner.scoring.strict import is_scored_on
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document

GOLD_FOLDER = Path("annotations/gold")
"""The benchmark's gold documents, in the project's folder."""

OTHER_TESTS = {"pairs": Path("data/pairs/test.jsonl"), "wild": Path("runs/wild/test.jsonl")}
"""The benchmark's other tests, in the project's folder; `thidua-ner wild` makes the file of `wild`."""


def read_gold(path: Path | None, tags: TagReading | None = None) -> list[Document]:
    """Read gold documents with any labels, by default the benchmark's; raises UsageError if those are not here."""
    if path is None and not GOLD_FOLDER.exists():
        what, remedy = "does not exist here", "name the gold documents with --gold"
        fail(GOLD_FOLDER, what, remedy, kind=UsageError)
    return read_documents(path or GOLD_FOLDER, tags=tags)


def read_common_gold(paths: Sequence[Path], path: Path | None) -> list[Document]:
    """Read gold documents: those of `path`, or the test documents of the runs among `paths` if all have the same.

    Otherwise they are the benchmark's; raises UsageError if those are not here.
    """
    tests = [read_run(one).test for one in paths if path is None and RunFolder(one).has_models]
    return list(tests[0]) if tests and tests[0] and tests.count(tests[0]) == len(tests) else read_gold(path)


@dataclass(frozen=True, slots=True)
class Scored:
    """Gold and predicted documents with their scores, and what is known of the system that predicted them."""

    name: str
    gold: Sequence[Document]
    predicted: Sequence[Document]
    scores: Evaluation
    manifest: Manifest | None = None
    logs: Mapping[str, list[dict[str, float]]] = field(default_factory=dict)
    perturbed: Perturbed | None = None


def score_run(
    run: Run, gold: Sequence[Document], predicted: Sequence[Document], perturbed: Perturbed | None = None
) -> Evaluation:
    """Score the predictions of a run, with what is known of its training and, if given, its robustness."""
    return replace(
        evaluate_documents(gold, predicted, run.mentions(gold), run.trained_on(gold)),
        segmentation_ceiling=run.ceiling(gold),
        run=run.facts,
        robustness=None if perturbed is None else score_perturbed(gold, predicted, perturbed),
    )


def write_scored(scored: Scored, folder: Path) -> None:
    """Write the predictions and the scores into a folder, the scores last."""
    run = RunFolder(folder)
    write_predictions(run.predictions, scored.predicted)
    if scored.perturbed is None:
        run.perturbed.unlink(missing_ok=True)
    else:
        write_perturbed(run.perturbed, scored.perturbed)
    write_json(run.scores, scored.scores)


def read_scores(folder: Path) -> Evaluation:
    """Read `scores.json` of a scored folder; raises DataError if it is missing or damaged."""
    path = RunFolder(folder).scores
    if not path.is_file():
        fail(path, "is missing", SCORE_AGAIN)
    scores = read_json(path, Evaluation, SCORE_AGAIN)
    check_ranges(path, scores)
    return scores


def read_scored(folder: Path, gold: Path | None, tags: TagReading | None = None) -> Scored:
    """Read a scored folder; `gold` is what it was scored on, if not its own documents.

    Raises DataError if a file is missing or damaged, or if the scores are on other documents or other predictions.
    """
    run_folder = RunFolder(folder)
    scores = read_scores(folder)
    manifest = run_folder.read_manifest() if run_folder.manifest.is_file() else None
    run = read_run(folder) if run_folder.has_models else None
    documents = run.test if run and gold is None else read_gold(gold, tags)
    if not is_scored_on(scores.signature, documents):
        fail(run_folder.scores, "are scores on other documents", "name those with --gold, or score the run again")
    predicted = read_predictions(run_folder.predictions, documents)
    check_scores(run_folder.scores, scores, documents, predicted, run)
    perturbed = check_robustness(folder, scores, documents, predicted, needed=run is not None)
    logs = run.training_logs() if run else {}
    return Scored(str(folder), documents, predicted, scores, manifest, logs, perturbed)


def check_robustness(
    folder: Path, scores: Evaluation, gold: Sequence[Document], predicted: Sequence[Document], *, needed: bool
) -> Perturbed | None:
    """Read what a scored folder has of its gold written differently; raises DataError if that gives other figures.

    It is None if there are no figures, or neither a file nor a `needed` one: results published before have none.
    """
    path = RunFolder(folder).perturbed
    if scores.robustness is None or not (needed or path.exists()):
        return None
    found = read_perturbed(path, gold)
    computed = replace(scores, robustness=score_perturbed(gold, predicted, found))
    check_same(RunFolder(folder).scores, scores, computed)
    return found


def check_systems(systems: Mapping[str, Sequence[Document]], gold: Sequence[Document]) -> None:
    """Raise DataError if a scored folder, by path, has scores on this gold that are not those of its predictions."""
    for path, predicted in systems.items():
        if RunFolder(Path(path)).scores.is_file():
            scores = read_scores(Path(path))
            if is_scored_on(scores.signature, gold):
                check_scores(RunFolder(Path(path)).scores, scores, gold, predicted)


def score_predictions(
    gold: Path,
    predictions: Path,
    *,
    gold_tags: TagReading | None = None,
    tags: TagReading | None = None,
    name: str = "",
) -> Scored:
    """Score the predictions of any system; `gold_tags` and `tags` say how CoNLL columns are read on the two sides.

    Raises DataError if a file is damaged or does not fit the gold.
    """
    gold_tags, tags = gold_tags or TagReading(), tags or TagReading()
    if not keeps_text(gold) and predictions.suffix.lower() in {".jsonl", ".ndjson"}:
        remedy = "score against the .jsonl or the folder, or give the predictions as .conll"
        fail(gold, "does not keep the text, so character offsets do not apply to it", remedy)
    documents = read_documents(gold, tags=gold_tags)
    predicted = read_predictions(_predictions_in(predictions), documents, tags=tags)
    scores = note_repairs(evaluate_documents(documents, predicted), gold=gold_tags, predictions=tags)
    return Scored(name, documents, predicted, scores)


def read_systems(paths: Sequence[Path], gold: Sequence[Document]) -> dict[str, list[Document]]:
    """Read the predictions of systems, by path: scored folders, or predictions in any format."""
    return {str(path): read_predictions(_predictions_in(path), gold) for path in paths}


def _predictions_in(path: Path) -> Path:
    """Return the predictions file of a scored folder; any other path is taken as predictions."""
    return RunFolder(path).predictions if path.is_dir() and not any(path.glob("*.ann")) else path

"""Publish scored runs: copy them to results/, rebuild the leaderboard, the README's table and the model cards."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.files import read_text, write_text
from thidua_ner.formats.brat import read_folder
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.publishing.leaderboard import LeaderboardRow, leaderboard, read_rows, readme_table
from thidua_ner.publishing.model_card import model_card
from thidua_ner.runs.folder import RESULT_FILES, RunFolder, run_folders
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.scored import GOLD_FOLDER, read_scores
from thidua_ner.scoring.breakdowns import breakdown
from thidua_ner.scoring.resampling import intervals
from thidua_ner.scoring.results import Evaluation
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document

_MARKERS = ("<!-- results -->\n", "<!-- /results -->")
_NOT_RECOMPUTED = {"seen", "signature"}
"""Fields that need more than predictions and gold: the training mentions, the version of the code."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A scored run, and the folder of results/ where it belongs."""

    folder: Path
    target: Path


def publish(runs: Sequence[Path], *, root: Path = Path()) -> list[LeaderboardRow]:
    """Publish runs, all or none, and rebuild the tables from results/; without runs, only rebuild.

    A folder of seeds stands for its runs; `root` is the project's folder. Raises DataError if the figures of a run
    cannot be trusted or repeated.
    """
    publications: list[Publication] = []
    if runs:
        gold = read_folder(root / GOLD_FOLDER)
        publications = [check_run(folder, root, gold) for folder in run_folders(runs)]
        read_rows(root / "results")  # raises what would stop the tables, before anything is copied
        _readme_around_table(root)
    for one in publications:
        one.target.mkdir(parents=True, exist_ok=True)
        for name in RESULT_FILES:
            shutil.copyfile(one.folder / name, one.target / name)
        print(f"{one.folder} -> {one.target}")
    rows = rebuild(root)
    print(f"{len(rows)} rows: {root / 'results/LEADERBOARD.md'}, {root / 'README.md'}, one card per row")
    return rows


def check_run(folder: Path, root: Path, gold: Sequence[Document]) -> Publication:
    """Find where a run belongs; raises DataError if its figures cannot be trusted or repeated."""
    run = RunFolder(folder)
    if not run.manifest.is_file():
        fail(folder, "is not a run", "name a run that `python -m evaluate` has scored")
    manifest = run.read_manifest()
    _check_manifest(run, manifest)
    scores = read_scores(folder)
    if scores.trained_on != ():
        fail(folder, "was scored on texts that its models have read, or may have read", "score its own test documents")
    if not follows_from(scores, gold, read_predictions(run.predictions, gold)):
        remedy = f"run `python -m evaluate {folder}`"
        fail(run.scores, "are not the scores of its predictions on the gold", remedy)
    target = RunFolder(root / "results" / manifest.name / str(manifest.protocol)).seed(manifest.seed)
    return Publication(folder, target.path)


def _check_manifest(run: RunFolder, manifest: Manifest) -> None:
    """Raise DataError if a manifest lacks what a published figure needs."""
    if "changes" in manifest.commit or manifest.commit == "unknown":
        fail(run.path, f"was trained by the code of commit {manifest.commit}", "commit all changes, and train it again")
    if manifest.protocol not in PROTOCOLS:
        what = f"is a run of {manifest.protocol or 'other data than the benchmark'}"
        fail(run.path, what, f"train one of {', '.join(PROTOCOLS)}")
    if strange := [fold for fold in manifest.folds if not PROTOCOLS[manifest.protocol].is_fold(fold)]:
        fail(run.manifest, f"has the fold {strange[0]!r}, which {manifest.protocol} has not", "train the run again")
    if manifest.execution is None:
        what = "lacks the precision, the device, the processor, the processes and the launcher"
        fail(run.manifest, what, "train the run again")


def follows_from(scores: Evaluation, gold: Sequence[Document], predicted: Sequence[Document]) -> bool:
    """Tell whether scores are those of the predictions on the gold, as far as they can be recomputed."""
    for again in (score(gold, predicted), breakdown(gold, predicted)):
        names = {one.name for one in fields(again)} - _NOT_RECOMPUTED
        if any(getattr(scores, name) != getattr(again, name) for name in names):
            return False
    return scores.intervals == intervals(gold, predicted)


def rebuild(root: Path) -> list[LeaderboardRow]:
    """Write the leaderboard, the README's table and the model cards from what is in results/."""
    rows = read_rows(root / "results")
    before, after = _readme_around_table(root)
    write_text(root / "README.md", f"{before}{_MARKERS[0]}{readme_table(rows)}\n{_MARKERS[1]}{after}")
    configs = sorted(path.stem for path in (root / "configs").glob("*.yaml"))
    write_text(root / "results/LEADERBOARD.md", leaderboard(rows, configs))
    for row in rows:
        write_text(root / "results" / row.system / row.protocol / "README.md", model_card(row))
    return rows


def _readme_around_table(root: Path) -> tuple[str, str]:
    """Read the text before and after the README's table of results; raises DataError if there is no table."""
    readme = read_text(root / "README.md")
    if any(readme.count(marker) != 1 for marker in _MARKERS):
        remedy = f"put {_MARKERS[0].strip()} and {_MARKERS[1]} around one"
        fail(root / "README.md", "has no table of results", remedy)
    before, _, rest = readme.partition(_MARKERS[0])
    return before, rest.partition(_MARKERS[1])[2]

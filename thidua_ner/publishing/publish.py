"""Publish scored runs: write them to results/, rebuild the leaderboard, the README's table and the model cards."""

import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from thidua_ner.faults import MachineError, UsageError, fail
from thidua_ner.files import read_text, remove_temporaries, whole, write_json, write_text
from thidua_ner.formats.brat import read_folder
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.publishing.leaderboard import LeaderboardRow, Result, leaderboard, read_rows, readme_table
from thidua_ner.publishing.model_card import model_card
from thidua_ner.publishing.private import without_private_paths
from thidua_ner.runs.checks import check_same
from thidua_ner.runs.folder import RunFolder, run_folders
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.robustness import Perturbed, read_perturbed
from thidua_ner.runs.run import read_run
from thidua_ner.runs.scored import GOLD_FOLDER, Scored, read_scores, score_run, write_scored
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document

_MARKERS = ("<!-- results -->\n", "<!-- /results -->")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Publication:
    """A run, what is published of it, and the folder of results/ where it belongs."""

    folder: Path
    target: RunFolder
    manifest: Manifest
    scored: Scored

    @property
    def files(self) -> list[Path]:
        """The files that it may have in results/."""
        return [self.target.manifest, self.target.predictions, self.target.perturbed, self.target.scores]


def publish(runs: Sequence[Path], *, root: Path = Path()) -> list[LeaderboardRow]:
    """Publish runs, all or none, and rebuild the tables from results/; without runs, only rebuild.

    A folder of seeds stands for its runs; `root` is the project's folder. Raises DataError if the figures of a run
    cannot be trusted or repeated, MachineError if something cannot be written.
    """
    results = root / "results"
    publications = check_runs(runs, root)
    new = {one.target.path: Result(one.scored.scores, one.manifest) for one in publications}
    rows = read_rows(results, new)
    tables = build_tables(rows, root)
    _check_places([*(path for one in publications for path in one.files), *tables], root)
    if publications:
        _put_in_place(publications)
    for one in publications:
        print(f"{one.folder} -> {one.target.path}")
    for path, content in tables.items():
        write_text(path, content)
    print(f"{len(rows)} rows: {results / 'LEADERBOARD.md'}, {root / 'README.md'}, one card per row")
    return rows


def check_runs(runs: Sequence[Path], root: Path) -> list[Publication]:
    """Find what is published of runs; raises DataError if a figure cannot be trusted or repeated."""
    if not runs:
        return []
    gold = read_folder(root / GOLD_FOLDER)
    found: dict[Path, Publication] = {}
    for folder in dict.fromkeys(run_folders(runs)):
        one = _check_run(folder, root, gold)
        other = found.setdefault(one.target.path, one)
        if other is not one:
            what, remedy = f"has the config, the protocol and the seed of {other.folder}", "publish one of them"
            fail(folder, what, remedy, kind=UsageError)
    return list(found.values())


def _check_run(folder: Path, root: Path, gold: Sequence[Document]) -> Publication:
    """Score a run again; raises DataError if its figures are others, or cannot be trusted or repeated."""
    own = RunFolder(folder)
    if not own.manifest.is_file():
        fail(folder, "is not a run", "name a run that `python -m evaluate` has scored")
    manifest = own.read_manifest()
    _check_manifest(own, manifest)
    written = read_scores(folder)
    if written.trained_on != ():
        fail(folder, "was scored on texts that its models have read, or may have read", "score its own test documents")
    _check_folds(own, manifest)
    run = read_run(folder)
    predicted = read_predictions(own.predictions, gold, ENTITY_TYPES)
    perturbed: Perturbed | None = None if written.robustness is None else read_perturbed(own.perturbed, gold)
    scores = score_run(run, gold, predicted, perturbed)
    check_same(own.scores, written, scores)
    target = RunFolder(root / "results" / manifest.name / str(manifest.protocol)).seed(manifest.seed)
    scored = Scored(str(folder), gold, predicted, scores, perturbed=perturbed)
    return Publication(folder, target, without_private_paths(manifest, root), scored)


def _check_manifest(run: RunFolder, manifest: Manifest) -> None:
    """Raise DataError if a manifest lacks what a published figure needs."""
    if not _COMMIT.fullmatch(manifest.commit):
        fail(run.path, f"was trained by the code of commit {manifest.commit}", "commit all changes, and train it again")
    if not _FINGERPRINT.fullmatch(manifest.data_fingerprint):
        fail(run.manifest, f"has the data fingerprint {manifest.data_fingerprint!r}", "train the run again")
    if manifest.protocol not in PROTOCOLS:
        what = f"is a run of {manifest.protocol or 'other data than the benchmark'}"
        fail(run.path, what, f"train one of {', '.join(PROTOCOLS)}")
    if strange := [fold for fold in manifest.folds if not PROTOCOLS[manifest.protocol].is_fold(fold)]:
        fail(run.manifest, f"has the fold {strange[0]!r}, which {manifest.protocol} has not", "train the run again")
    if manifest.execution is None:
        what = "lacks the precision, the device, the processor, the processes and the launcher"
        fail(run.manifest, what, "train the run again")


def _check_folds(run: RunFolder, manifest: Manifest) -> None:
    """Raise DataError if a fold is that of another run; results are published where the run's folds are."""
    for fold in run.finished_folds():
        record = fold.read_record()
        if record.fold != fold.path.name or record.seed != manifest.seed:
            what = f"is of the fold {record.fold!r} with seed {record.seed}, the manifest of seed {manifest.seed}"
            fail(fold.record, what, "train the run again")


def build_tables(rows: Sequence[LeaderboardRow], root: Path) -> dict[Path, str]:
    """Format the README with its table, the leaderboard and the model cards, by path."""
    before, after = _readme_around_table(root)
    configs = sorted(path.stem for path in (root / "configs").glob("*.yaml"))
    return {
        root / "README.md": f"{before}{_MARKERS[0]}{readme_table(rows)}\n{_MARKERS[1]}{after}",
        root / "results/LEADERBOARD.md": leaderboard(rows, configs),
        **{root / "results" / row.system / row.protocol / "README.md": model_card(row) for row in rows},
    }


def _readme_around_table(root: Path) -> tuple[str, str]:
    """Read the text before and after the README's table of results; raises DataError if there is no table."""
    readme = read_text(root / "README.md")
    if any(readme.count(marker) != 1 for marker in _MARKERS):
        remedy = f"put {_MARKERS[0].strip()} and {_MARKERS[1]} around one"
        fail(root / "README.md", "has no table of results", remedy)
    before, _, rest = readme.partition(_MARKERS[0])
    return before, rest.partition(_MARKERS[1])[2]


def _check_places(files: Iterable[Path], root: Path) -> None:
    """Raise DataError if a file would be written through a symbolic link, or where something else is."""
    for path in files:
        for place in (path, *path.parents):
            if place == root:
                break
            if place.is_symlink():
                fail(place, "is a symbolic link", "replace it by a file or folder of its own")
            if place.exists() and place.is_dir() == (place == path):
                fail(place, f"is not a {'file' if place == path else 'folder'}", "move it away")


def _put_in_place(publications: Sequence[Publication]) -> None:
    """Write all folders beside their places, so that a full disk leaves nothing behind, and then move them there."""
    with ExitStack() as places:
        for one in publications:
            if one.target.path.parent.exists():
                remove_temporaries(one.target.path.parent)  # of a process that was killed
        for one in publications:
            _write(one, RunFolder(places.enter_context(whole(one.target.path))))


def _write(one: Publication, staged: RunFolder) -> None:
    """Write a run's files to a folder beside its own; a fault names the file that cannot be written in its own."""
    try:
        write_json(staged.manifest, one.manifest)
        write_scored(one.scored, staged.path)
    except MachineError as error:
        faults = [replace(fault, file=str(one.target.path / Path(fault.file).name)) for fault in error.faults]
        raise MachineError(faults) from None

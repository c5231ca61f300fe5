"""Publish scored results: write them to results/, rebuild the leaderboard, the README's table and the model cards."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from thidua_ner.faults import Fault, FaultError, UsageError, fail
from thidua_ner.files import read_text, remove_temporaries, whole, write_json, write_text
from thidua_ner.formats.brat import read_folder
from thidua_ner.formats.jsonl import read_documents, read_predictions
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.publishing.columns import read_columns
from thidua_ner.publishing.leaderboard import MAIN, Board, leaderboard, read_board, readme_table
from thidua_ner.publishing.model_card import model_card
from thidua_ner.publishing.private import without_private_paths
from thidua_ner.publishing.submission import Submission, check_submission, submission_path
from thidua_ner.publishing.versions import check_data, read_test
from thidua_ner.runs.checks import check_same, check_scores
from thidua_ner.runs.folder import RunFolder, run_folders
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.robustness import Perturbed, read_perturbed, score_perturbed
from thidua_ner.runs.run import Run, read_run
from thidua_ner.runs.scored import GOLD_FOLDER, OTHER_TESTS, Scored, read_scores, score_run, write_scored
from thidua_ner.scoring.breakdowns import hard_groups
from thidua_ner.scoring.evaluation import evaluate_documents
from thidua_ner.scoring.results import Evaluation
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document

_MARKERS = ("<!-- results -->\n", "<!-- /results -->")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_TRAINING = Path("data/documents/synthetic-train.jsonl")


@dataclass(frozen=True, slots=True)
class Publication:
    """What is published: where it comes from, the folder of results/ where it belongs, its scores on each test.

    `kept` are the tests whose published predictions stay, because the predictions on the gold are the same.
    """

    folder: Path
    target: RunFolder
    origin: Manifest | Submission
    scored: Scored
    others: dict[str, Scored]
    kept: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """The files that it may have in results/."""
        folders = (self.target, *(self.target.test(name) for name in OTHER_TESTS))
        own = [path for one in folders for path in (one.predictions, one.scores)]
        return [self.target.manifest, submission_path(self.target), self.target.perturbed, *own]


@dataclass(frozen=True, slots=True)
class _Project:
    """What publications are checked against: the folder, the gold and the synthetic training documents."""

    root: Path
    gold: Sequence[Document]
    training: Sequence[Document]


def publish(runs: Sequence[Path], *, root: Path = Path(), submission: Submission | None = None) -> Board:
    """Publish runs, or scored predictions as a `submission`, all or none, and rebuild the tables from results/.

    Without runs the tables are only rebuilt. A folder of seeds stands for its runs; `root` is the project's folder.
    Raises DataError if the figures of a run cannot be trusted or repeated, MachineError if something cannot be written.
    """
    results = root / "results"
    publications = check_runs(runs, root, submission)
    _check_places([path for one in publications for path in one.files], root)
    with tempfile.TemporaryDirectory() as staging:
        staged = {one.target.path: Path(staging) / str(number) for number, one in enumerate(publications)}
        with _named_in_place(staged):
            for one in publications:
                _write(one, RunFolder(staged[one.target.path]))
            board = read_board(results, read_columns(root), staged)
            tables = build_tables(board, root)
        _check_places([*tables, *(path for one in publications for path in one.files)], root)
        for one in publications:
            print(f"{one.folder} -> {one.target.path}{_changes(one)}")
        _put_in_place(staged)
    for path, content in tables.items():
        write_text(path, content)
    print(f"{len(board.rows)} rows: {results / 'LEADERBOARD.md'}, {root / 'README.md'}, one card per row")
    return board


def check_runs(runs: Sequence[Path], root: Path, submission: Submission | None = None) -> list[Publication]:
    """Find what is published of runs; raises DataError if a figure cannot be trusted or repeated."""
    if not runs:
        return []
    training = read_documents(root / _TRAINING) if (root / _TRAINING).is_file() else []
    project = _Project(root, read_folder(root / GOLD_FOLDER), training)
    if submission:
        check_submission(submission, "publish", kind=UsageError)
        return [_check_submitted(RunFolder(runs[0]), submission, project)]
    found: dict[Path, Publication] = {}
    for folder in dict.fromkeys(run_folders(runs)):
        one = _check_run(RunFolder(folder), project)
        other = found.setdefault(one.target.path, one)
        if other is not one:
            what, remedy = f"has the config, the protocol and the seed of {other.folder}", "publish one of them"
            fail(folder, what, remedy, kind=UsageError)
    return list(found.values())


def _check_run(own: RunFolder, project: _Project) -> Publication:
    """Score a run again; raises DataError if its figures are others, or cannot be trusted or repeated."""
    if not own.manifest.is_file() and own.scores.is_file():
        remedy = "add --name NAME and --url URL, which say whose they are"
        fail(own.path, "has the scores of a system that was not trained here", remedy)
    if not own.manifest.is_file():
        what = "is not a run" if own.path.exists() else "does not exist"
        remedy = "name a run that `python -m evaluate` has scored, or a folder that `thidua-ner score --output` wrote"
        fail(own.path, what, remedy)
    manifest = own.read_manifest()
    _check_scored(own, _how_to_score(own, "gold", is_run=True))
    _check_manifest(own, manifest)
    if read_scores(own.path).trained_on != ():
        what = "was scored on texts that its models have read, or may have read"
        fail(own.path, what, "score its own test documents")
    _check_folds(own, manifest)
    check_data(own, manifest, project.root)
    origin = without_private_paths(manifest, project.root)
    return _score_again(own, origin, project, read_run(own.path))


def _check_submitted(own: RunFolder, submission: Submission, project: _Project) -> Publication:
    """Score submitted predictions again; raises DataError if their figures are others."""
    if own.manifest.is_file():
        fail(own.path, "is a run", "publish it without --name and --url, or score its predictions into another folder")
    _check_scored(own, _how_to_score(own, "gold", is_run=False))
    return _score_again(own, submission, project, None)


def _score_again(own: RunFolder, origin: Manifest | Submission, project: _Project, run: Run | None) -> Publication:
    """Compute all that is published from the predictions in a folder, and compare it with the scores there."""
    target = RunFolder(project.root / "results" / origin.name / str(origin.protocol)).seed(origin.seed)
    predicted = read_predictions(own.predictions, project.gold, ENTITY_TYPES)
    is_same = target.predictions.is_file() and _is_same(target.predictions, predicted, project.gold)
    perturbed = _perturbed(own, target, project.gold, is_same=is_same)
    scored = _compute(own, project, project.gold, predicted, run, perturbed)
    others: dict[str, Scored] = {}
    kept: list[str] = []
    for name, place in OTHER_TESTS.items():
        if own.test(name).scores.is_file():
            _check_scored(own.test(name), _how_to_score(own, name, is_run=run is not None))
            documents = read_test(name, own.test(name), project.root)
            found = read_predictions(own.test(name).predictions, documents, ENTITY_TYPES)
            others[name] = _compute(own.test(name), project, documents, found, run)
        elif target.test(name).scores.is_file():
            if not is_same:
                fail(own.path, f"was not scored on {name}, as the published result was", f"score it on {place} too")
            kept.append(name)
        elif (project.root / place).is_file() and str(origin.protocol) in MAIN:
            how = _how_to_score(own, name, is_run=run is not None)
            fail(own.path, f"was not scored on {name}", f"score it on {place} too: {how}")
    return Publication(own.path, target, origin, scored, others, tuple(kept))


def _check_scored(own: RunFolder, how: str) -> None:
    """Raise DataError, saying how it is scored, if a folder lacks scores or the predictions that they are of."""
    for path in (own.scores, own.predictions):
        if not path.is_file():
            fail(path, "is missing", f"score it first: {how}")


def _how_to_score(own: RunFolder, name: str, *, is_run: bool) -> str:
    """Give the command that scores a run, or the predictions of another system, on a test."""
    if is_run:
        return f"`python -m evaluate {own.path}`"
    gold, output = (GOLD_FOLDER, own) if name == "gold" else (OTHER_TESTS[name], own.test(name))
    return f"`thidua-ner score --gold {gold} --predictions FILE --output {output.path}`"


def _is_same(published: Path, predicted: Sequence[Document], gold: Sequence[Document]) -> bool:
    """Tell whether published predictions on the gold are these."""
    return [one.spans for one in read_predictions(published, gold)] == [one.spans for one in predicted]


def _perturbed(own: RunFolder, target: RunFolder, gold: Sequence[Document], *, is_same: bool) -> Perturbed | None:
    """Read what was found in the gold written differently: by this run, or by the published one if that is the same."""
    if read_scores(own.path).robustness is not None:
        return read_perturbed(own.perturbed, gold)
    if not target.perturbed.is_file():
        return None
    if not is_same:
        remedy = f"score it with `python -m evaluate {own.path} --robustness`"
        fail(own.path, "has no scores of robustness, as the published result has", remedy)
    return read_perturbed(target.perturbed, gold)


def _compute(
    own: RunFolder,
    project: _Project,
    gold: Sequence[Document],
    predicted: Sequence[Document],
    run: Run | None,
    perturbed: Perturbed | None = None,
) -> Scored:
    """Score predictions again; raises DataError if the folder's scores are others."""
    written = read_scores(own.path)
    scores = score_run(run, gold, predicted) if run else evaluate_documents(gold, predicted)
    with_all = _with_robustness(scores, gold, predicted, perturbed)
    known = with_all if written.robustness else scores
    if run is None:  # another version may have scored them, and tags may have been repaired
        check_scores(own.scores, written, gold, predicted)
        known = replace(written, hard=None, robustness=known.robustness)
    check_same(own.scores, replace(written, hard=None), known)
    hard = hard_groups(gold, predicted, project.training) if project.training else None
    return Scored(str(own.path), gold, predicted, replace(with_all, hard=hard), perturbed=perturbed)


def _with_robustness(
    scores: Evaluation, gold: Sequence[Document], predicted: Sequence[Document], perturbed: Perturbed | None
) -> Evaluation:
    return scores if perturbed is None else replace(scores, robustness=score_perturbed(gold, predicted, perturbed))


def _changes(one: Publication) -> str:
    """Say which figures of the published result change; nothing if there was none."""
    lines = []
    for name, own in {"gold": one.scored, **one.others}.items():
        place = one.target if name == "gold" else one.target.test(name)
        before = _headline(read_scores(place.path)) if place.scores.is_file() else "none"
        lines.append(f"  {name}: {before} -> {_headline(own.scores)}")
    lines += [f"  {name}: kept" for name in one.kept]
    return "".join(f"\n{line}" for line in lines) if one.target.scores.is_file() else ""


def _headline(scores: Evaluation) -> str:
    """Write the figure of a test, and the mean of robustness if there is one."""
    shown = f"{100 * (scores.pairs.all.share if scores.pairs else scores.micro.f1):.2f}"
    robust = scores.robustness or {}
    return f"{shown}, robust {100 * sum(r.f1 for r in robust.values()) / len(robust):.2f}" if robust else shown


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


def build_tables(board: Board, root: Path) -> dict[Path, str]:
    """Format the README with its table, the leaderboard and the model cards, by path."""
    before, after = _readme_around_table(root)
    configs = sorted(path.stem for path in (root / "configs").glob("*.yaml"))
    return {
        root / "README.md": f"{before}{_MARKERS[0]}{readme_table(board)}\n{_MARKERS[1]}{after}",
        root / "results/LEADERBOARD.md": leaderboard(board, configs),
        **{root / "results" / row.system / row.protocol / "README.md": model_card(row) for row in board.rows},
    }


def _readme_around_table(root: Path) -> tuple[str, str]:
    """Read the text before and after the README's table of results; raises DataError if there is no table."""
    readme = read_text(root / "README.md")
    if any(readme.count(marker) != 1 for marker in _MARKERS):
        remedy = f"put {_MARKERS[0].strip()} and {_MARKERS[1]} around one"
        fail(root / "README.md", "has no table of results", remedy)
    before, _, rest = readme.partition(_MARKERS[0])
    return before, rest.partition(_MARKERS[1])[2]


def _check_places(files: Sequence[Path], root: Path) -> None:
    """Raise DataError if a file would be written through a symbolic link, or where something else is or will be."""
    for path in files:
        for place in (path, *path.parents):
            if place == root:
                break
            if place != path and place in files:
                fail(place, "is the place of another file", "publish under another name")
            if place.is_symlink():
                fail(place, "is a symbolic link", "replace it by a file or folder of its own")
            if place.exists() and place.is_dir() == (place == path):
                fail(place, f"is not a {'file' if place == path else 'folder'}", "move it away")


def _put_in_place(staged: dict[Path, Path]) -> None:
    """Copy all folders beside their places, so that a full disk leaves nothing behind, and then move them there."""
    with ExitStack() as places:
        for target in staged:
            if target.parent.exists():
                remove_temporaries(target.parent)  # of a process that was killed
        for target, source in staged.items():
            shutil.copytree(source, places.enter_context(whole(target)))


def _write(one: Publication, staged: RunFolder) -> None:
    """Write the files of a publication to a folder."""
    if isinstance(one.origin, Manifest):
        write_json(staged.manifest, one.origin)
    else:
        write_json(submission_path(staged), one.origin)
    write_scored(one.scored, staged.path)
    for name, scored in one.others.items():
        write_scored(scored, staged.test(name).path)
    for name in one.kept:
        published, copy = one.target.test(name), staged.test(name)
        write_text(copy.predictions, read_text(published.predictions))
        write_text(copy.scores, read_text(published.scores))


@contextmanager
def _named_in_place(staged: Mapping[Path, Path]) -> Iterator[None]:
    """Make faults of staged files name these in their own place."""
    try:
        yield
    except FaultError as error:
        raise type(error)([_in_place(fault, staged) for fault in error.faults]) from None


def _in_place(fault: Fault, staged: Mapping[Path, Path]) -> Fault:
    for target, source in staged.items():
        if Path(fault.file).is_relative_to(source):
            return replace(fault, file=str(target / Path(fault.file).relative_to(source)))
    return fault

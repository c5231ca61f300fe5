"""Publishing writes all files of a result, and the tables, or none: whatever fails, and whoever is killed."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile

import pytest

from tests.conftest import ROOT, run_inside
from tests.scored_runs import WILD, add_tests, make_project, make_run, make_submission, score_test
from thidua_ner import files
from thidua_ner.faults import DataError, MachineError
from thidua_ner.files import is_temporary
from thidua_ner.publishing.publish import publish
from thidua_ner.publishing.submission import Submission


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a published run, a better one in its place, a run of its own and a submission."""
    root = add_tests(make_project(tmp_path_factory.mktemp("whole") / "project"))
    publish([make_run(root, drop="NUM")], root=root)
    make_run(root)
    make_run(root, "second", drop="ORG")
    make_submission(root, drop="LOC")
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """A copy of the project, and a folder for temporary files that must be empty in the end."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield shutil.copytree(made, tmp_path / "project")
    assert list(temporary.iterdir()) == []


def published(root):
    """What is published, by path."""
    paths = [root / "README.md", *(root / "results").rglob("*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}


def both(root):
    return [root / "runs/right-1", root / "runs/second-1"]


SUBMISSION = Submission("other", "https://a.b")


def test_a_full_disk_in_a_later_test_leaves_all_as_it_was(root, monkeypatch):
    before, sync = published(root), files._sync

    def refuse(path):
        if path.match("1/scores-wild/.scores.json.*"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(path)

    monkeypatch.setattr(files, "_sync", refuse)
    with pytest.raises(MachineError) as error:
        publish(both(root), root=root)
    place = root / "results/second/transfer/seed-1/scores-wild/scores.json"
    assert str(error.value).startswith(f"{place}: cannot be written (No space left on device)")
    assert published(root) == before


def test_results_that_cannot_be_written_are_named(root, monkeypatch):
    before, copytree = published(root), shutil.copytree

    def refuse(source, target, *more, **options):
        if "second" in str(target):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(target))
        return copytree(source, target, *more, **options)

    monkeypatch.setattr(shutil, "copytree", refuse)
    with pytest.raises(MachineError, match=r"second/transfer/seed-1: cannot be written \(Read-only file system\)"):
        publish(both(root), root=root)
    assert published(root) == before
    assert not [path for path in (root / "results").rglob("*") if is_temporary(path)]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_of_results_without_permission_is_named(root):
    before = published(root)
    (root / "results").chmod(0o555)
    try:
        with pytest.raises(MachineError, match="cannot be written"):
            publish([root / "submitted/other"], root=root, submission=SUBMISSION)
    finally:
        (root / "results").chmod(0o755)
    assert published(root) == before


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from thidua_ner.publishing import publish as publishing

place, root = sys.argv[1], Path(sys.argv[2])
module, name = {"copies": (shutil, "copytree"), "tables": (publishing, "write_text")}[place]
whole, left = getattr(module, name), [1]

def kill(*arguments):
    if "results" not in str(arguments[0]) and name == "write_text" and "README" not in str(arguments[0]):
        return whole(*arguments)
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left.pop()
    return whole(*arguments)

setattr(module, name, kill)
publishing.publish([root / "runs/right-1", root / "runs/second-1"], root=root)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no process can be killed at once")
@pytest.mark.parametrize("place", ["copies", "tables"])
def test_who_is_killed_between_leaves_whole_files_and_a_second_call_completes(root, place, tmp_path):
    whole = shutil.copytree(root, tmp_path / "whole")
    publish(both(whole), root=whole)
    before = published(root)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "left")}
    (tmp_path / "left").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, place, root], env=environment, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    now = {name: own for name, own in published(root).items() if ".tmp/" not in name}
    after = published(whole)
    if place == "copies":
        assert now == before
    else:
        assert now != before
        assert {name for name, own in now.items() if own != after[name]} <= {
            "results/LEADERBOARD.md", *(name for name in after if name.endswith("README.md")),
        }  # fmt: skip
    publish(both(root), root=root)
    assert published(root) == after
    assert not [path for path in (root / "results").rglob("*") if is_temporary(path)]


@pytest.mark.parametrize("name", ["scores-pairs", "scores-pairs/scores.json", "scores-wild/predictions.jsonl"])
def test_nothing_is_written_through_a_link_of_another_test(root, tmp_path, name):
    link, outside = root / "results/right/transfer/seed-1" / name, tmp_path / "outside"
    link.rename(outside)
    link.symlink_to(outside)
    before = published(root), [path.read_bytes() for path in outside.rglob("*")]
    with pytest.raises(DataError, match=rf"{name}: is a symbolic link; replace it by a file or folder of its own"):
        publish(both(root)[:1], root=root)
    assert (published(root), [path.read_bytes() for path in outside.rglob("*")]) == before


def test_only_what_is_checked_is_kept_of_an_earlier_publication(root, tmp_path):
    target, secret = root / "results/right/transfer/seed-1", tmp_path / "secret"
    secret.write_text("a secret")
    publish([root / "runs/right-1"], root=root)
    (target / "scores-wild/link").symlink_to(secret)
    (root / "runs/wild/test.jsonl").unlink()
    shutil.rmtree(root / "runs/right-1/scores-wild")
    publish([root / "runs/right-1"], root=root)
    assert {path.name for path in (target / "scores-wild").iterdir()} == {"predictions.jsonl", "scores.json"}


def test_a_file_in_the_place_of_the_folder_of_another_test_is_named(root):
    shutil.rmtree(root / "results/right/transfer/seed-1/scores-pairs")
    (root / "results/right/transfer/seed-1/scores-pairs").touch()
    with pytest.raises(DataError, match="seed-1/scores-pairs: is not a folder; move it away"):
        publish([root / "runs/right-1"], root=root)


def test_one_faulty_run_of_two_publishes_neither(root):
    score_test(root / "runs/second-1", "wild", miss={WILD[0].id})
    path = root / "runs/second-1/scores-wild/scores.json"
    path.write_text(path.read_text().replace('"wild', '"x').replace('"spurious": 0', '"spurious": 1'))
    before = published(root)
    with pytest.raises(DataError, match=r"second-1/scores-wild/scores.json: "):
        publish(both(root), root=root)
    assert published(root) == before


def test_the_command_without_runs_gives_the_same_bytes_in_another_process_and_place(root, tmp_path):
    publish([root / "submitted/other"], root=root, submission=SUBMISSION)
    publish(both(root), root=root)
    before = published(root)
    run_inside("thidua_ner", "publish", "--root", str(root))
    assert published(root) == before
    moved = shutil.copytree(root, tmp_path / "elsewhere/deeper")
    done = run_inside("thidua_ner", "publish", cwd=moved)
    assert done.stdout == "3 rows: results/LEADERBOARD.md, README.md, one card per row\n"
    assert published(moved) == before

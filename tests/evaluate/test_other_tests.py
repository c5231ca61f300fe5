"""A run of the benchmark is scored on minimal pairs and on real texts too, where their files are."""

import json
import shutil

import pytest

from tests.conftest import run_inside
from tests.scored_runs import make_project, make_run
from tests.small_annotations import WILD, pairs_documents
from thidua_ner.corpus.pairs import split_passages
from thidua_ner.formats.jsonl import write_documents

PAIRS = [passage.document for document in pairs_documents() for passage in split_passages(document)]
TEST = [one.document for one in WILD if one.split == "test"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with the other tests, and runs of rules, of which one is said to be of `lodo`."""
    root = make_project(tmp_path_factory.mktemp("tests") / "project")
    make_run(root)
    make_run(root, "none", protocol="lodo")
    write_documents(root / "data/pairs/test.jsonl", PAIRS)
    write_documents(root / "runs/wild/test.jsonl", TEST)
    return root


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "project")


def evaluate(root, *arguments, code=0):
    done = run_inside("evaluate", *arguments, cwd=root, check=False)
    assert done.returncode == code, done.stderr
    return done


def table(done):
    """The rows of the table over all tests by name; empty if none was printed."""
    _, found, rows = done.stdout.partition("\ntest ")
    return {row[:10].strip(): row[10:].split() for row in rows.splitlines()[2:]} if found else {}


def scores_of(folder):
    return json.loads((folder / "scores.json").read_text())


def test_a_run_is_scored_on_every_test_that_is_here(root):
    rows = table(evaluate(root, "runs/right-1"))
    assert list(rows) == ["gold", "pairs", "wild news", "wild world"]
    assert {name: row[:2] for name, row in rows.items()} == {
        "gold": ["5", "176"], "pairs": ["6", "4"], "wild news": ["1", "4"], "wild world": ["1", "3"],
    }  # fmt: skip
    assert [" ".join(row[2:-4]) for row in rows.values()] == [
        "micro F1", "both halves right", "micro F1", "micro F1",
    ]  # fmt: skip
    run = root / "runs/right-1"
    pairs, wild = scores_of(run / "scores-pairs"), scores_of(run / "scores-wild")
    assert rows["pairs"][-4] == f"{100 * pairs['pairs']['all']['right'] / 3:.2f}"
    assert pairs["pairs"]["all"]["pairs"] == 3
    assert (pairs["micro"]["support"], wild["micro"]["support"]) == (4, 7)
    assert "pairs" not in wild
    assert list(wild["per_document"]) == ["baomoi-002", "ntrex-02"]
    assert rows["wild news"][-4] == f"{100 * wild['per_document']['baomoi-002']['f1']:.2f}"
    assert rows["gold"][-4] == f"{100 * scores_of(run)['micro']['f1']:.2f}"
    for name in ("scores-pairs", "scores-wild"):
        assert {path.name for path in (run / name).iterdir()} >= {"predictions.jsonl", "scores.json", "report.html"}


def test_one_source_alone_has_one_row(root):
    write_documents(root / "runs/wild/test.jsonl", TEST[1:])
    assert list(table(evaluate(root, "runs/right-1"))) == ["gold", "pairs", "wild world"]


def test_another_output_has_the_other_tests_in_it(root):
    evaluate(root, "runs/right-1", "--output", "out")
    assert {path.name for path in (root / "out").iterdir() if path.is_dir()} == {"scores-pairs", "scores-wild"}
    assert not (root / "runs/right-1/scores-wild").exists()


def test_a_run_that_has_read_real_documents_is_scored_on_its_own(root):
    done = evaluate(root, "runs/none-1-lodo")
    assert table(done) == {}
    assert not list((root / "runs/none-1-lodo").glob("scores-*"))


@pytest.mark.parametrize("gold", ["runs/wild/test.jsonl", "./runs/../runs/wild/test.jsonl"])
def test_the_file_of_a_test_has_the_folder_of_the_test(root, gold):
    done = evaluate(root, "runs/none-1-lodo", "--gold", gold)
    assert [path.name for path in (root / "runs/none-1-lodo").glob("scores-*")] == ["scores-wild"]
    assert scores_of(root / "runs/none-1-lodo/scores-wild")["micro"]["support"] == 7
    assert table(done) == {}
    evaluate(root, "runs/none-1-lodo", "--gold", "data/pairs/test.jsonl")
    assert (root / "runs/none-1-lodo/scores-pairs/scores.json").is_file()


def test_without_the_files_only_its_own_documents_are_scored(root):
    (root / "data/pairs/test.jsonl").unlink()
    (root / "runs/wild/test.jsonl").unlink()
    done = evaluate(root, "runs/right-1")
    assert table(done) == {}
    assert done.stdout.endswith("are in runs/right-1\n")
    assert not list((root / "runs/right-1").glob("scores-*"))


def test_a_damaged_test_is_told_after_the_scores_on_the_gold(root):
    (root / "data/pairs/test.jsonl").write_text("{\n")
    before = scores_of(root / "runs/right-1")
    done = evaluate(root, "runs/right-1", code=1)
    assert done.stderr.startswith("data/pairs/test.jsonl:1: ")
    assert scores_of(root / "runs/right-1") != before

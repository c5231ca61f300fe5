"""`python -m evaluate compare`, as a user calls it."""

import json

import pytest

from tests.conftest import ROOT, run_inside
from tests.scored_runs import PAIRS, WILD, find, make_run
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import write_documents, write_predictions

GOLD = brat.read_folder(ROOT / "annotations/gold")


@pytest.fixture
def systems(tmp_path):
    """Three systems: one that is correct, one that finds no NUM, one that finds nothing."""
    write_predictions(tmp_path / "right.jsonl", GOLD)
    write_predictions(
        tmp_path / "no-num.jsonl", [d.with_spans(tuple(s for s in d.spans if s.label != "NUM")) for d in GOLD]
    )
    write_predictions(tmp_path / "nothing.jsonl", [d.with_spans(()) for d in GOLD])
    return [str(tmp_path / f"{name}.jsonl") for name in ("no-num", "right", "nothing")]


def compare(*arguments, code=0):
    done = run_inside("thidua_ner", "compare", *arguments, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


def test_the_best_system_stands_first_and_pairs_are_tested(systems, tmp_path):
    done = compare(*systems, "--output", str(tmp_path / "compared.json"))
    table = done.stdout.splitlines()
    assert [line.split()[0].rpartition("/")[2] for line in table[2:5]] == [
        "right.jsonl",
        "no-num.jsonl",
        "nothing.jsonl",
    ]
    assert "100.00" in table[2]
    assert "5 documents cannot give a p below 0.0625 before correction" in done.stdout
    compared = json.loads((tmp_path / "compared.json").read_text())
    assert compared["units"] == {"document": 5, "sentence": 84}
    first = compared["pairs"][0]
    assert first["systems"] == systems[:2]
    assert first["difference"] == pytest.approx(2 * 152 / (152 + 176) - 1)
    # one of the five documents has no NUM: exchanging it changes nothing
    assert first["document"]["p"] == pytest.approx(0.125)
    assert first["document"]["p_holm"] == pytest.approx(0.1875)
    assert first["sentence"]["p"] < 0.01


def test_two_systems_need_no_correction(systems):
    done = compare(*systems[:2])
    assert "Holm" not in done.stdout
    assert "before correction" not in done.stdout


def test_runs_are_compared_on_the_test_documents_that_all_have(tmp_path):
    runs = [make_run(tmp_path, name) for name in ("one", "two")]
    for run, drop in zip(runs, ("", "NUM"), strict=True):
        (run / "scores.json").unlink()
        write_documents(run / "transfer/test.jsonl", PAIRS)
        write_predictions(run / "predictions.jsonl", find(PAIRS, drop=drop))
    write_predictions(tmp_path / "other.jsonl", PAIRS)
    output = tmp_path / "compared.json"
    compare(*map(str, runs), str(tmp_path / "other.jsonl"), "--output", str(output))
    assert json.loads(output.read_text())["units"]["document"] == len(PAIRS)
    write_documents(runs[1] / "transfer/test.jsonl", WILD)
    assert "'ghép-01a' is not a gold document" in compare(*map(str, runs), code=1).stderr


def test_published_systems_compare():
    folders = sorted(str(path.parent.relative_to(ROOT)) for path in ROOT.glob("results/*/lodo/**/predictions.jsonl"))
    assert len(folders) >= 5
    done = run_inside("thidua_ner", "compare", *folders, cwd=ROOT)
    assert all(folder in done.stdout for folder in folders)


@pytest.mark.parametrize("arguments", [[], ["one.jsonl"], ["one.jsonl", "one.jsonl"]])
def test_one_system_is_a_usage_error(arguments):
    assert "name at least two different systems" in compare(*arguments, code=2).stderr or not arguments


def test_a_system_without_predictions_is_named(systems, tmp_path):
    (tmp_path / "empty").mkdir()
    done = compare(systems[0], str(tmp_path / "empty"), code=1)
    assert "empty/predictions.jsonl: does not exist" in done.stderr


def test_a_folder_of_seeds_stands_for_its_runs():
    done = compare("results/cpu-small/transfer")
    assert done.stdout.count("results/cpu-small/transfer/seed-") == 3 + 2 * 3

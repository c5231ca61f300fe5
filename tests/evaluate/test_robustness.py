"""`python -m evaluate RUN --robustness`."""

import json
import re
import unicodedata

import pytest

from evaluate import robustness
from tests.conftest import ROOT, run_inside
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.runs.robustness import read_perturbed, score_perturbed
from thidua_ner.text.perturbations import PERTURBATIONS
from thidua_ner.text.spans import Span

GOLD = brat.read_folder(ROOT / "annotations/gold")


def test_every_perturbation_of_a_run_is_scored(tiny_run, tmp_path):
    fold = str(tiny_run / "lodo-cantho-2022-07")
    done = run_inside("evaluate", fold, "--robustness", "--output", str(tmp_path))
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert list(scores["robustness"]) == list(PERTURBATIONS)
    for name, row in scores["robustness"].items():
        assert name in done.stdout
        assert row["change"] == row["f1"] - scores["micro"]["f1"]
        assert row["interval"][0] <= row["interval"][1]


def test_what_was_found_is_kept_as_long_as_its_scores(tiny_run, tmp_path):
    fold = str(tiny_run / "lodo-cantho-2022-07")
    run_inside("evaluate", fold, "--robustness", "--output", str(tmp_path))
    scores = json.loads((tmp_path / "scores.json").read_text())
    gold = [document for document in GOLD if document.id == "cantho-2022-07"]
    found = read_perturbed(tmp_path / "robustness.jsonl", gold)
    predicted = read_predictions(tmp_path / "predictions.jsonl", gold)
    assert {name: row.f1 for name, row in score_perturbed(gold, predicted, found).items()} == {
        name: row["f1"] for name, row in scores["robustness"].items()
    }
    run_inside("evaluate", fold, "--output", str(tmp_path))
    assert not (tmp_path / "robustness.jsonl").exists()
    assert "robustness" not in json.loads((tmp_path / "scores.json").read_text())


@pytest.fixture
def rule_tagger(monkeypatch):
    """A tagger that finds the matches of a pattern, and the originals that it was given."""
    told = []

    def install(pattern):
        def predict(_, documents, originals=None, **__):
            told.append(originals)
            return [
                d.with_spans(tuple(Span(m.start(), m.end(), "ORG") for m in re.finditer(pattern, d.text)))
                for d in documents
            ]

        monkeypatch.setattr(robustness, "tag_unread", predict)
        return predict

    return install, told


def test_what_a_tagger_does_not_look_at_changes_nothing(rule_tagger):
    install, told = rule_tagger
    tag = install("|".join(unicodedata.normalize(form, "Công an TP Cần Thơ") for form in ("NFC", "NFD")))
    predicted = tag(None, GOLD)
    found = score_perturbed(GOLD, predicted, robustness.tag_perturbed(None, GOLD, predicted))
    assert told[1] == GOLD * len(PERTURBATIONS)  # models that have read these may not tag the copies
    before = found["straight quotes"].f1
    assert before > 0
    assert {name for name, row in found.items() if row.change == 0} >= {
        "other dashes",
        "joined lines",
        "short ranks",
    }
    for name in ("lower case", "no diacritics", "unseen bodies"):
        assert found[name].f1 == 0
        assert found[name].change == -before
        assert found[name].interval[0] < 0
    assert found["i and y"].texts < found["lower case"].texts == 5


def test_a_tagger_that_tells_composed_from_decomposed_is_found_out(rule_tagger):
    tag = rule_tagger[0]("Quảng Nam")
    predicted = tag(None, GOLD)
    assert any(document.spans for document in predicted)
    with pytest.raises(AssertionError, match="decomposed"):
        robustness.tag_perturbed(None, GOLD, predicted)


def test_predictions_alone_cannot_be_perturbed(tmp_path):
    command = ["evaluate", "--gold", "annotations/gold", "--predictions", str(tmp_path / "p.jsonl"), "--robustness"]
    done = run_inside(*command, check=False)
    assert done.returncode == 2
    assert "--robustness needs a run" in done.stderr

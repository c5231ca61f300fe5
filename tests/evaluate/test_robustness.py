"""`python -m evaluate RUN --robustness`."""

import json

from tests.conftest import run_inside
from thidua_ner.perturbations import PERTURBATIONS


def test_every_perturbation_is_scored(tiny_run, tmp_path):
    done = run_inside("evaluate", str(tiny_run), "--robustness", "--output", str(tmp_path))
    scores = json.loads((tmp_path / "scores.json").read_text())
    found = scores["robustness"]
    assert list(found) == list(PERTURBATIONS)
    for name, row in found.items():
        assert name in done.stdout
        assert row["change"] == row["f1"] - scores["micro"]["f1"]
        assert row["interval"][0] <= row["interval"][1]
    # a model that has read a text is not let at a changed copy of it: five models, each for its own document
    assert found["decomposed (NFD)"] == {"f1": scores["micro"]["f1"], "change": 0, "interval": [0, 0], "texts": 5}
    assert found["no-break spaces"]["change"] == 0
    assert found["no diacritics"]["f1"] < scores["micro"]["f1"]


def test_predictions_alone_cannot_be_perturbed(tmp_path):
    command = ["evaluate", "--gold", "annotations/gold", "--predictions", str(tmp_path / "p.jsonl"), "--robustness"]
    done = run_inside(*command, check=False)
    assert done.returncode == 2
    assert "--robustness needs a run" in done.stderr

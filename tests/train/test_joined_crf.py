"""An encoder and a CRF of one config: trained on the same fold, written together, resumed together."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, TINY, run_inside
from tests.train.test_data import SENTENCES, sets, write_conll
from thidua_ner.baselines.crf import train_crf
from thidua_ner.formats.conll import read_file
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import load_tagger
from train.config import load_config
from train.folds import tag_sentences

CONFIG = ROOT / "configs/cpu-best.yaml"
CRF = "crf={c1: 0.01, c2: 0.01, max_iterations: 20, weight: 0.4}"


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    """The arguments of a tiny training with validation documents, without a CRF."""
    folder = tmp_path_factory.mktemp("data")
    write_conll(folder / "train.txt", [f"{sentence} {n}" for n in range(6) for sentence in SENTENCES])
    write_conll(folder / "other.txt", SENTENCES)
    data = {"format": "conll", "train": str(folder / "train.txt"), "validation": str(folder / "other.txt")}
    return ["train", "configs/phobert-tiny.yaml", *sets(*TINY, f"data={json.dumps(data)}")], folder / "other.txt"


@pytest.fixture(scope="module")
def run(arguments, tmp_path_factory):
    """A finished run of an encoder and a CRF."""
    folder = tmp_path_factory.mktemp("joined") / "run"
    run_inside(*arguments[0], *sets(CRF), "--output", str(folder))
    return folder


def files(run):
    return {path.name: path.read_bytes() for path in (run / "all/model").iterdir()}


def test_the_encoder_is_the_one_that_is_trained_without_a_crf(arguments, run, tmp_path):
    run_inside(*arguments[0], "--output", str(tmp_path / "alone"))
    alone, both = files(tmp_path / "alone"), files(run)
    assert both.keys() - alone.keys() == {"model.crfsuite"}
    assert [name for name in alone if alone[name] != both[name]] == ["config.json"]
    plain, config = (json.loads(found["config.json"]) for found in (alone, both))
    assert config == {**plain, "crf_weight": 0.4}
    checkpoints = [path.read_text() for path in run.glob("all/checkpoints/*/config.json")]
    assert checkpoints
    assert "crf_weight" not in "".join(checkpoints)


def test_the_crf_reads_each_sentence_in_another_spelling_too(arguments, tmp_path):
    spelling = "training.spelling={lower_case: 1.0}"
    run_inside(*arguments[0], *sets(CRF, spelling), "--output", str(tmp_path / "run"))
    sentences = tag_sentences(read_file(arguments[1].with_name("train.txt")))
    plain = [([token.text for token in sentence.tokens], sentence.tags) for sentence in sentences]
    respelt = [([token.lower() for token in tokens], tags) for tokens, tags in plain]
    train_crf([*plain, *respelt], tmp_path / "crf", c1=0.01, c2=0.01, max_iterations=20)
    assert files(tmp_path / "run")["model.crfsuite"] == (tmp_path / "crf").read_bytes()


def test_the_crf_is_the_one_that_is_trained_without_an_encoder(arguments, run, tmp_path):
    (data,) = [part for part in arguments[0] if part.startswith("data=")]
    crf = sets(data, "crf.max_iterations=20")
    run_inside("train", "configs/crf.yaml", *crf, "--output", str(tmp_path / "crf"))
    assert files(tmp_path / "crf")["model.crfsuite"] == files(run)["model.crfsuite"]


def test_the_validation_documents_are_scored_with_both(arguments, run):
    documents = read_file(arguments[1])
    record = json.loads((run / "all/fold.json").read_text())
    found = list(load_tagger(run).tag_many(documents))
    assert record["validation"]["f1"] == score(documents, found).micro.f1 > 0


def test_a_run_is_finished_only_with_both(arguments, run, tmp_path):
    """Kill it when it begins to train the CRF: the encoder is there, and --resume trains the CRF."""
    begun, output = tmp_path / "begun", ["--output", str(tmp_path / "run")]
    slow = f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(600)"
    (tmp_path / "pycrfsuite.py").write_text(slow)  # what trains the CRF is imported when it is needed
    command = [sys.executable, "-m", *arguments[0], *sets(CRF), *output]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 120
    while not begun.exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    model = tmp_path / "run/all/model"
    assert (model / "model.safetensors").read_bytes() == files(run)["model.safetensors"]
    assert not (tmp_path / "run/all/fold.json").exists()
    evaluated = run_inside("evaluate", str(tmp_path / "run"), check=False)
    assert "is not finished; run the training again with --resume" in evaluated.stderr
    tagged = run_inside("thidua_ner", "tag", str(model), str(ROOT / "annotations/gold"), check=False)
    assert f"{model / 'model.crfsuite'}: is missing, the CRF" in tagged.stderr
    run_inside(*arguments[0], *sets(CRF), *output, "--resume")
    assert files(tmp_path / "run") == files(run)
    assert (tmp_path / "run/all/fold.json").exists()


def test_an_encoder_that_had_a_crf_is_trained_again_without_it(arguments, run, tmp_path):
    (data,) = [part for part in arguments[0] if part.startswith("data=")]
    again = sets(data, f"encoder={run / 'all/model'}", "vocabulary=full", "training.min_updates=0", "training.epochs=1")
    run_inside("train", str(CONFIG), *again, *sets("crf=null"), "--output", str(tmp_path / "again"))
    assert "crf_weight" not in json.loads(files(tmp_path / "again")["config.json"])
    load_tagger(tmp_path / "again")


def test_the_plan_names_the_crf(arguments):
    done = run_inside(*arguments[0], *sets(CRF), "--dry-run")
    assert "  weight: 0.4\n" in done.stdout
    assert "from a short trial of each fold, and the time of the CRF; no run was written" in done.stdout


@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ("cpu-best", ["crf.weight=0"], "--set crf.weight: Input should be greater than 0, not 0; correct the value"),
        ("cpu-best", ["crf.weight=1.0"], "--set crf.weight: Input should be less than 1, not 1.0; correct the value"),
        ("cpu-small", ["crf={c1: 0.1, c2: 0.1, max_iterations: 9}"], "the key 'crf.weight' is missing; add it, as in"),
        ("crf", ["crf.weight=0.5"], "--set crf.weight: unknown key 'crf.weight'"),
    ],
)
def test_wrong_sections_are_named(config, overrides, message):
    with pytest.raises(Exception, match=r"^[^\n]*$") as caught:
        load_config(ROOT / f"configs/{config}.yaml", overrides)
    assert message in str(caught.value)


def test_the_published_config_is_that_of_cpu_small_and_a_crf():
    best, small = (load_config(ROOT / f"configs/{name}.yaml").model_dump() for name in ("cpu-best", "cpu-small"))
    crf = load_config(ROOT / "configs/crf.yaml").model_dump()["crf"]
    assert best == {**small, "name": "cpu-best", "crf": {**crf, "weight": best["crf"]["weight"]}}

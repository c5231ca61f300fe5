"""`python -m train` as a user runs it, on models small enough for a test."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
import yaml
from transformers import pipeline

from tests.conftest import ROOT, run_inside
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_documents
from thidua_ner.runs.contamination import all_fingerprints
from thidua_ner.text.labels import TAGS
from train.config import load_config
from train.data import load_folds

IDS = ["cantho-2022-07", "khanhhoa-2023-11", "nghean-2020-07", "quangnam-2023-07", "quangnam-2024-07"]
FOLDS = [f"lodo-{name}" for name in IDS]


def weights(run, fold):
    return (run / fold / "model/model.safetensors").read_bytes()


def test_a_run_folder_holds_all_that_a_result_needs(tiny_run):
    manifest = json.loads((tiny_run / "manifest.json").read_text())
    config = yaml.safe_load((tiny_run / "config.yaml").read_text())
    assert manifest["folds"] == FOLDS
    assert manifest["config"] == config
    assert config["training"]["epochs"] == 2
    assert {"torch", "transformers", "python"} <= set(manifest["versions"])
    assert len(manifest["data_fingerprint"]) == 64
    assert manifest["command"].startswith("python -m train configs/phobert-tiny.yaml --set")
    assert manifest["execution"]["precision"] == "bf16"
    assert manifest["execution"]["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert (manifest["execution"]["processes"], manifest["execution"]["launcher"]) == (1, "python")
    for fold in FOLDS:
        files = {path.name for path in (tiny_run / fold).iterdir()} - {"predictions.jsonl"}  # which scoring adds
        assert files == {"checkpoints", "fold.json", "model", "test.jsonl", "train_log.jsonl"}
        log = [json.loads(line) for line in (tiny_run / fold / "train_log.jsonl").read_text().splitlines()]
        assert [row["epoch"] for row in log if "loss" in row] == [1.0, 2.0]


def test_no_fold_trains_on_what_it_is_tested_on(tiny_run):
    tested = []
    for fold in FOLDS:
        record = json.loads((tiny_run / fold / "fold.json").read_text())
        assert fold == f"lodo-{record['test_documents'][0]}"
        assert len(record["train_documents"]) == 4
        assert not set(record["train_documents"]) & set(record["test_documents"])
        test = read_documents(tiny_run / fold / "test.jsonl")
        assert [d.id for d in test] == record["test_documents"]
        assert not {d.text_sha256 for d in test} & set(record["train_documents"].values())
        assert not all_fingerprints(test) & set(record["train_traces"])
        train = [d for d in brat.read_folder(ROOT / "annotations/gold") if d.id in record["train_documents"]]
        assert set(record["train_mentions"]) == {d.surface(s) for d in train for s in d.spans}
        tested += record["test_documents"]
    assert len(set(tested)) == 5


def test_the_vocabulary_is_learnt_in_the_fold(tiny_run):
    vocabularies = [(tiny_run / fold / "model/vocab.txt").read_text() for fold in FOLDS]
    assert len(set(vocabularies)) == 5


def test_the_model_is_a_standard_checkpoint(tiny_run):
    folder = str(tiny_run / FOLDS[0] / "model")
    tagger = pipeline("token-classification", model=folder, tokenizer=folder)
    assert type(tagger.model).__name__ == "RobertaForTokenClassification"
    assert type(tagger.tokenizer).__name__ == "PhobertTokenizer"
    assert {entity["entity"] for entity in tagger("Công an")} <= set(TAGS)


@pytest.mark.parametrize(("seed", "same"), [(1, True), (2, False)])
def test_the_same_seed_gives_the_same_weights_and_another_does_not(tiny_run, tiny_arguments, tmp_path, seed, same):
    arguments = ["--protocol", FOLDS[3], "--set", f"seed={seed}", "--output", str(tmp_path / "again")]
    run_inside("train", "configs/phobert-tiny.yaml", *tiny_arguments, *arguments)
    assert (weights(tmp_path / "again", FOLDS[3]) == weights(tiny_run, FOLDS[3])) == same


def test_a_killed_run_goes_on_where_it_was(tiny_run, tiny_arguments, tmp_path):
    run = tmp_path / "killed"
    command = ["train", "configs/phobert-tiny.yaml", *tiny_arguments, "--output", str(run)]
    process = subprocess.Popen([sys.executable, "-m", *command], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list((run / FOLDS[2]).glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    for more in ([], ["--resume"]):
        second = run_inside(*command, *more, check=False)
        message = f"{run}: is being trained by another process; wait for it, or name another --output\n"
        assert (second.returncode, second.stderr) == (1, message)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (run / FOLDS[4] / "fold.json").exists()
    unfinished = run_inside("evaluate", str(run), check=False)
    assert unfinished.returncode == 1
    assert "is not finished; run the training again with --resume" in unfinished.stderr

    finished = {fold: (run / fold / "fold.json").read_text() for fold in FOLDS[:2]}
    done = run_inside(*command, "--resume")
    assert f"{FOLDS[0]}: 67 sentences, finished before" in done.stderr
    assert {fold: (run / fold / "fold.json").read_text() for fold in FOLDS[:2]} == finished
    assert all(weights(run, fold) == weights(tiny_run, fold) for fold in FOLDS)


def test_a_run_is_resumed_only_with_its_own_config(tiny_run, tiny_arguments):
    arguments = [*tiny_arguments, "--set", "seed=9", "--output", str(tiny_run), "--resume"]
    done = run_inside("train", "configs/phobert-tiny.yaml", *arguments, check=False)
    assert done.returncode == 1
    assert "is a run of another config (seed: 1, not 9); train without --resume" in done.stderr
    assert json.loads((tiny_run / "manifest.json").read_text())["seed"] == 1


def test_a_run_is_resumed_only_on_its_own_data(tiny_run, tiny_arguments, project):
    path = project / "annotations/gold/cantho-2022-07.ann"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    run_inside("thidua_ner", "agreement", cwd=project)
    run_inside("thidua_ner", "build", cwd=project)
    config = str(ROOT / "configs/phobert-tiny.yaml")
    arguments = [config, *tiny_arguments, "--output", str(tiny_run), "--resume"]
    done = run_inside("train", *arguments, cwd=project, check=False)
    assert done.returncode == 1
    assert "is a run of other data; train without --resume" in done.stderr


def test_an_old_run_is_moved_aside(tiny_arguments, tmp_path):
    run = tmp_path / "run"
    arguments = [*tiny_arguments, "--protocol", FOLDS[0], "--output", str(run)]
    for seed in (5, 6, 7):
        done = run_inside("train", "configs/phobert-tiny.yaml", *arguments, "--set", f"seed={seed}")
    assert f"{run}: the run that was here is now {run}.old" in done.stderr
    seeds = [json.loads((folder / "manifest.json").read_text())["seed"] for folder in (run, tmp_path / "run.old")]
    assert seeds == [7, 6]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == ["run", "run.old"]


def test_a_missing_extra_is_explained(tmp_path):
    (tmp_path / "datasets.py").write_text("raise ModuleNotFoundError(\"No module named 'datasets'\", name='datasets')")
    command = [sys.executable, "-m", "train", "configs/phobert-tiny.yaml"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("datasets is not installed; run `pip install -c constraints.txt '.[")
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_run_is_never_replaced(tiny_arguments, tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    (tmp_path / "config.yaml").write_text("x: 1")
    (tmp_path / "manifest.json").write_text("{}")
    for more in ([], ["--resume"]):
        arguments = [*tiny_arguments, "--output", str(tmp_path), *more]
        done = run_inside("train", "configs/phobert-tiny.yaml", *arguments, check=False)
        assert done.returncode == 1
        assert "exists and is not a run" in done.stderr
    assert (tmp_path / "thesis.doc").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["configs/missing.yaml"],
            1,
            "configs/missing.yaml: does not exist; name a config, a YAML file such as configs/cpu-small.yaml",
        ),
        (["configs/phobert-tiny.yaml", "--set", "sead=1"], 2, "unknown key 'sead'; did you mean 'seed'?"),
        (["configs/phobert-tiny.yaml", "--set", "seed=2", "--set", "sead=1"], 2, "unknown key 'sead'"),
        (
            ["configs/phobert-tiny.yaml", "--set", "data=docs"],
            1,
            "docs: is not a dataset folder; run `thidua-ner build`",
        ),
        (["configs/phobert-tiny.yaml", "--set", "data=."], 1, ".: is not a dataset folder; run"),
        (["configs/phobert-tiny.yaml", "--set", "protocol=loso"], 2, "protocol: there is no protocol 'loso'; use"),
        (["configs/phobert-tiny.yaml", "--set", "data=nowhere"], 1, "nowhere: is not a dataset folder; run"),
    ],
)
def test_bad_input_is_answered_in_one_line(arguments, code, message, tmp_path):
    done = run_inside("train", *arguments, "--output", str(tmp_path / "run"), check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("protocol", "n_train", "tests"),
    [("transfer", 2, IDS), ("lodo+synthetic-nghean-2020-07", 6, ["nghean-2020-07"])],
)
def test_a_protocol_with_synthetic_documents(tiny_arguments, project, protocol, n_train, tests):
    arguments = [*tiny_arguments, "--protocol", protocol, "--output", "run"]
    run_inside("train", str(ROOT / "configs/phobert-tiny.yaml"), *arguments, cwd=project)
    record = json.loads((project / f"run/{protocol}/fold.json").read_text())
    assert set(record["validation"]) == {"precision", "recall", "f1", "support"}
    assert record["test_documents"] == tests
    assert len(record["train_documents"]) == n_train
    assert not set(tests) & set(record["train_documents"])


def test_folds_are_what_the_dataset_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    folds = load_folds(load_config(ROOT / "configs/phobert-tiny.yaml"))
    assert [fold.name for fold in folds] == FOLDS
    assert all(len(s.tokens) == len(s.tags) for fold in folds for s in fold.sentences)
    assert sum(len(document.spans) for fold in folds for document in fold.test) == 176


def test_a_dataset_that_cannot_be_loaded_is_told(project, tiny_arguments):
    (project / "data/sentences/cantho-2022-07.jsonl").write_text("{")
    arguments = [str(ROOT / "configs/phobert-tiny.yaml"), *tiny_arguments]
    done = run_inside("train", *arguments, cwd=project, check=False)
    assert done.returncode == 1
    assert "data: cannot be loaded" in done.stderr
    assert not (project / "runs").exists()

"""What a config can request of training: pretrained encoders, early stopping, several processes, logs, a dry run."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForTokenClassification, TrainingArguments

from tests.conftest import ROOT, run_inside
from tests.train.test_data import SENTENCES, sets, tiny_config, write_conll
from train.checkpoints import seal_checkpoint
from train.config import load_config
from train.trainer import TaggerTrainer, _arguments
from train.updates import epochs_needed


@pytest.fixture
def conll_32(tmp_path):
    """32 sentences: four full batches of eight."""
    write_conll(tmp_path / "train.txt", [f"{sentence} {n}" for n in range(11) for sentence in SENTENCES][:32])
    return {"format": "conll", "train": str(tmp_path / "train.txt"), "test": str(tmp_path / "train.txt")}


def log_of(run, fold="all"):
    return [json.loads(line) for line in (run / fold / "train_log.jsonl").read_text().splitlines()]


def test_the_small_config_trains_the_packaged_encoder(conll_32, tmp_path):
    data = [*sets(f"data={json.dumps(conll_32)}", "training.epochs=4", "training.min_updates=0")]
    done = run_inside("train", "configs/cpu-small.yaml", *data, "--output", str(tmp_path / "run"))
    assert "all: 32 sentences" in done.stderr
    losses = [row["loss"] for row in log_of(tmp_path / "run") if "loss" in row]
    assert len(losses) == 4
    assert losses[-1] < 0.7 * losses[0]
    weights = tmp_path / "run/all/model/model.safetensors"
    assert weights.stat().st_size < 125e6
    run_inside("evaluate", str(tmp_path / "run"))
    assert len((tmp_path / "run/predictions.jsonl").read_text().splitlines()) == 32


def test_each_layer_further_down_learns_more_slowly(tmp_path):
    config = BertConfig(vocab_size=9, hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=8)
    model = BertForTokenClassification(config)
    arguments = TrainingArguments(str(tmp_path), learning_rate=0.1, report_to="none", use_cpu=True)
    trainer = TaggerTrainer(head_learning_rate=0.5, layer_decay=0.5, validate=None, model=model, args=arguments)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = trainer.create_optimizer().param_groups
    rates = {names[id(parameter)]: group["lr"] for group in groups for parameter in group["params"]}
    assert len(rates) == len(names) == sum(len(group["params"]) for group in groups)
    expected = {".layer.2.": 0.1, ".layer.1.": 0.05, ".layer.0.": 0.025, "embeddings": 0.0125, "classifier": 0.5}
    for part, rate in expected.items():
        assert {own for name, own in rates.items() if part in name} == {rate}


EXACT = sets(
    "dropout=0.0",
    "attention_dropout=0.0",
    "training.position_shift=0",
    "training.mention_replacement=0.0",
    "training.precision=fp32",
)
"""Overrides that leave only the initial weights and the order to chance."""


def run_on_two(*arguments):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    return subprocess.run([*launcher, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_processes_learn_from_the_same_data_what_one_does(conll_32, tmp_path):
    arguments = ["train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), *EXACT]
    run_inside(*arguments, "--output", str(tmp_path / "one"))
    done = run_on_two(*arguments, "--output", str(tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("1 model; now:") == 1
    assert done.stderr.count("fold 1 of 1, all: 32 sentences") == 1
    assert not (tmp_path / "two.old").exists()
    manifest = json.loads((tmp_path / "two/manifest.json").read_text())
    assert (manifest["execution"]["processes"], manifest["execution"]["launcher"]) == (2, "torchrun")
    assert manifest["command"].startswith("torchrun --nproc-per-node 2 -m train configs/phobert-tiny.yaml")
    one, two = (log_of(tmp_path / name) for name in ("one", "two"))
    assert [row["step"] for row in one] == [row["step"] for row in two] == [4, 8, 8]
    for left, right in zip(one[:2], two[:2], strict=True):
        assert left["loss"] == pytest.approx(right["loss"], rel=1e-4)
        assert left["grad_norm"] == pytest.approx(right["grad_norm"], rel=1e-3)
    weights = [load_file(tmp_path / name / "all/model/model.safetensors") for name in ("one", "two")]
    assert all((weights[0][key] - weights[1][key]).abs().max() < 1e-4 for key in weights[0])


def test_a_batch_read_in_parts_teaches_what_it_teaches_whole(conll_32, tmp_path, monkeypatch):
    arguments = ["train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), *EXACT]
    run_inside(*arguments, "--output", str(tmp_path / "whole"))
    monkeypatch.setattr("train.trainer.MOST_SUBWORDS", 40)
    run_inside(*arguments, "--output", str(tmp_path / "parts"))
    whole, parts = (log_of(tmp_path / name) for name in ("whole", "parts"))
    for left, right in zip(whole[:2], parts[:2], strict=True):
        assert left["loss"] == pytest.approx(right["loss"], rel=1e-4)
        assert left["grad_norm"] == pytest.approx(right["grad_norm"], rel=1e-3)


def test_a_process_uses_one_gpu_of_several(tmp_path, monkeypatch):
    """A Trainer alone takes all of them, each with a batch of the config's size."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    config = load_config(ROOT / "configs/phobert-tiny.yaml", ["training.precision=fp32", "training.batch_size=8"])
    arguments = _arguments(config, 32, tmp_path, stops_early=False, max_updates=None)
    assert str(arguments.device) == "cuda:0"
    assert (arguments.n_gpu, arguments.train_batch_size) == (1, 8)


def test_two_processes_share_a_short_last_batch(conll_32, tmp_path):
    write_conll(tmp_path / "train.txt", SENTENCES * 3)  # nine sentences: one full batch and one sentence
    done = run_on_two("train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), "--output", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert log_of(tmp_path / "run")[-1]["step"] == 4


def test_a_batch_that_processes_cannot_share_is_refused(conll_32, tmp_path):
    arguments = [*tiny_config(conll_32), "--set", "training.batch_size=7", "--output", str(tmp_path / "run")]
    done = run_on_two("train", "configs/phobert-tiny.yaml", *arguments)
    assert done.returncode == 1
    assert "training.batch_size: 7 sentences cannot be shared by 2 processes; set a multiple of them" in done.stderr
    assert not (tmp_path / "run").exists()


def test_training_stops_when_validation_gets_no_better_and_keeps_the_best(conll_32, tmp_path):
    data = {**conll_32, "validation": conll_32["test"]}
    arguments = [*tiny_config(data), *sets("training.patience=2", "training.epochs=30")]
    arguments += sets("training.learning_rate=1.0e-9", "training.head_learning_rate=1.0e-9")  # nothing gets better
    run_inside("train", "configs/phobert-tiny.yaml", *arguments, "--output", str(tmp_path / "run"))
    log = log_of(tmp_path / "run")
    scores = [row["eval_f1"] for row in log if "eval_f1" in row]
    record = json.loads((tmp_path / "run/all/fold.json").read_text())
    assert 3 <= len(scores) < 30
    assert scores[-3] == max(scores) >= max(scores[-2:])
    assert record["updates"] == 4 * len(scores)
    assert record["validation"]["f1"] == max(scores)


@pytest.mark.parametrize(
    ("updates", "stopped"),
    [
        (0, "stopped before its first update; it has no checkpoint yet"),
        (3, "stopped at update 3 of 12; it has no checkpoint yet"),
        (6, "stopped at update 6 of 12; its newest checkpoint is that of update 4"),
    ],
)
def test_an_interrupted_training_says_where_it_stopped_and_how_to_go_on(
    conll_32, tmp_path, monkeypatch, updates, stopped
):
    steps, step = [], TaggerTrainer.training_step

    def interrupted(*arguments):
        if len(steps) == updates:
            os.kill(os.getpid(), signal.SIGINT)
        steps.append(1)
        return step(*arguments)

    command = ["train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), *sets("training.epochs=3")]
    monkeypatch.setattr(TaggerTrainer, "training_step", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    done = run_inside(*command, "--output", str(tmp_path / "run"), check=False)
    signal.signal(signal.SIGINT, before)
    assert done.returncode == 130
    assert done.stderr.splitlines()[-2:] == [
        f"{tmp_path}/run/all: {stopped}",
        f"{tmp_path}/run: interrupted; to go on, repeat the call with the same options and --resume",
    ]
    monkeypatch.undo()
    done = run_inside(*command, "--output", str(tmp_path / "run"), "--resume")
    assert done.stdout == f"{tmp_path}/run: 1 model; now: python -m evaluate {tmp_path}/run\n"


def test_a_run_without_test_documents_is_scored_on_others(conll_32, tmp_path):
    run, test = tmp_path / "run", conll_32.pop("test")
    command = ["train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), *sets("training.epochs=1")]
    done = run_inside(*command, "--output", str(run))
    now = f"now: python -m evaluate {run} --gold DIR_OR_FILE\n"
    assert done.stdout == f"{run}: 1 model; {now}"
    run_inside(*now.split()[3:-1], shutil.copy(test, tmp_path / "test.conll"))
    done = run_inside(*command, "--seeds", "4", "--output", str(tmp_path / "seeds"))
    assert done.stdout.endswith(f"{tmp_path}/seeds: 1 seeds; {now.replace(str(run), f'{tmp_path}/seeds')}")


def test_tensorboard_logs_are_written_on_demand(conll_32, tmp_path):
    arguments = [*tiny_config(conll_32), "--output", str(tmp_path / "run")]
    run_inside("train", "configs/phobert-tiny.yaml", *arguments, "--set", "training.tensorboard=true")
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))


def test_a_dry_run_shows_config_data_and_time_and_writes_nothing(tmp_path, tiny_arguments):
    output = tmp_path / "run"
    done = run_inside("train", "configs/phobert-tiny.yaml", *tiny_arguments, "--dry-run", "--output", str(output))
    assert "  epochs: 2\n" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("lodo-")]
    assert len(rows) == 5
    assert rows[0][1:6] == ["67", "4", "0", "1", "18"]
    assert "on this machine" in done.stdout
    assert done.stderr == ""  # the trials have no bars, which would not say what they are of
    assert not output.exists()


def test_epochs_are_added_until_there_are_enough_updates():
    overrides = ["training.epochs=60", "training.min_updates=100"]
    training = load_config(ROOT / "configs/phobert-tiny.yaml", overrides).training
    assert epochs_needed(training, 9) == 60
    assert epochs_needed(training, 8) == 100


def test_a_hub_encoder_that_is_not_cached_stops_the_run_before_it_begins(tmp_path):
    done = run_inside("train", "configs/phobert-base.yaml", "--output", str(tmp_path / "run"), check=False)
    assert done.returncode == 1
    assert "hub:vinai/phobert-base: is not in the cache" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


class Planted:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_a_planted_state_of_the_training_is_not_run(conll_32, tmp_path):
    command = ["train", "configs/phobert-tiny.yaml", *tiny_config(conll_32), *sets("training.epochs=2")]
    command += ["--output", str(tmp_path / "run")]
    run_inside(*command)
    (tmp_path / "run/all/fold.json").unlink()
    checkpoint, *older = sorted((tmp_path / "run/all/checkpoints").iterdir(), key=lambda path: path.stat().st_mtime)[
        ::-1
    ]
    for path in older:
        shutil.rmtree(path)
    for state in ("optimizer.pt", "scheduler.pt"):
        torch.save({"state": Planted(tmp_path / "ran")}, checkpoint / state)
        seal_checkpoint(checkpoint)
        done = run_inside(*command, "--resume", check=False)
        assert done.returncode == 1
        assert f"{checkpoint}: has a state that is damaged or holds code; delete this folder" in done.stderr
        assert not (tmp_path / "ran").exists()

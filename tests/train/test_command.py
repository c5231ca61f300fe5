"""The command line of the training: its options, its errors, and that options are checked before anything is read."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT, run_inside

FOLD = "lodo-cantho-2022-07"


def show(*arguments):
    """What a dry run of the rules prints."""
    return run_inside("train", *arguments, "--protocol", FOLD, "--dry-run").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--set", "seed=3", "configs/rules.yaml"),
        ("configs/rules.yaml", "--set", "seed=2", "--set", "seed=3"),
        ("--seed", "3", "configs/rules.yaml"),
        ("--set", "seed=2", "configs/rules.yaml", "--seed=3"),
    ],
)
def test_options_may_stand_in_any_order_and_the_seed_has_one_of_its_own(arguments):
    assert "seed: 3\n" in show(*arguments)


def test_a_run_of_a_seed_is_one_run(tmp_path):
    arguments = ("configs/rules.yaml", "--protocol", FOLD, "--output", str(tmp_path / "run"))
    run_inside("train", *arguments, "--seed", "3")
    assert json.loads((tmp_path / "run/manifest.json").read_text())["seed"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'CONFIG'"),
        (["configs/crf.yaml", "--set", "sead"], "'sead' is not KEY=VALUE; write, for example, training.epochs=10"),
        (["configs/crf.yaml", "--set", "seed=1", "name=b"], "write --set before each KEY=VALUE: --set name=b"),
        (["--set", "seed=1", "name=b", "configs/crf.yaml"], "write --set before each KEY=VALUE: --set name=b"),
        (["configs/crf.yaml", "configs/rules.yaml"], "'configs/rules.yaml' is one word too many; name one config"),
        (["configs/crf.yaml", "--seed", "1", "--seeds", "1,2"], "--seed and --seeds exclude each other"),
        (["configs/crf.yaml", "--resume", "--dry-run"], "--resume and --dry-run exclude each other"),
        (["configs/crf.yaml", "--seeds", "2,1,02"], "the seed 2 is there twice; write --seeds 2,1"),
        (["configs/crf.yaml", "--seed", "-1"], "Invalid value for '--seed'"),
        (["configs/crf.yaml", "--prot", "lodo"], "No such option '--prot'"),
        (["configs/crf.yaml", "--dry"], "No such option '--dry'"),
    ],
)
def test_a_wrong_call_is_answered_with_the_usage(arguments, message):
    done = run_inside("train", *arguments, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: python -m train [OPTIONS] CONFIG\n")
    assert f"Error: {message}" in done.stderr or message in done.stderr.partition("Error: ")[2]


@pytest.mark.parametrize("name", ["cpu-small", "cpu-small.yaml", "configs/cpu_smal.yaml", "config/cpu-small.yaml"])
def test_a_config_that_does_not_exist_is_guessed(name):
    done = run_inside("train", name, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{name}: does not exist; did you mean configs/cpu-small.yaml?\n"


@pytest.mark.parametrize(("name", "what"), [("nonsense", "does not exist"), ("data", "is a folder")])
def test_what_is_no_config_is_answered_with_one(name, what):
    done = run_inside("train", name, check=False)
    assert done.returncode == 1
    assert done.stderr == f"{name}: {what}; name a config, a YAML file such as configs/cpu-small.yaml\n"


def test_an_unknown_protocol_is_found_before_the_dataset_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)  # any import of it fails
    arguments = ["configs/crf.yaml", "--output", str(tmp_path / "run")]
    done = run_inside("train", *arguments, "--set", "data=nowhere", "--protocol", "loso", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("protocol: there is no protocol 'loso'; use transfer, lodo, lodo+synthetic, or one")
    done = run_inside("train", *arguments, "--protocol", "lodo-atlantis", check=False)
    assert done.returncode == 2
    assert "protocol: the dataset has no protocol or fold 'lodo-atlantis'; use transfer, lodo" in done.stderr
    assert FOLD in done.stderr


def test_an_interrupt_is_told_by_the_exit_code(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("train.run.run_training", interrupt)
    done = run_inside("train", "configs/crf.yaml", check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_baseline_is_trained_without_torch(tmp_path):
    code = (
        "import runpy, sys\n"
        "try: runpy.run_module('train', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as stop: print(stop.code, {'torch', 'transformers', 'accelerate'} & set(sys.modules))"
    )
    arguments = ["configs/rules.yaml", "--protocol", "lodo+synthetic-cantho-2022-07", "--output", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["0 set()"], done.stderr

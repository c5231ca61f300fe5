"""The folder and the manifest of a run: how it is executed, and how it may be resumed."""

from dataclasses import replace

import pytest

from tests.conftest import ROOT, make_manifest, run_inside
from thidua_ner.faults import DataError
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import processor_name
from train.config import load_config
from train.execution import describe_execution
from train.run import prepare_folder
from train.trainer import native_bf16

FOLD = "lodo-cantho-2022-07"


def config_of(name, *overrides):
    return load_config(ROOT / f"configs/{name}.yaml", overrides)


@pytest.mark.parametrize(
    ("name", "overrides", "precision"),
    [
        ("cpu-small", [], "bf16" if native_bf16() else "fp32"),
        ("cpu-small", ["training.precision=fp32"], "fp32"),
        ("cpu-small", ["training.precision=bf16"], "bf16"),
        ("crf", [], "fp64"),
        ("rules", [], "none"),
        ("underthesea", [], "none"),
    ],
)
def test_the_precision_is_the_one_that_is_used(name, overrides, precision):
    execution = describe_execution(config_of(name, *overrides))
    assert (execution.precision, execution.processes, execution.launcher) == (precision, 1, "python")
    assert execution.processor_name == processor_name()


@pytest.mark.parametrize("bf16", [True, False])
def test_auto_is_resolved(monkeypatch, bf16):
    monkeypatch.setattr("train.trainer.native_bf16", lambda: bf16)
    assert describe_execution(config_of("cpu-small")).precision == ("bf16" if bf16 else "fp32")


def test_a_precision_that_the_launcher_sets_is_recorded(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    execution = describe_execution(config_of("phobert-tiny"))
    assert (execution.precision, execution.launcher) == ("bf16", "accelerate launch")


@pytest.fixture
def begun(tmp_path):
    """The folder of a run that was started, and its manifest."""
    manifest = make_manifest(name="tiny", protocol="lodo", training={"epochs": 2, "precision": "auto"})
    folder = RunFolder(tmp_path / "run")
    prepare_folder(folder, manifest)
    return folder, manifest


def test_the_same_run_is_resumed(begun):
    folder, manifest = begun
    prepare_folder(folder, replace(manifest, command="another", commit="another"), resume=True)
    assert folder.read_manifest() == manifest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "bf16"}, r"was begun in another way \(precision: fp32, not bf16\); resume it as it was begun"),
        ({"processes": 2, "launcher": "torchrun"}, r"\(launcher: python, not torchrun, processes: 1, not 2\)"),
        ({"device": "cuda", "device_name": "H"}, r"\(device: cpu, not cuda, device_name: a processor, not H\)"),
        ({"processor_name": "other"}, r"\(processor_name: a processor, not other\)"),
    ],
)
def test_a_run_is_not_resumed_in_another_way(begun, changes, message):
    folder, manifest = begun
    other = replace(manifest, execution=replace(manifest.execution, **changes))
    with pytest.raises(DataError, match=message):
        prepare_folder(folder, other, resume=True)
    assert folder.read_manifest() == manifest


def test_a_run_is_not_resumed_with_another_config_or_data(begun):
    folder, manifest = begun
    config = {**manifest.config, "training": {"epochs": 3, "precision": "auto"}}
    with pytest.raises(DataError, match=r"is a run of another config \(training\.epochs: 2, not 3\)"):
        prepare_folder(folder, replace(manifest, config=config), resume=True)
    with pytest.raises(DataError, match="is a run of other data"):
        prepare_folder(folder, replace(manifest, data_fingerprint="e" * 64), resume=True)


def test_a_run_of_an_older_version_is_not_resumed(tmp_path):
    manifest = make_manifest(name="tiny", protocol="lodo")
    folder = RunFolder(tmp_path / "run")
    prepare_folder(folder, replace(manifest, execution=None))
    with pytest.raises(DataError, match="was begun by an older version, which did not record the precision"):
        prepare_folder(folder, manifest, resume=True)


def test_a_run_is_not_resumed_on_another_number_of_processes(tmp_path, monkeypatch):
    arguments = ["train", "configs/rules.yaml", "--protocol", FOLD, "--output", str(tmp_path / "run")]
    run_inside(*arguments)
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    done = run_inside(*arguments, "--resume", check=False)
    assert done.returncode == 1
    assert "was begun in another way (processes: 1, not 2); resume it as it was begun" in done.stderr

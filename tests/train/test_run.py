"""The folder and the manifest of a run: how it is executed, and how it may be resumed."""

from dataclasses import replace

import pytest
import torch

from tests.conftest import ROOT, make_manifest, run_inside
from thidua_ner.faults import DataError, MachineError
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import processor_name
from train.config import load_config
from train.execution import describe_execution
from train.lock import locked
from train.run import check_places, check_trainable, prepare_folder
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
    manifest = replace(manifest, execution=replace(manifest.execution, threads=1))
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
        ({"threads": 2}, r"\(threads: 1, not 2\)"),
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


def test_the_threads_of_an_encoder_are_recorded():
    assert describe_execution(config_of("phobert-tiny")).threads == torch.get_num_threads()
    assert describe_execution(config_of("crf")).threads is None


@pytest.mark.parametrize("lacking", ["execution", "threads"])
def test_a_run_of_an_older_version_is_not_resumed(begun, tmp_path, lacking):
    _, manifest = begun
    older = replace(manifest, execution=replace(manifest.execution, threads=None) if lacking == "threads" else None)
    folder = RunFolder(tmp_path / "older")
    prepare_folder(folder, older)
    assert folder.read_manifest() == older
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


@pytest.mark.parametrize(
    ("damage", "what"),
    [("{", "is not JSON"), ("{}", "lacks thidua_ner, command"), ('{"seed": "1"}', "lacks thidua_ner")],
)
def test_a_damaged_manifest_is_told(begun, damage, what):
    folder, manifest = begun
    folder.manifest.write_text(damage)
    for resume in (False, True):
        with pytest.raises(
            DataError, match=rf"is not a run: its manifest.json is damaged \({what}.*; restore that file"
        ):
            prepare_folder(folder, manifest, resume=resume)
    assert folder.manifest.read_text() == damage


def test_a_run_that_was_cut_off_while_it_began_is_completed(begun):
    folder, manifest = begun
    config = folder.config.read_text()
    folder.config.unlink()
    prepare_folder(folder, manifest, resume=True)
    assert folder.config.read_text() == config
    folder.config.unlink()
    folder.manifest.rename(folder.path / ".manifest.json.0a1b2c3d.tmp")  # as if it were killed before
    prepare_folder(folder, manifest, resume=True)
    assert folder.read_manifest() == manifest


def test_a_file_in_the_place_of_a_folder_is_found_before_training(begun):
    folder, _ = begun
    fold = folder.fold("lodo-a")
    check_places(folder, ["lodo-a"])
    fold.record.mkdir(parents=True)
    fold.model.write_text("")
    fold.checkpoints.write_text("")
    with pytest.raises(DataError) as error:
        check_places(folder, ["lodo-a"])
    assert [str(fault) for fault in error.value.faults] == [
        f"{fold.model}: is a file; move it away",
        f"{fold.checkpoints}: is a file; move it away",
        f"{fold.record}: is a folder; move it away",
    ]


def test_a_folder_that_is_not_writable_is_found_before_training(begun, monkeypatch):
    folder, _ = begun
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(MachineError, match="is not writable; change its permissions"):
        check_places(folder, ["lodo-a"])


def train_rules(*arguments, check=True):
    return run_inside("train", str(ROOT / "configs/rules.yaml"), "--protocol", FOLD, *arguments, check=check, cwd=ROOT)


@pytest.mark.parametrize("seeds", [(), ("--seeds", "2,1")])
@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_a_second_training_is_refused_while_the_first_lives(tmp_path, seeds, resume):
    run = tmp_path / "run"
    folder = run / "seed-1" if seeds else run
    run.mkdir()
    with locked(folder):
        done = train_rules("--output", str(run), *seeds, *resume, check=False)
        assert done.stderr == f"{folder}: is being trained by another process; wait for it, or name another --output\n"
        assert not [path for path in run.rglob("*") if path.suffix != ".lock"]
    train_rules("--output", str(run), *seeds, *resume)


@pytest.mark.parametrize("seeds", [(), ("--seeds", "1,2")])
def test_a_folder_that_does_not_exist_is_not_resumed(tmp_path, seeds):
    nowhere = tmp_path / "runs/two-sets"
    what = f"{nowhere}: does not exist, so there is nothing to resume; "
    done = train_rules("--output", str(nowhere), *seeds, "--resume", check=False)
    assert (done.returncode, done.stderr) == (1, f"{what}To begin a run, leave out --resume\n")
    assert not nowhere.parent.exists()
    prepare_folder(RunFolder(tmp_path / "runs/others"), make_manifest(name="a", protocol=None))
    done = train_rules("--output", str(nowhere), *seeds, "--resume", check=False)
    assert done.stderr == f"{what}the runs there are {tmp_path}/runs/others. To begin a run, leave out --resume\n"
    prepare_folder(RunFolder(tmp_path / "runs/two-seeds/seed-1"), make_manifest(name="a", protocol=None))
    done = train_rules("--output", str(nowhere), *seeds, "--resume", check=False)
    assert done.stderr == f"{what}did you mean {tmp_path}/runs/two-seeds? To begin a run, leave out --resume\n"
    assert not nowhere.exists()


def test_a_link_to_a_folder_has_the_lock_of_the_folder(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    with locked(tmp_path / "far"), pytest.raises(MachineError, match="is being trained by another process"):  # noqa: SIM117
        with locked(tmp_path / "near"):
            pass


def test_a_lock_does_not_follow_a_link(tmp_path):
    (tmp_path / ".run.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(MachineError, match=r"\.run\.lock: cannot be written \(.+\)"), locked(tmp_path / "run"):
        pass
    assert not (tmp_path / "victim").exists()


def test_a_run_is_trained_in_the_working_folder(tmp_path, monkeypatch):
    run = tmp_path / "run"
    run.mkdir()
    monkeypatch.chdir(run)
    for _ in range(2):
        config = str(ROOT / "configs/rules.yaml")
        data = f"data={ROOT / 'data'}"
        done = run_inside("train", config, "--protocol", FOLD, "--set", data, "--output", ".", cwd=run)
    assert f"{run}: the run that was here is now {run}.old" in done.stderr
    assert RunFolder(run).read_manifest() == RunFolder(tmp_path / "run.old").read_manifest()


def test_an_encoder_that_the_memory_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr("train.run.memory_size", lambda: 10**9)
    check_trainable(config_of("phobert-tiny"))
    with pytest.raises(MachineError, match=r"scratch: needs 9 GB of memory; this machine has 1; make hidden_size"):
        check_trainable(config_of("phobert-tiny", "scratch.layers=256", "scratch.intermediate_size=8192"))

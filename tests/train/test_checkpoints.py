"""A checkpoint is resumed from only if it is whole: what is damaged is told, and the one before it is taken."""

import errno
import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import TINY, run_inside
from tests.train.test_data import sets
from thidua_ner.faults import MachineError
from thidua_ner.models.checkpoints import writing
from thidua_ner.runs.folder import FoldFolder
from train import checkpoints, fold
from train.checkpoints import delete_old_checkpoints, last_whole_checkpoint, seal_checkpoint
from train.folds import whole_fold

FOLD = "lodo-cantho-2022-07"


def make_checkpoint(folder, update, best=None):
    path = folder / f"checkpoint-{update}"
    path.mkdir(parents=True)
    (path / "model.safetensors").write_bytes(bytes(100))
    (path / "trainer_state.json").write_text(json.dumps({"global_step": update, "best_global_step": best}))
    seal_checkpoint(path)
    return path


@pytest.fixture
def pair(tmp_path):
    return [make_checkpoint(tmp_path, update) for update in (9, 18)]


def flip(path, at=50):
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "a flipped bit": (lambda path: flip(path / "model.safetensors"), "its model.safetensors is damaged"),
    "truncation": (lambda path: (path / "model.safetensors").write_bytes(b""), "its model.safetensors is damaged"),
    "deletion": (lambda path: (path / "model.safetensors").unlink(), "lacks model.safetensors"),
    "an absurd update": (
        lambda path: (path / "trainer_state.json").write_text('{"global_step": 1000000000}'),
        "its trainer_state.json is damaged",
    ),
    "no digests": (lambda path: (path / "digests.json").unlink(), "was cut off"),
    "a list": (lambda path: (path / "digests.json").write_text("[1]"), "its digests.json is damaged"),
    "no entries": (lambda path: (path / "digests.json").write_text("{}"), "its digests.json is damaged"),
    "a file": (lambda path: (shutil.rmtree(path), path.write_text("")), "was cut off"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(pair, name, capsys):
    older, newest = pair
    damage, what = DAMAGES[name]
    damage(newest)
    assert last_whole_checkpoint(older.parent) == older
    assert capsys.readouterr().err == f"{newest}: {what}; deleted\n{older}: goes on from here\n"
    assert not newest.exists()


def test_without_a_whole_checkpoint_a_training_begins_anew(pair, tmp_path, capsys):
    for path in pair:
        flip(path / "model.safetensors")
    assert last_whole_checkpoint(tmp_path) is None
    assert capsys.readouterr().err.endswith(f"{tmp_path}: begins anew\n")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_checkpoint_is_taken_in_silence(pair, tmp_path, capsys):
    assert last_whole_checkpoint(tmp_path) == pair[1]
    assert last_whole_checkpoint(tmp_path / "none") is None
    assert capsys.readouterr().err == ""


def test_a_checkpoint_needs_that_of_the_best_model(tmp_path, capsys):
    best, newest = make_checkpoint(tmp_path, 9, best=9), make_checkpoint(tmp_path, 18, best=9)
    assert last_whole_checkpoint(tmp_path) == newest
    flip(best / "model.safetensors")
    assert last_whole_checkpoint(tmp_path) is None
    assert f"{newest}: needs checkpoint-9, which is not whole; deleted" in capsys.readouterr().err


def test_what_may_not_be_read_is_a_fault_and_stays(pair, monkeypatch):
    def refuse(self, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(MachineError, match=r"checkpoint-18/\S+: cannot be read \(Permission denied\)"):
        last_whole_checkpoint(pair[0].parent)
    assert all((path / "model.safetensors").is_file() for path in pair)


def test_two_checkpoints_are_kept_the_best_among_them_and_what_has_another_name(tmp_path):
    for update in (9, 18, 27, 36):
        make_checkpoint(tmp_path, update)
    (tmp_path / "checkpoint-mine").mkdir()
    make_checkpoint(tmp_path, 45, best=18)
    delete_old_checkpoints(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-18", "checkpoint-45", "checkpoint-mine"}
    make_checkpoint(tmp_path, 54)
    delete_old_checkpoints(tmp_path)
    kept = {"checkpoint-18", "checkpoint-45", "checkpoint-54", "checkpoint-mine"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_damage_to_a_new_best_checkpoint_costs_an_epoch_and_not_the_run(tmp_path):
    for update, best in ((1, 1), (2, 1), (3, 1), (4, 4)):
        newest = make_checkpoint(tmp_path, update, best)
        delete_old_checkpoints(tmp_path)
    flip(newest / "model.safetensors")
    assert last_whole_checkpoint(tmp_path) == tmp_path / "checkpoint-3"
    assert (tmp_path / "checkpoint-1").is_dir()


def test_a_checkpoint_that_cannot_be_deleted_is_not_told_as_deleted(pair, monkeypatch, capsys):
    flip(pair[1] / "model.safetensors")

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(checkpoints, "remove", refuse)
    with pytest.raises(MachineError, match=r"checkpoint-18: is damaged and cannot be deleted \(Permission denied\)"):
        last_whole_checkpoint(pair[0].parent)
    assert capsys.readouterr().err == ""


def test_what_a_process_left_that_was_killed_is_removed(tmp_path, monkeypatch):
    class BegunError(Exception):
        pass

    def begin(*_):
        raise BegunError

    monkeypatch.setattr(fold, "_train", begin)
    (tmp_path / "all/.model.0123abcd.tmp").mkdir(parents=True)
    (tmp_path / "all/checkpoints").mkdir()
    with pytest.raises(BegunError):
        fold.train_fold(whole_fold({"train": []}, {}), None, FoldFolder(tmp_path / "all"))
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["checkpoints"]


def test_what_libraries_raise_when_they_cannot_write_is_one_fault(tmp_path):
    for error in (OSError(errno.ENOSPC, "No space left on device"), RuntimeError("file write failed\nat line 3")):
        with pytest.raises(MachineError, match=rf"{tmp_path}: cannot be written \((No space|file write failed\))"):  # noqa: SIM117
            with writing(tmp_path):
                raise error
    for bug in (KeyError("a bug"), RecursionError("a bug"), NotImplementedError("a bug")):
        with pytest.raises(type(bug)), writing(tmp_path):
            raise bug


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The arguments of a tiny run of one fold with two checkpoints, and its folder."""
    run = tmp_path_factory.mktemp("checkpoints") / "run"
    arguments = ["configs/phobert-tiny.yaml", *sets(*TINY), "--protocol", FOLD]
    run_inside("train", *arguments, "--output", str(run))
    return arguments, run


def interrupted(run, to):
    """A copy of a finished run as if its end had not been written."""
    shutil.copytree(run, to)
    fold = to / FOLD
    shutil.rmtree(fold / "model")
    (fold / "fold.json").unlink()
    return fold


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "rng_state.pth"])
def test_a_run_with_a_damaged_checkpoint_ends_with_the_same_weights(trained, tmp_path, name):
    arguments, run = trained
    fold = interrupted(run, tmp_path / "run")
    first, second = sorted((fold / "checkpoints").iterdir(), key=lambda path: int(path.name.partition("-")[2]))
    flip(second / name, at=-100) if name == "model.safetensors" else (second / name).unlink()
    done = run_inside("train", *arguments, "--output", str(tmp_path / "run"), "--resume")
    assert f"{first}: goes on from here" in done.stderr
    assert (fold / "model/model.safetensors").read_bytes() == (run / FOLD / "model/model.safetensors").read_bytes()
    before, now = (json.loads((path / "fold.json").read_text()) for path in (run / FOLD, fold))
    assert now["train_loss"] == before["train_loss"]


def test_the_loss_of_a_record_is_the_mean_over_all_updates(trained):
    _, run = trained
    log = [json.loads(line) for line in (run / FOLD / "train_log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in log if "loss" in row]
    record = json.loads((run / FOLD / "fold.json").read_text())
    assert record["train_loss"] == log[-1]["train_loss"] == pytest.approx(sum(losses) / 2)


def test_a_training_that_had_stopped_early_is_not_continued(trained, project):
    arguments = [*trained[0][1:-2], "--protocol", "transfer"]
    overrides = sets("training.patience=2", "training.epochs=30", "training.learning_rate=1.0e-9")
    overrides += sets("training.head_learning_rate=1.0e-9")  # nothing gets better
    config = str(Path("configs/phobert-tiny.yaml").resolve())
    run_inside("train", config, *arguments, *overrides, "--output", "run", cwd=project)
    fold = project / "run/transfer"
    before = json.loads((fold / "fold.json").read_text())
    weights = (fold / "model/model.safetensors").read_bytes()
    (fold / "fold.json").unlink()
    shutil.rmtree(fold / "model")
    run_inside("train", config, *arguments, *overrides, "--output", "run", "--resume", cwd=project)
    after = json.loads((fold / "fold.json").read_text())
    assert (after["updates"], after["train_loss"]) == (before["updates"], before["train_loss"])
    assert (fold / "model/model.safetensors").read_bytes() == weights


def test_an_encoder_whose_parts_do_not_fit_each_other_is_a_fault(trained, tmp_path):
    _, run = trained
    encoder = Path(shutil.copytree(run / FOLD / "model", tmp_path / "encoder"))
    config = json.loads((encoder / "config.json").read_text())
    (encoder / "config.json").write_text(json.dumps({**config, "pad_token_id": None}))
    arguments = ["--protocol", FOLD, *sets("segmenter=none", "scratch=null", f"encoder={encoder}")]
    arguments += ["--output", str(tmp_path / "run")]
    done = run_inside("train", "configs/phobert-tiny.yaml", *arguments, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"{encoder}/config.json: pad_token_id is None, not a number; ")

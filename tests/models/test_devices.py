"""Devices: which one runs an encoder, and what happens where its memory ends."""

import numpy as np
import pytest
import torch
from transformers.modeling_outputs import TokenClassifierOutput

from tests.conftest import ROOT, run_inside
from thidua_ner.faults import MachineError, UsageError
from thidua_ner.formats import brat
from thidua_ner.models import devices
from thidua_ner.models.checkpoints import Checkpoint, load_checkpoint
from thidua_ner.models.devices import find_device
from thidua_ner.runs.folder import model_folders
from thidua_ner.tagging import tagger as tagging
from thidua_ner.tagging.jobs import cached_tagger
from thidua_ner.tagging.tagger import choose_device, load_tagger

GOLD = brat.read_folder(ROOT / "annotations/gold")
TEXT = "Sáng 29/7, Công an TP Cần Thơ họp tại Hà Nội."


def have_gpus(monkeypatch, number, kind="cuda"):
    """Let torch find so many GPUs, none of which computes anything."""
    gpu = torch.device(kind) if number else None
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: gpu)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: number)


@pytest.fixture
def fold(tiny_run):
    return tiny_run / "lodo-cantho-2022-07"


@pytest.mark.parametrize(
    ("gpus", "name", "found"),
    [
        (0, "auto", "cpu"),
        (0, "cpu", "cpu"),
        (2, "auto", "cuda:0"),
        (2, "cpu", "cpu"),
        (2, "cuda", "cuda:0"),
        (2, "cuda:1", "cuda:1"),
    ],
)
def test_a_device_is_found_by_its_name(monkeypatch, gpus, name, found):
    have_gpus(monkeypatch, gpus)
    assert find_device(name) == found


def test_other_gpus_than_those_of_nvidia_are_found(monkeypatch):
    have_gpus(monkeypatch, 1, "mps")
    assert (find_device("auto"), find_device("mps")) == ("mps:0", "mps:0")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "gpu", "", "cuda:-1", "0"])
def test_a_device_that_is_not_there_is_told_with_those_that_are(monkeypatch, name):
    have_gpus(monkeypatch, 0)
    with pytest.raises(UsageError) as error:
        find_device(name)
    what = f"device {name}: torch {torch.__version__} does not find it on this machine, only cpu"
    assert str(error.value) == f"{what}; name cpu, or `auto` for a GPU if there is one"
    have_gpus(monkeypatch, 2)
    with pytest.raises(UsageError, match="only cpu, cuda:0, cuda:1; name cpu or cuda:0 or cuda:1, or `auto` for a GPU"):
        find_device("cuda:2")


def test_without_a_gpu_a_call_for_one_ends_in_a_fault(fold, tmp_path):
    fault = f"device cuda:7: torch {torch.__version__} does not find it on this machine, only "
    text = str(ROOT / "annotations/gold/cantho-2022-07.txt")
    for command in (
        ["thidua_ner", "tag", str(fold), text],
        ["thidua_ner", "tag", str(fold), text, "--output", str(tmp_path / "out"), "--workers", "2"],
        ["evaluate", str(fold), "--gold", str(ROOT / "annotations/gold"), "--output", str(tmp_path / "out")],
    ):
        done = run_inside(*command, "--device", "cuda:7", check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(fault)
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "out").exists()


def test_what_runs_on_the_cpu_alone_refuses_another_device_by_name(monkeypatch, model, fold):
    have_gpus(monkeypatch, 1)
    folders = model_folders(fold)
    for device in (None, "auto", "cpu"):
        assert choose_device([model], "torch", device) == choose_device(folders, "onnx-int8", device) == "cpu"
    assert choose_device(folders, "torch-bf16", None) == "cuda:0"
    with pytest.raises(UsageError, match=r"^device cuda: crf runs on the CPU only; name no device$"):
        load_tagger(model, device="cuda")
    with pytest.raises(UsageError, match=r"^device cuda: the runtime onnx runs on the CPU only; name no device$"):
        load_tagger(fold, runtime="onnx", device="cuda")


def test_a_cluster_gives_out_its_gpus_only_if_they_are_named(monkeypatch, model, fold):
    have_gpus(monkeypatch, 1)
    folders = model_folders(fold)
    chosen = {name: choose_device(folders, "torch", name, on_cluster=True) for name in (None, "auto", "cpu", "cuda")}
    assert chosen == {None: "cpu", "auto": "cpu", "cpu": "cpu", "cuda": "cuda"}
    with pytest.raises(UsageError, match="device cuda:1: cannot be chosen on a cluster; name cuda"):
        choose_device(folders, "torch", "cuda:1", on_cluster=True)
    with pytest.raises(UsageError, match="device cuda: crf runs on the CPU only"):
        choose_device([model], "torch", "cuda", on_cluster=True)


class Gpu:
    """A model on a device of its own, whose memory holds batches of up to `room` subwords."""

    device = torch.device("meta")

    def __init__(self, model, room, error=torch.OutOfMemoryError):
        self.model, self.room, self.error, self.shapes = model, room, error, []
        self.config = model.config

    def __call__(self, input_ids, attention_mask):
        raise NotImplementedError("replaced by `on_gpu`")

    def run(self, ids, mask):
        self.shapes.append(ids.shape)
        if ids.size > self.room:
            raise self.error("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore advice.")
        with torch.inference_mode():
            return self.model(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()


@pytest.fixture
def on_gpu(fold, monkeypatch):
    """Make a checkpoint whose batches run on a `Gpu`."""

    def make(room, error=torch.OutOfMemoryError):
        (folder,) = model_folders(fold)
        real = load_checkpoint(folder)
        gpu = Gpu(real.model, room, error)
        checkpoint = Checkpoint(gpu, real.tokenizer, real.tags, real.segmenter)
        monkeypatch.setattr(Checkpoint, "_run", lambda _, ids, mask: gpu.run(ids, mask))
        checkpoint.subwords.batch = 100_000
        return checkpoint, gpu

    return make


SENTENCES = [[token.text for token in sentence.tokens] for document in GOLD for sentence in document.sentences()]


def test_a_batch_beyond_the_memory_is_halved_and_so_are_the_next_ones(fold, on_gpu):
    (folder,) = model_folders(fold)
    expected = load_checkpoint(folder).probabilities(SENTENCES)
    checkpoint, gpu = on_gpu(room=1500)
    found = checkpoint.probabilities(SENTENCES)
    for left, right in zip(expected, found, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
    failed = [rows * width > 1500 for rows, width in gpu.shapes]
    assert sum(failed) == failed.index(False) == 4  # padded, the texts are some 16,000 subwords
    assert checkpoint.subwords.batch <= 1500
    gpu.shapes.clear()
    checkpoint.probabilities(SENTENCES)
    assert max(rows * width for rows, width in gpu.shapes) <= 1500


def test_a_single_window_beyond_the_memory_is_a_fault_of_the_machine(on_gpu):
    checkpoint, gpu = on_gpu(room=5)
    with pytest.raises(MachineError) as error:
        checkpoint.probabilities(SENTENCES[:8])
    assert str(error.value).startswith("device meta: fails (CUDA out of memory. Tried to allocate 2.00 GiB.); see what")
    assert gpu.shapes[-1][0] == 1


def test_a_gpu_that_fails_is_a_fault_of_the_machine_and_of_no_text(on_gpu):
    checkpoint, gpu = on_gpu(room=5, error=torch.AcceleratorError)
    with pytest.raises(MachineError, match="device meta: fails"):
        tagging.Tagger([checkpoint]).tag(TEXT)
    assert len(gpu.shapes) == 1


def test_a_bug_on_the_cpu_is_no_fault_of_the_machine():
    with pytest.raises(RuntimeError, match="a bug"), devices.gpu_faults("cpu"):
        raise RuntimeError("a bug")


def test_a_model_beyond_the_memory_of_a_gpu_is_a_fault_of_the_machine(fold, monkeypatch):
    def move(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    have_gpus(monkeypatch, 1)
    monkeypatch.setattr(torch.nn.Module, "to", move)
    with pytest.raises(
        MachineError, match=r"^device cuda:0: fails \(CUDA out of memory. Tried to allocate 9.00 GiB.\)"
    ):
        load_tagger(fold)


def test_texts_go_to_the_device_and_come_back(fold):
    (folder,) = model_folders(fold)
    real = load_checkpoint(folder)
    seen = []

    class Recording(Gpu):
        def __call__(self, input_ids, attention_mask):
            seen.extend([input_ids.device.type, attention_mask.device.type])
            return TokenClassifierOutput(logits=torch.zeros(*input_ids.shape, len(real.tags), dtype=torch.bfloat16))

    found = Checkpoint(Recording(real.model, 0), real.tokenizer, real.tags, real.segmenter).probabilities([["Huế"]])
    assert seen == ["meta", "meta"]
    assert found[0].shape == (1, len(real.tags))
    assert np.allclose(found[0], 1 / len(real.tags))


def test_a_gpu_gets_the_model_in_its_precision_and_larger_batches(fold, monkeypatch):
    have_gpus(monkeypatch, 2)
    moved, groups = [], []
    plain = torch.nn.Module.to
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, device: moved.append(device) or plain(self, "cpu"))
    monkeypatch.setattr(tagging, "_GPU_GROUP_TOKENS", 77)
    for runtime in ("torch", "torch-bf16"):
        tagger = load_tagger(fold, runtime=runtime, device="cuda:1")
        (checkpoint,) = tagger._models
        groups.append((tagger._group_tokens, checkpoint.subwords.batch, checkpoint.model.dtype))
    assert groups == [(77, 32_768, torch.float32), (77, 32_768, torch.bfloat16)]
    assert moved == ["cuda:1", "cuda:1"]
    assert load_tagger(fold, device="cpu")._models[0].subwords.batch == 1280
    assert load_tagger(fold)._group_tokens == 77
    assert moved[2:] == ["cuda:0"]


def test_a_job_goes_on_only_with_the_kind_of_device_that_began_it(fold, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, _: self)
    command = ["thidua_ner", "tag", str(fold), str(ROOT / "annotations/gold"), "-o", str(tmp_path / "out")]
    have_gpus(monkeypatch, 0)
    run_inside(*command, "--shard", "2")
    have_gpus(monkeypatch, 2)
    done = run_inside(*command, "--shard", "2", check=False)
    assert done.returncode == 2
    assert f"{tmp_path / 'out'}: was started with other options (device: cpu, not cuda); give the " in done.stderr
    run_inside(*command, "--shard", "2", "--device", "cpu")
    (tmp_path / "out").rename(tmp_path / "old")
    run_inside(*command, "--shard", "2")
    run_inside(*command, "--shard", "2", "--device", "cuda:1")  # another of the same kind
    assert '"device": "cuda"' in (tmp_path / "out/.shards/job.json").read_text()


def test_the_device_reaches_every_place_that_loads_a_model(fold, tmp_path, monkeypatch):
    have_gpus(monkeypatch, 2)
    seen = []

    def load(*_, device, **__):
        seen.append(device)
        return load_tagger(fold, device="cpu")

    for module in ("jobs", "ensemble"):
        monkeypatch.setattr(f"thidua_ner.tagging.{module}.load_tagger", load)
    cached_tagger.cache_clear()
    gold, out = str(ROOT / "annotations/gold"), str(tmp_path / "out")
    run_inside("thidua_ner", "tag", str(fold), gold, "--device", "cuda:1")
    run_inside("thidua_ner", "tag", str(fold), gold, "--output", out)
    run_inside("evaluate", str(fold), "--gold", gold, "--output", str(tmp_path / "scores"), "--device", "cuda:1")
    run_inside("evaluate", str(fold), "--robustness", "--device", "cpu")
    cached_tagger.cache_clear()
    assert seen == ["cuda:1", "cuda:0", "cuda:1", "cpu", "cpu"]


def test_a_device_without_a_run_is_a_wrong_call():
    done = run_inside("evaluate", "--gold", "x", "--predictions", "y", "--device", "cuda", check=False)
    assert done.returncode == 2
    assert "--device needs a run, whose models tag the texts" in done.stderr

"""A full disk ends training in one line, and the next call completes what it left."""

import json
import os
import shutil
import subprocess

import pytest

from tests.conftest import ROOT, TINY, run_inside
from tests.train.test_data import SENTENCES, sets, write_conll


@pytest.fixture
def small_disk(tmp_path):
    """A file system, and a function that sets its size; only root can mount it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("mounting takes root")
    if subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "none", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk, lambda size: subprocess.run([mount, "-o", f"remount,size={size}", disk], check=True)
    subprocess.run(["umount", disk], check=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The arguments of a tiny training, and the folder of the finished one."""
    folder = tmp_path_factory.mktemp("tiny")
    write_conll(folder / "train.txt", SENTENCES * 4)
    data = json.dumps({"format": "conll", "train": str(folder / "train.txt")})
    arguments = [str(ROOT / "configs/phobert-tiny.yaml"), *sets(*TINY, f"data={data}")]
    run_inside("train", *arguments, "--output", str(folder / "run"))
    return arguments, folder / "run"


def disk_sizes(run):
    """Sizes at which a run of this size is cut off at its beginning, in a checkpoint, and in its model."""
    total = sum(path.stat().st_size for path in run.rglob("*") if path.is_file())
    return [f"{total * part // 100 // 1024 + 4}k" for part in (0, 25, 55, 90)]


def test_a_full_disk_is_one_fault_and_the_next_call_completes_the_run(tiny, small_disk):
    arguments, whole = tiny
    disk, resize = small_disk
    sizes, failed = disk_sizes(whole), []
    for number, size in enumerate(sizes):
        resize(size)
        run = disk / f"run-{number}"
        done = run_inside("train", *arguments, "--output", str(run), check=False)
        lines = [line for line in done.stderr.splitlines() if " cannot be written" in line or "free space" in line]
        if done.returncode:
            failed.append(size)
            assert done.returncode == 1
            assert len(lines) == 1, done.stderr
            assert lines[0].startswith(f"{disk}/"), lines
        assert (run / "all/fold.json").exists() == (done.returncode == 0)
        resize("20m")
        run_inside("train", *arguments, "--output", str(run), "--resume")
        for name in ("config.yaml", "all/model/model.safetensors", "all/model/config.json", "all/test.jsonl"):
            assert (run / name).read_bytes() == (whole / name).read_bytes(), (size, name)
        shutil.rmtree(run)
    assert len(failed) >= 3

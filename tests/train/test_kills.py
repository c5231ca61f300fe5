"""Trainings that are killed at random moments, and checkpoints damaged in every way, end with the same weights.

`make kills` runs this; KILLS sets how often a training is killed.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT, TINY, run_inside
from tests.train.test_data import SENTENCES, sets, write_conll

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "20"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The arguments of a tiny training, and the folder of one that was never interrupted."""
    folder = tmp_path_factory.mktemp("tiny")
    write_conll(folder / "train.txt", [f"{sentence} {n}" for n in range(11) for sentence in SENTENCES][:32])
    data = json.dumps({"format": "conll", "train": str(folder / "train.txt")})
    arguments = ["configs/phobert-tiny.yaml", *sets(*TINY, f"data={data}", "training.epochs=12")]
    run_inside("train", *arguments, "--output", str(folder / "run"))
    return arguments, folder / "run"


def outcome(run):
    """What must not depend on interruptions: the weights, the loss and the number of updates."""
    record = json.loads((run / "all/fold.json").read_text())
    return (run / "all/model/model.safetensors").read_bytes(), record["train_loss"], record["updates"]


def test_a_training_that_is_killed_at_random_moments_gives_the_same_model(tiny, tmp_path):
    arguments, whole = tiny
    chance = random.Random(7)  # noqa: S311 -- no secret
    for number in range(KILLS):
        run = tmp_path / f"run-{number}"
        command = [sys.executable, "-m", "train", *arguments, "--output", str(run)]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        seen = run / f"all/checkpoints/checkpoint-{4 * chance.randint(1, 12)}" if number % 5 else run
        while not seen.exists() and process.poll() is None:  # loading takes longer than training
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        left = [path.relative_to(run).as_posix() for path in run.glob("all/*") if path.name != "checkpoints"]
        print(number, left, [path.name for path in run.glob("all/checkpoints/*")], flush=True)
        done = run_inside("train", *arguments, "--output", str(run), "--resume", check=False)
        assert done.returncode == 0, done.stderr
        assert outcome(run) == outcome(whole)
        shutil.rmtree(run)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def absurd(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "global_step": 10**9}))


def test_every_damage_to_the_newest_checkpoint_is_told_and_mended(tiny, tmp_path):
    arguments, whole = tiny
    newest = max((whole / "all/checkpoints").iterdir(), key=lambda path: int(path.name.partition("-")[2]))
    names = sorted(path.name for path in newest.iterdir())
    damages = [(change, name) for change in (flip, cut, os.remove) for name in names]
    damages += [(absurd, "trainer_state.json"), (shutil.rmtree, "."), (lambda path: path.write_bytes(b""), names[0])]
    for number, (change, name) in enumerate(damages):
        run = tmp_path / f"run-{number}"
        shutil.copytree(whole, run)
        (run / "all/fold.json").unlink()
        shutil.rmtree(run / "all/model")
        change(run / "all/checkpoints" / newest.name / name)
        done = run_inside("train", *arguments, "--output", str(run), "--resume", check=False)
        assert done.returncode == 0, (change, name, done.stderr)
        told = f"{newest.name}: " in done.stderr and "goes on from here" in done.stderr
        assert told != (change is shutil.rmtree), (change, name)
        assert outcome(run) == outcome(whole), (change, name)
        shutil.rmtree(run)
        print(number, change.__name__, name, flush=True)
    print(len(damages), "damages of", len(names), "files")

"""`thidua-ner tag --workers`: real processes that are killed at any moment leave neither processes nor half a job."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tagging.test_tag import TEXT, contents, tag, tagged

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")

KILLS = int(os.environ.get("THIDUA_NER_KILLS", "2"))
"""How often the job is killed at a random moment; 20 take two minutes."""


@pytest.fixture
def lines(tmp_path):
    """Sixty texts, each of which takes about a hundredth of a second."""
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": f"{TEXT} {n} " * 40}) + "\n" for n in range(60)))
    return path


def start(*arguments):
    """Start a job with two workers in a session of its own, in which Ctrl-C is heard."""
    command = [sys.executable, "-m", "thidua_ner", "tag", *map(str, arguments), "--workers", "2"]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # it is ignored if the tests run in the background
    return subprocess.Popen(
        command, cwd=ROOT, text=True, start_new_session=True, preexec_fn=heard,  # noqa: PLW1509
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def processes(session):
    """List the processes of a session that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may be gone already
            if os.getsid(int(path.name)) == session and ") Z " not in (path / "stat").read_text():
                found.append(int(path.name))
    return found


def assert_all_end(process, seconds=60):
    """Wait until no process of the job is left."""
    end = time.monotonic() + seconds
    while left := processes(process.pid):
        if time.monotonic() > end:
            os.killpg(process.pid, signal.SIGKILL)
            pytest.fail(f"{len(left)} processes are left")
        time.sleep(0.02)


def wait_for_a_part(process, folder):
    while not list(folder.glob("part-*")):
        assert process.poll() is None
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "code", "everyone"),
    [(signal.SIGKILL, -9, False), (signal.SIGTERM, 143, False), (signal.SIGINT, 130, True)],
)
def test_workers_end_with_the_process_that_started_them(model, lines, tmp_path, number, code, everyone):
    process = start(model, lines, "-o", tmp_path / "out", "--shard", 20)
    wait_for_a_part(process, tmp_path / "out")
    assert len(processes(process.pid)) == 4  # the program, two workers, and the tracker of what they share
    (os.killpg if everyone else os.kill)(process.pid, number)
    assert_all_end(process)
    out, err = process.communicate()
    assert process.returncode == code
    assert out == ""
    if number != signal.SIGKILL:
        assert err == f"{tmp_path / 'out'}: interrupted; repeat the call to resume\n"
        assert not [path for path in (tmp_path / "out").rglob("*") if path.name.endswith(".tmp")]
    assert 20 <= len(tagged(tmp_path / "out")) < 60


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_while_the_workers_start_leaves_no_trace(model, lines, tmp_path, number, code):
    process = start(model, lines, "-o", tmp_path / "out", "--shard", 20)
    while len(processes(process.pid)) < 4:
        assert process.poll() is None
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    assert_all_end(process)
    assert process.communicate()[1] == f"{tmp_path / 'out'}: interrupted; repeat the call to resume\n"
    assert process.returncode == code


def test_a_job_killed_at_random_moments_gives_the_same_in_the_end(model, lines, tmp_path):
    arguments = (model, lines, "--shard", 5)
    begun = time.monotonic()
    assert "60 texts tagged, 0 refused" in start(*arguments, "-o", tmp_path / "whole").communicate()[0]
    length = time.monotonic() - begun
    moments = random.Random(1)  # noqa: S311
    for kill in range(KILLS):
        folder = tmp_path / f"out-{kill}"
        process = start(*arguments, "-o", folder)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moments.uniform(0, length))
        process.send_signal((signal.SIGKILL, signal.SIGTERM)[kill % 2])
        assert_all_end(process)
        process.communicate()
        tag(*arguments, "-o", folder)
        assert contents(folder) == contents(tmp_path / "whole")

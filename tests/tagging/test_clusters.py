"""Tagging on a cluster: real Ray processes on this machine, some of which are killed."""

import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT
from tests.tagging.test_encodings import MISREAD
from tests.tagging.test_tag import TEXT, parts, tag, tagged
from thidua_ner.faults import UsageError
from thidua_ner.tagging.clusters import _pool, _Worker
from thidua_ner.tagging.jobs import Job
from thidua_ner.text.spans import Document


def start_node(environment, *options):
    """Start the processes of a cluster machine in one session, so that they can be killed together."""
    command = [str(Path(sys.executable).parent / "ray"), "start", "--block", "--num-cpus", "1", *options]
    ports = ["--min-worker-port", "0", "--max-worker-port", "0"]  # two nodes share the ports of a machine
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    memory = ["--object-store-memory", str(100 << 20)]
    return subprocess.Popen([*command, *ports, *memory], env=environment, start_new_session=True, **quiet)


class Cluster(NamedTuple):
    """The environment that a program needs to reach a cluster, and the cluster's second node."""

    environment: dict[str, str]
    second: subprocess.Popen[bytes]


@pytest.fixture
def cluster():
    """A cluster of two nodes of one processor each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # its sockets need a short path
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0", "RAY_AUTH_MODE": "disabled",
            "RAY_health_check_period_ms": "500", "RAY_health_check_failure_threshold": "3",
        }  # fmt: skip
        head = start_node(environment, "--head", "--port", port, "--include-dashboard", "false")
        nodes = [head]
        try:
            wait_for(Path(folder) / "ray/ray_current_cluster")  # written when the head is ready
            nodes.append(start_node(environment, "--address", f"127.0.0.1:{port}"))
            environment["RAY_ADDRESS"] = f"127.0.0.1:{port}"
            both = "import ray, time\nray.init()\nwhile ray.cluster_resources()['CPU'] < 2: time.sleep(0.1)"
            subprocess.run([sys.executable, "-c", both], env=environment, check=True, capture_output=True, timeout=90)
            yield Cluster(environment, nodes[1])
        finally:
            for node in nodes:
                os.killpg(node.pid, signal.SIGKILL)
                node.wait()


def wait_for(path, seconds=120):
    """Wait until a file exists."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.1)


@pytest.fixture
def lines(tmp_path):
    """Three hundred records, one of which is not a record."""
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": str(n), "text": f"{TEXT} {n} " * 12}) for n in range(300)]
    path.write_text("\n".join(["{", *rows]) + "\n")
    return path


def start(environment, *arguments):
    command = [sys.executable, "-m", "thidua_ner", "tag", *map(str, arguments), "--engine", "ray"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)


def workers_of(node):
    """List the processes of a node that tag."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may be gone already
            if b"MapWorker" in path.read_bytes() and os.getsid(int(path.parent.name)) == node.pid:
                found.append(int(path.parent.name))
    return found


@pytest.mark.slow
def test_a_killed_node_costs_nothing(cluster, model, lines, tmp_path):
    arguments = (model, lines, "-o", tmp_path / "out", "--shard", 3, "--workers", 2)
    process = start(cluster.environment, *arguments)
    wait_for(tmp_path / "out/part-00000.jsonl")
    process.terminate()
    assert f"{tmp_path / 'out'}: interrupted; repeat the call to resume\n" in process.communicate(timeout=60)[1]
    assert process.returncode == 143

    process = start(cluster.environment, *arguments)
    while len(list((tmp_path / "out").glob("part-*"))) < 10 or not workers_of(cluster.second):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(cluster.second.pid, signal.SIGKILL)
    assert len(list((tmp_path / "out").glob("part-*"))) < 90  # the job was not finished yet
    out, err = process.communicate(timeout=120)
    assert "300 texts tagged, 1 refused" in out, err
    assert "1 record could not be tagged; see" in err
    tag(model, lines, "-o", tmp_path / "here", "--shard", 3, code=1)
    whole = {name: content for name, content in parts(tmp_path / "out").items() if not name.startswith(".")}
    assert whole == parts(tmp_path / "here")  # a killed worker may leave a partial file under a hidden name
    assert [row["id"] for row in tagged(tmp_path / "out")] == [str(n) for n in range(300)]

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/.shards").glob("[0-9]*.json")}
    (tmp_path / "out/.shards/00050.json").unlink()
    here = {name: value for name, value in cluster.environment.items() if name != "RAY_ADDRESS"}
    again = start(here, *arguments)
    assert "300 texts tagged, 1 refused" in again.communicate(timeout=120)[0]
    assert [path.name for path, time in before.items() if path.stat().st_mtime_ns != time] == ["00050.json"]


def test_a_fault_comes_back_from_a_worker(model, tmp_path):
    job = Job(model, "torch", tmp_path / "out", "jsonl")
    work = _Worker(job)
    shards = [pickle.dumps([Document("a", text)]) for text in (TEXT, f"{TEXT}!")]
    assert pickle.loads(work({"number": 0, "shard": shards[0]})["record"]).tagged == 1  # noqa: S301
    misread = pickle.dumps([Document("b", MISREAD)])
    (found,) = pickle.loads(work({"number": 1, "shard": misread})["record"]).encodings  # noqa: S301
    assert found.first == "b"
    job.shards.part(0).write_text("damaged")
    assert work({"number": 0, "shard": shards[0]})["told"].endswith(
        "has changed since it was written; it is done again\n"
    )
    row = work({"number": 0, "shard": shards[1]})
    error = pickle.loads(row["faults"])  # noqa: S301
    assert error.faults[0].what == "was made from other records"
    assert str(error).startswith(str(tmp_path / "out/part-00000.jsonl"))


def test_a_cluster_that_does_not_answer_is_told_at_once(model, lines, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    process = start({**os.environ, "RAY_ADDRESS": address}, model, lines, "-o", tmp_path / "out")
    _, err = process.communicate(timeout=60)
    refused = "no cluster answers ([Errno 111] Connection refused)"
    assert err == f"{address}: {refused}; start the cluster, or unset RAY_ADDRESS\n"
    assert process.returncode == 1


def test_the_gpus_of_a_cluster_are_shared_by_its_workers():
    resources = {"CPU": 16.0, "GPU": 2.0}
    assert _pool(resources, "cpu", None) == (16, 0.0)
    assert _pool(resources, "cpu", 3) == (3, 0.0)
    assert _pool(resources, "cuda", None) == (2, 1.0)
    assert _pool(resources, "cuda", 1) == (1, 1.0)
    workers, part = _pool(resources, "cuda", 5)
    assert (workers, part) == (5, 1 / 3)
    assert 2 * int(1 / part) >= workers  # else the last ones would wait for a GPU forever
    with pytest.raises(UsageError, match="device cuda: the cluster has no GPU"):
        _pool({"CPU": 16.0}, "cuda", 5)

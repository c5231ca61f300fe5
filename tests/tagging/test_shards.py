"""An output folder of shards: what is damaged is done again, what is left over is removed, nothing else is touched."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_inside
from tests.tagging.test_tag import TEXT, contents, parts, tag
from thidua_ner.faults import MachineError
from thidua_ner.files import read_json, write_json
from thidua_ner.tagging import tag as tagging
from thidua_ner.tagging.inputs import find_sources
from thidua_ner.tagging.shards import JobRecord, ShardRecord


@pytest.fixture
def texts(tmp_path):
    """Six lines of a .jsonl file."""
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": f"t{n}", "text": f"{TEXT} Lần {n}."}) + "\n" for n in range(6)))
    return path


@pytest.fixture(params=["jsonl", "brat"])
def job(request, model, texts, tmp_path):
    """The arguments of a finished job of three shards, and all that it wrote."""
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2, "--format", request.param)
    tag(*arguments)
    return arguments, contents(tmp_path / "out")


def damage(path, how):
    """Damage a part, or a file of a part that is a folder."""
    if how == "missing":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    if path.is_dir():
        if how == "another file":
            (path / "t9.txt").touch()
            return
        path = next(path.glob("*.ann"))
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-9], "empty": b"", "another file": content + b"{}\n"}[how])


@pytest.mark.parametrize("how", ["cut", "empty", "missing", "another file"])
def test_a_damaged_part_is_told_and_done_again(job, tmp_path, how):
    arguments, whole = job
    (part,) = (tmp_path / "out").glob("part-00001*")
    damage(part, how)
    done = tag(*arguments)
    what = "is missing" if how == "missing" else "has changed since it was written"
    assert done.stderr == f"{part}: {what}; it is done again\n"
    assert "6 texts tagged" in done.stdout
    assert contents(tmp_path / "out") == whole
    assert tag(*arguments).stderr == ""


@pytest.mark.parametrize("content", ["", "{", '{"input": 1}', "\0" * 60], ids=["empty", "cut", "other", "zeros"])
def test_a_damaged_record_is_told_and_its_shard_is_done_again(model, texts, tmp_path, content):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(*arguments)
    whole = contents(tmp_path / "out")
    path = tmp_path / "out/.shards/00001.json"
    path.write_text(content)
    told = tag(*arguments).stderr
    assert told.startswith(f"{path}: ")
    assert told.endswith("; its shard is done again\n")
    assert told.count("\n") == 1
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("content", ["{", None], ids=["cut", "missing"])
def test_without_the_record_of_its_job_the_parts_are_kept(model, texts, tmp_path, content):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(*arguments)
    path = tmp_path / "out/.shards/job.json"
    path.unlink() if content is None else path.write_text(content)
    whole = contents(tmp_path / "out")
    told = tag(*arguments, code=1).stderr
    assert told.startswith(f"{path}: ")
    assert told.endswith(f"restore it, name another --output, or remove {tmp_path}/out to tag everything again\n")
    assert contents(tmp_path / "out") == whole


@pytest.mark.parametrize("name", ["00001.json", "job.json"])
def test_a_record_that_cannot_be_read_is_a_fault_of_the_machine_and_nothing_is_done_again(
    model, texts, tmp_path, monkeypatch, name
):
    tag(model, texts, "-o", tmp_path / "out", "--shard", 2)
    whole, read = contents(tmp_path / "out"), Path.read_bytes

    def refuse(self):
        if self.name == name:
            raise OSError(5, "Input/output error", str(self))
        return read(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(MachineError, match=rf"{name}: cannot be read \(Input/output error\)"):
            tagging.tag(model, [str(texts)], output=tmp_path / "out", shard=2)
    assert contents(tmp_path / "out") == whole


def test_a_record_without_a_digest_is_done_again(model, texts, tmp_path):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(*arguments)
    whole = contents(tmp_path / "out")
    path = tmp_path / "out/.shards/00000.json"
    old = json.loads(path.read_text())
    del old["part"]
    path.write_text(json.dumps(old))
    assert "part-00000.jsonl: has changed since it was written; it is done again" in tag(*arguments).stderr
    assert contents(tmp_path / "out") == whole


def test_the_parts_of_a_job_that_finished_no_shard_are_removed(model, texts, tmp_path):
    tag(model, texts, "-o", tmp_path / "out", "--shard", 2)
    for path in (tmp_path / "out/.shards").glob("[0-9]*.json"):
        path.unlink()
    tag(model, texts, "-o", tmp_path / "out", "--shard", 6, "--format", "conll")
    assert sorted(parts(tmp_path / "out")) == ["errors.jsonl", "part-00000.conll"]


def test_a_part_beyond_the_last_shard_is_removed(model, texts, tmp_path):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(*arguments)
    (tmp_path / "out/part-00003.jsonl").write_text("written just before a longer job was killed")
    tag(*arguments)
    assert sorted(parts(tmp_path / "out")) == ["errors.jsonl", *(f"part-0000{n}.jsonl" for n in range(3))]


def test_other_code_is_not_mixed_in(model, texts, tmp_path, monkeypatch):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(*arguments)
    path = tmp_path / "out/.shards/job.json"
    before = read_json(path, JobRecord, "")
    assert before.code == tagging.code_fingerprint()
    old = json.loads(path.read_text())
    del old["code"]
    path.write_text(json.dumps(old))  # as older versions wrote it
    assert f"was started with other options (code: unknown, not {before.code})" in tag(*arguments, code=2).stderr
    write_json(path, before)
    monkeypatch.setattr(tagging, "code_fingerprint", lambda: "0.1.0 0123456789abcdef")
    with pytest.raises(tagging.UsageError, match=f"code: {before.code}, not 0.1.0 0123456789abcdef"):
        tagging.tag(model, [str(texts)], output=tmp_path / "out", shard=2)


def test_a_change_of_a_program_or_a_list_changes_the_code(tmp_path, monkeypatch):
    package = shutil.copytree(ROOT / "thidua_ner", tmp_path / "thidua_ner", ignore=shutil.ignore_patterns("*.pyc"))
    monkeypatch.setattr(tagging, "__file__", str(package / "tagging/tag.py"))
    found = [tagging.code_fingerprint()]
    for name in ("text/syllables.py", "baselines/rules.tsv"):
        with (package / name).open("a") as file:
            file.write("\n")
        found.append(tagging.code_fingerprint())
    assert len(set(found)) == 3


def test_what_a_killed_process_left_is_removed_and_never_read(model, texts, tmp_path):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2, "--format", "brat")
    tag(*arguments)
    whole = contents(tmp_path / "out")
    left = [tmp_path / "out/.part-00001.0123abcd.tmp", tmp_path / "out/.shards/.00001.json.0123abcd.tmp"]
    left[0].mkdir()
    (left[0] / "t2.txt").write_text("half")
    left[1].write_text("{")
    (tmp_path / "out/.mine.tmp").touch()
    names = [source.name for source in find_sources([str(tmp_path / "out")], "text")]
    assert [name for name in names if ".tmp/" in name] == []
    assert len(names) == 7
    tag(*arguments)
    assert contents(tmp_path / "out") == {**whole, ".mine.tmp": b""}


@pytest.mark.parametrize("place", [".shards/lock", ".shards"])
def test_nothing_is_written_through_a_link(model, texts, tmp_path, place):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/lock").write_text("precious")
    (tmp_path / "out/.shards").mkdir(parents=True)
    if place == ".shards":
        (tmp_path / "out/.shards").rmdir()
    (tmp_path / "out" / place).symlink_to(tmp_path / ("other" if place == ".shards" else "other/lock"))
    done = tag(model, texts, "-o", tmp_path / "out", code=2)
    assert f"{tmp_path}/out/{place}: is a link, or holds something that tagging has not written" in done.stderr
    assert contents(tmp_path / "other") == {"lock": b"precious"}


def test_a_lock_that_is_another_name_of_a_file_is_refused(model, texts, tmp_path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "out/.shards").mkdir(parents=True)
    os.link(tmp_path / "precious", tmp_path / "out/.shards/lock")
    tag(model, texts, "-o", tmp_path / "out", code=2)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_part_that_is_a_link_is_replaced(model, texts, tmp_path):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 6)
    tag(*arguments)
    part = tmp_path / "out/part-00000.jsonl"
    expected = part.read_bytes()
    (tmp_path / "other").write_text("precious")
    part.unlink()
    part.symlink_to(tmp_path / "other")
    tag(*arguments)
    assert (part.is_symlink(), part.read_bytes()) == (False, expected)
    assert (tmp_path / "other").read_text() == "precious"


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("in", "in/out", "is inside the input in, where another call would tag it"),
        (".", "out", "is inside the input ., where another call would tag it"),
        ("link", "in/out", "is inside the input link"),
        ("in", "in", "is inside the input in"),
        ("out/in", "out", "contains the input out/in"),
        ("out/in/a.txt", "out", "contains the input out/in/a.txt"),
    ],
)
def test_input_and_output_are_not_inside_each_other(model, tmp_path, source, output, message):
    for folder in ("in", "out/in"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.txt").write_text(TEXT)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    done = run_inside("thidua_ner", "tag", str(model), source, "-o", output, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{output}: {message}")
    assert not list(tmp_path.rglob(".shards"))


def test_a_dataset_does_not_hold_the_output(model, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
    done = tag(model, "--dataset", tmp_path / "data", "-o", tmp_path / "data/out", code=2)
    assert "is inside the input" in done.stderr


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_a_disk_that_is_full_when_it_syncs_finishes_no_shard(model, texts, tmp_path, monkeypatch):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 2)
    tag(model, texts, "-o", tmp_path / "whole", "--shard", 2)
    sync = os.fsync

    def full(handle):
        if "part-00001" in str(Path(f"/proc/self/fd/{handle}").readlink()):
            raise OSError(28, "No space left on device")
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        done = tag(*arguments, code=1)
    assert done.stderr.startswith(f"{tmp_path}/out/part-00001.jsonl: cannot be written (No space left on device)")
    assert sorted(contents(tmp_path / "out")) == [
        ".shards/00000.json", ".shards/job.json", ".shards/lock", "part-00000.jsonl",
    ]  # fmt: skip
    tag(*arguments)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.usefixtures("job")
def test_the_record_of_a_shard_has_the_digest_of_its_part(tmp_path):
    records = [read_json(tmp_path / f"out/.shards/0000{n}.json", ShardRecord, "") for n in range(3)]
    assert len({record.part for record in records}) == 3
    assert all(len(record.part) == 64 for record in records)

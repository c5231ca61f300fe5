"""`thidua-ner tag`: every record is tagged or refused exactly once, even if the job is interrupted."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, run_inside, run_module
from thidua_ner.faults import DataError
from thidua_ner.files import is_temporary
from thidua_ner.formats import brat, conll
from thidua_ner.formats.brat import file_names
from thidua_ner.formats.jsonl import read_documents
from thidua_ner.formats.registry import write_documents
from thidua_ner.formats.texts import Refused
from thidua_ner.tagging.inputs import find_sources
from thidua_ner.tagging.jobs import Job, run_here, run_processes, tag_records
from thidua_ner.tagging.outputs import FORMATS
from thidua_ner.tagging.shards import JobRecord, Shards
from thidua_ner.tagging.tag import model_fingerprint, read_shards
from thidua_ner.tagging.tagger import load_tagger
from thidua_ner.text.spans import Document

GOLD = brat.read_folder(ROOT / "annotations/gold")
TEXT = "Sáng 29/7, Công an TP Cần Thơ họp tại Hà Nội."
JOB = JobRecord(model="none", runtime="torch", format="conll", shard=1)


@pytest.fixture
def texts(tmp_path):
    """Twenty lines of a .jsonl file, one of which is not a text."""
    path = tmp_path / "in.jsonl"
    rows = [json.dumps({"id": f"t{n}", "text": f"{TEXT} Lần {n}."}) for n in range(20)]
    rows[7] = '{"id": "t7", "text": 7}'
    path.write_text("\n".join(rows) + "\n")
    return path


def tag(*arguments, code=0):
    done = run_inside("thidua_ner", "tag", *map(str, arguments), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


def parts(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def contents(folder):
    """All files of an output by their paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tagged(folder):
    return [json.loads(line) for path in sorted(folder.glob("part-*")) for line in path.read_text().splitlines()]


def test_a_text_on_the_standard_input_is_tagged(model):
    command = [sys.executable, "-m", "thidua_ner", "tag", str(model)]
    done = subprocess.run(command, input=TEXT, cwd=ROOT, capture_output=True, text=True, check=True)
    row = json.loads(done.stdout)
    expected = load_tagger(model).tag(TEXT)
    assert (row["id"], row["text"]) == ("stdin", TEXT)
    assert [(e["start"], e["end"], e["label"]) for e in row["entities"]] == [s.triple for s in expected.spans]
    assert row["entities"]


def test_a_run_is_tagged_as_it_is_evaluated(tiny_run, tmp_path):
    model = tiny_run / "lodo-cantho-2022-07"
    run_inside("evaluate", str(model), "--output", str(tmp_path / "scores"))
    tag(model, ROOT / "annotations/gold/cantho-2022-07.txt", "--no-text", "-o", tmp_path / "out")
    (row,) = tagged(tmp_path / "out")
    (expected,) = [json.loads(line) for line in (tmp_path / "scores/predictions.jsonl").read_text().splitlines()]
    assert row["entities"] == expected["entities"]


def test_entities_have_their_text_unless_it_is_left_out(model, tmp_path):
    path = ROOT / "annotations/gold/cantho-2022-07.txt"
    tag(model, path, "-o", tmp_path / "out")
    tag(model, path, "--no-text", "-o", tmp_path / "bare")
    (row,), (bare,) = tagged(tmp_path / "out"), tagged(tmp_path / "bare")
    assert [one.pop("text") for one in row["entities"]] == [
        row["text"][one["start"] : one["end"]] for one in bare["entities"]
    ]
    assert row == bare
    documents = [read_documents(tmp_path / f"{name}/part-00000.jsonl") for name in ("out", "bare")]
    assert documents[0] == documents[1]
    shown = [json.loads(tag(model, path, *more).stdout)["entities"][0].keys() for more in ((), ("--no-text",))]
    assert shown[0] - shown[1] == {"text"}
    done = tag(model, path, "--no-text", "-o", tmp_path / "out", code=2)
    assert "(format: jsonl, not jsonl without texts)" in done.stderr
    done = tag(model, path, "--no-text", "--format", "conll", "-o", tmp_path / "c", code=2)
    assert done.stderr == "--no-text: is for JSON Lines, not conll; leave it out\n"


def test_a_tagged_folder_is_scored_against_the_folder(model, tmp_path):
    write_documents(tmp_path / "gold", GOLD[:2])
    (tmp_path / "texts").mkdir()
    for path in (tmp_path / "gold").glob("*.txt"):
        shutil.copy(path, tmp_path / "texts")
    for folder in ("gold", "texts"):
        tag(model, tmp_path / folder, "-o", tmp_path / f"{folder}-out")
        predictions = str(tmp_path / f"{folder}-out/part-00000.jsonl")
        run_inside("thidua_ner", "score", "--gold", str(tmp_path / "gold"), "--predictions", predictions)


def test_every_record_is_tagged_or_refused(model, tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/a.txt").write_text(TEXT)
    (folder / "empty.txt").touch()
    (folder / "latin.txt").write_bytes("Cần".encode("utf-16"))
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")
    (folder / "odd.txt").write_text("Huế\0 🙂🏳️‍🌈 مرحبا \u202eabc\u202c Công an TP Cần Thơ", newline="")
    lines = [
        json.dumps({"id": "whole", "text": TEXT}), "{", '{"text": "\\ud800"}', "[]", '{"id": "x"}', "", '"\\u0000"',
        json.dumps({"id": 5, "text": TEXT}),
    ]  # fmt: skip
    (folder / "b.jsonl").write_bytes("\n".join(lines).encode() + b'\n{"text": "\xff\xfe"}')
    with (folder / "c.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "text"], ["r1", TEXT], ["r2", ""]])
    pq.write_table(pa.table({"text": [TEXT, None]}), folder / "d.parquet")
    (folder / "e.parquet").write_bytes(b"PAR1 no")
    (folder / "notes.md").write_text("not a text to tag")
    done = tag(model, folder, "-o", tmp_path / "out", "--shard", 4, code=1)
    found = {row["id"]: row["text"] for row in tagged(tmp_path / "out")}
    errors = (tmp_path / "out/errors.jsonl").read_text().splitlines()
    refused = {row["id"]: row["error"] for row in map(json.loads, errors)}

    def at(name):
        return str(folder / name)

    assert set(found) == {"deep/a", "empty", "odd", "whole", "5", "r1", "r2", at("d.parquet:1")}
    assert found["odd"].startswith("Huế\0 🙂🏳️‍🌈 مرحبا \u202eabc")
    assert refused.keys() == {
        at("latin.txt"), at("gone.txt"), *(at(f"b.jsonl:{n}") for n in (2, 3, 4, 7, 9)), "x", at("d.parquet:2"),
        at("e.parquet"),
    }  # fmt: skip
    assert refused[at("latin.txt")] == "is UTF-16; save it as UTF-8"
    assert refused[at("gone.txt")] == "cannot be read (No such file or directory)"
    assert refused[at("b.jsonl:3")] == "holds half of a surrogate pair"
    assert refused["x"] == f"has no text in 'text'; its columns are id ({at('b.jsonl')}:5)"
    assert "8 texts tagged, 10 refused" in done.stdout
    assert "10 records could not be tagged; see" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_shards_do_not_depend_on_workers(model, texts, tmp_path, workers):
    run_module("thidua_ner", "tag", str(model), str(texts), "-o", str(tmp_path / "out"), "--shard", "3",
               "--workers", str(workers), check=False)  # fmt: skip
    assert [row["id"] for row in tagged(tmp_path / "out")] == [f"t{n}" for n in range(20) if n != 7]
    tag(model, texts, "-o", tmp_path / "one", "--shard", 3, code=1)
    assert parts(tmp_path / "out") == parts(tmp_path / "one")


def killed_at(write, *arguments):
    """Run the command in a process that is killed just before its n-th write takes effect."""
    code = f"""
import os, signal, sys
from pathlib import Path
seen = 0
rename = Path.replace
def replace(self, target):
    global seen
    seen += 1
    if seen == {write}:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
Path.replace = replace
sys.argv = ["tag", "tag", *{list(map(str, arguments))!r}]
import runpy
runpy.run_module("thidua_ner", run_name="__main__")
"""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode


def test_a_job_that_is_killed_goes_on_where_it_stopped(model, texts, tmp_path):
    arguments = (model, texts, "--shard", 7)
    tag(*arguments, "-o", tmp_path / "whole", code=1)
    writes = 0
    while True:
        writes += 1
        folder = tmp_path / f"killed-{writes}"
        code = killed_at(writes, *arguments, "-o", folder)
        if code != -signal.SIGKILL:
            assert code == 1  # the record that is not a text
            break
        for path in folder.glob("part-*"):
            assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()  # whole or absent
        before = {path: path.stat().st_mtime_ns for path in folder.glob(".shards/[0-9]*.json")}
        tag(*arguments, "-o", folder, code=1)
        assert parts(folder) == {**parts(tmp_path / "whole"), **{n: c for n, c in parts(folder).items() if n[0] == "."}}
        assert all(path.stat().st_mtime_ns == time for path, time in before.items())  # done only once
    assert writes == 9  # the job, three parts with a record each, the errors, and none after


def test_a_killed_worker_costs_nothing_that_is_done(model, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": TEXT * 20}) + "\n" for n in range(300)))
    arguments = [str(model), str(path), "-o", str(tmp_path / "out"), "--shard", "5", "--workers", "2"]
    command = [sys.executable, "-m", "thidua_ner", "tag", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not list((tmp_path / "out").glob("part-*")):
        assert process.poll() is None
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(int(workers[0]), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker was killed; repeat the call: finished shards are kept" in err
    assert "Traceback" not in err
    run_module("thidua_ner", "tag", *arguments)
    assert [row["id"] for row in tagged(tmp_path / "out")] == [str(n) for n in range(300)]


def test_two_processes_do_not_write_to_one_output(model, texts, tmp_path):
    with Shards(tmp_path / "out", ".jsonl").opened(JOB):
        assert "is being written by another process" in tag(model, texts, "-o", tmp_path / "out", code=1).stderr


@pytest.mark.parametrize(("workers", "kind"), [(1, "jsonl"), (2, "jsonl"), (1, "brat")])
def test_a_full_disk_is_told_and_what_is_done_stays(model, texts, tmp_path, workers, kind):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12k", "none", str(disk)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        arguments = [model, texts, "--shard", 4, "--format", kind]
        call = ["tag", *arguments, "-o", disk / "out", "--workers", workers]
        done = run_module("thidua_ner", *map(str, call), check=False)
        target = rf"{disk}/out/(part-\d+(\.jsonl)?|\.shards/\d+\.json)"
        assert re.fullmatch(rf"{target}: cannot be written \(No space left on device\); check .*\n", done.stderr)
        assert not [path for path in (disk / "out").rglob("*") if is_temporary(path)]
        subprocess.run(["mount", "-o", "remount,size=1m", str(disk)], check=True)
        tag(*arguments, "-o", disk / "out", code=1)
        tag(*arguments, "-o", tmp_path / "whole", code=1)
        assert contents(disk / "out") == contents(tmp_path / "whole")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--format", "conll"), "was started with other options (format: jsonl, not conll)"),
        (("--shard", "5"), "was started with other options (shard: 4, not 5)"),
    ],
)
def test_another_job_is_not_mixed_in(model, texts, tmp_path, change, message):
    tag(model, texts, "-o", tmp_path / "out", "--shard", 4, code=1)
    assert message in tag(model, texts, "-o", tmp_path / "out", "--shard", 4, *change, code=2).stderr


def test_other_input_is_not_mixed_in(model, texts, tmp_path):
    tag(model, texts, "-o", tmp_path / "out", "--shard", 4, code=1)
    before = parts(tmp_path / "out")
    texts.write_text(texts.read_text().replace(' 9."', ' 99."'))
    again = (model, texts, "-o", tmp_path / "out", "--shard", 4)
    assert "part-00002.jsonl: was made from other records" in tag(*again, code=1).stderr
    texts.write_text("\n".join(texts.read_text().splitlines()[:4]))
    assert "has 5 shards, but the input has 1" in tag(*again, code=1).stderr
    assert parts(tmp_path / "out") == before


def test_a_folder_with_something_else_is_left_alone(model, texts, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes").touch()
    assert "exists and is not an output of tagging" in tag(model, texts, "-o", tmp_path / "mine", code=2).stderr
    assert not (tmp_path / "mine/.shards").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_formats(model, tmp_path, name):
    source = ROOT / "annotations/gold/cantho-2022-07.txt"
    tag(model, source, "-o", tmp_path / "out", "--format", name)
    expected = load_tagger(model).tag(source.read_text())
    (path,) = (tmp_path / "out").glob("part-*")
    if name == "jsonl":
        (found,) = read_documents(path)
        assert (found.text, found.spans) == (expected.text, expected.spans)
    elif name == "conll":
        (found,) = conll.read_predictions(path, [Document(source.stem, expected.text)])
        assert found.spans == expected.spans
    elif name == "parquet":
        (row,) = pq.read_table(path).to_pylist()
        assert [(e["start"], e["end"], e["label"], e["score"]) for e in row["entities"]] == [
            (*span.triple, span.score) for span in expected.spans
        ]
    elif name == "brat":
        (found,) = brat.read_folder(path)
        assert found.id == source.stem
        assert (found.text, [s.triple for s in found.spans]) == (expected.text, [s.triple for s in expected.spans])
        assert "\n[entities]\nORG\nPER\n" in "\n" + (path / "annotation.conf").read_text()
    else:
        assert path.read_text().count("<mark") == len(expected.spans)


@pytest.mark.parametrize(
    ("name", "bad", "problem"),
    [
        ("conll", "a\nb", "the id 'a\\nb' does not fit on a line"),
        ("brat", "Đ" * 101, f"the id {'Đ' * 50!r} gives a file name of 202 bytes"),
    ],
)
def test_what_a_format_cannot_hold_costs_no_other(model, tmp_path, name, bad, problem):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": one, "text": TEXT}) + "\n" for one in (bad, "c")))
    tag(model, path, "-o", tmp_path / "out", "--format", name, code=1)
    (part,) = (tmp_path / "out").glob("part-*")
    read = conll.read_file if name == "conll" else brat.read_folder
    assert [d.id for d in read(part)] == ["c"]
    (error,) = map(json.loads, (tmp_path / "out/errors.jsonl").read_text().splitlines())
    assert error == {"id": bad, "error": f"cannot be written ({problem})"}


CHARACTERS = st.characters(exclude_categories=["Cs"])


@given(st.lists(st.text(CHARACTERS, min_size=1, max_size=20) | st.sampled_from(["a", "a.txt", "../b"]), max_size=8))
def test_any_ids_name_different_files_and_come_back(ids):
    names = file_names([Document(name, "") for name in ids])
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(names)
    for name, own in zip(names, ids, strict=True):
        assert Path(name).name == name or not name
        assert not name.startswith(".")
        assert not re.search(r"""[\0-\x1f/\\:*?"<>|]|[. ]\Z""", name)
        assert unquote(name.partition("~")[0]) == own.removesuffix(".txt")


@pytest.mark.parametrize(
    ("own", "name"),
    [
        ("C:\\x", "C%3A%5Cx"), ("con", "%63on"), ("CON", "%43ON"), ("nul.txt", "%6Eul"), ("Aux.a", "%41ux.a"),
        ("com1", "%63om1"), ("lpt9 .x", "%6Cpt9 .x"), ("a. .", "a%2E%20%2E"), ("a ", "a%20"), ("a\r\nb", "a%0D%0Ab"),
        ("a\x85b\u2028", "a%C2%85b%E2%80%A8"), ("console", "console"), ("a.con", "a.con"), ("com10", "com10"),
        ("Đà Nẵng 1.2", "Đà Nẵng 1.2"),
    ],
)  # fmt: skip
def test_names_are_such_as_windows_can_hold(own, name):
    assert file_names([Document(own, "")]) == [name]
    assert unquote(name) == own.removesuffix(".txt")


def test_names_that_differ_in_case_or_form_do_not_overwrite_each_other():
    ids = ["a", "A", "Huế", unicodedata.normalize("NFD", "Huế")]
    assert file_names([Document(one, "") for one in ids]) == ["a", "A~2", "Huế", f"{ids[3]}~2"]


def test_a_brat_folder_of_an_interrupted_call_is_replaced(model, texts, tmp_path):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 10, "--format", "brat")
    tag(*arguments, code=1)
    expected = brat.read_folder(tmp_path / "out/part-00001")
    (tmp_path / "out/.shards/00001.json").unlink()
    (tmp_path / "out/part-00001/t15.ann").write_text("half")
    tag(*arguments, code=1)
    assert brat.read_folder(tmp_path / "out/part-00001") == expected
    assert {path.name for path in (tmp_path / "out").glob("*part*")} == {"part-00000", "part-00001"}


def test_a_tagger_that_fails_on_a_text_costs_only_that_text():
    class Picky:
        def tag_many(self, documents):
            for document in documents:
                if "bad" in document.text:
                    raise RuntimeError("no")
                yield document

    documents = [Document("a", "good"), Document("b", "bad"), Document("c", "good")]
    found = list(tag_records(Picky(), documents))
    assert found == [documents[0], Refused("b", "cannot be tagged (RuntimeError('no'))"), documents[2]]


@pytest.mark.parametrize("error", [ModuleNotFoundError("no", name="underthesea"), DataError([])])
def test_what_no_text_is_to_blame_for_ends_the_job(error):
    class Helpless:
        def tag_many(self, _):
            raise error

    with pytest.raises(type(error)):
        list(tag_records(Helpless(), [Document("a", "good")]))


@pytest.mark.parametrize("run", [run_here, run_processes(2)])
def test_each_record_is_told_once(model, texts, tmp_path, run):
    job = Job(model, "torch", tmp_path / "out", "jsonl")
    shards = partial(read_shards, find_sources([str(texts)], "text"), 3)
    with job.shards.opened(JOB):
        for done in (0, 7):  # the second time all but one shard is done
            told: list[int] = []
            outcomes = dict(run(job, shards, told.append))
            assert sum(told) == 20
            assert sum(outcome.tagged for outcome in outcomes.values()) == 19
            assert outcomes.keys() == set(range(7)), done
            (tmp_path / "out/.shards/00002.json").unlink()


def test_another_export_is_another_model(tiny_run, tmp_path):
    model = shutil.copytree(tiny_run / "lodo-cantho-2022-07/model", tmp_path / "model")
    (model / "onnx").mkdir()
    before = [model_fingerprint(model, runtime) for runtime in ("torch", "onnx")]
    (model / "onnx/model.onnx").write_bytes(b"new")
    after = [model_fingerprint(model, runtime) for runtime in ("torch", "onnx")]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


def test_records_are_counted_ahead(texts, tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"]}), tmp_path / "x.parquet")
    (tmp_path / "y.txt").touch()
    (tmp_path / "z.csv").write_text("text\na\n")
    (tmp_path / "w.parquet").touch()
    (tmp_path / "open.jsonl").write_text('{"text": "a"}\n{"text": "b"}')
    names = [texts.name, "x.parquet", "y.txt", "z.csv", "w.parquet", "open.jsonl"]
    sources = find_sources([str(tmp_path / name) for name in names], "text")
    counts = [source.count() for source in sources]
    assert counts == [20, 2, 1, 1, 1, 2]
    assert counts == [len(list(source.records())) for source in sources]


def test_a_dataset_is_tagged(model, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train.jsonl").write_text(json.dumps({"body": TEXT}) + "\n")
    tag(model, "--dataset", tmp_path / "data", "--column", "body", "-o", tmp_path / "out")
    (row,) = tagged(tmp_path / "out")
    assert row["text"] == TEXT
    done = tag(model, "--dataset", tmp_path / "data", "--column", "txt", "-o", tmp_path / "no", code=2)
    assert "has no column 'txt'; name one of body" in done.stderr


def test_what_stops_a_dataset_is_told(model, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
    (tmp_path / "data/b.jsonl").write_text('{"text": "no end')
    done = tag(model, "--dataset", tmp_path / "data", "-o", tmp_path / "out", "--shard", 1, code=1)
    assert f"{tmp_path / 'data'}: cannot be read further (" in done.stderr
    assert len(tagged(tmp_path / "out")) == 1
    assert not (tmp_path / "out/errors.jsonl").exists()


def test_a_file_name_of_any_bytes_names_its_text(model, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")
    Path(path).write_text(TEXT)
    tag(model, path, "-o", tmp_path / "out")
    assert [row["id"] for row in tagged(tmp_path / "out")] == ["caf\\xe9"]


def test_other_columns_are_not_read(model, tmp_path):
    no_date = pa.array([2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"text": [TEXT], "when": no_date}), tmp_path / "in.parquet")
    tag(model, tmp_path / "in.parquet", "-o", tmp_path / "out")
    assert len(tagged(tmp_path / "out")) == 1


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl", "in.parquet", "."])
def test_a_column_that_no_file_has_is_told_before_anything_is_written(model, tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"id": ["p"], "body": [TEXT]}), folder / "in.parquet")
    (folder / "in.csv").write_text(f'id;body;title\nc;"{TEXT}";Họp\n')
    (folder / "in.jsonl").write_text(json.dumps({"id": "j"}) + "\n" + json.dumps({"id": "k", "body": TEXT}) + "\n")
    columns = {"in.csv": "id, body, title", "in.jsonl": "id, body", "in.parquet": "id, body"}
    told = "{}: has no column 'text'; its columns are {}; name that of the texts with --column\n"
    expected = [told.format(folder / own, columns[own]) for own in columns if name in {own, "."}]
    arguments = (model, folder / name, "-o", tmp_path / "out")
    assert tag(*arguments, code=2).stderr == "".join(expected)
    assert not (tmp_path / "out").exists()
    code = 1 if name in {"in.jsonl", "."} else 0  # one line of the .jsonl has no text
    tag(*arguments, "--column", "body", code=code)
    assert {row["text"] for row in tagged(tmp_path / "out")} == {TEXT}


def test_a_call_with_another_column_is_told_apart_from_other_texts(model, tmp_path):
    (tmp_path / "in.csv").write_text(f'id,body,title\nc,"{TEXT}",Họp\n')
    arguments = (model, tmp_path / "in.csv", "-o", tmp_path / "out")
    tag(*arguments, "--column", "title")
    assert (
        "was started with other options (column: title, not body)" in tag(*arguments, "--column", "body", code=2).stderr
    )


def test_a_parquet_file_without_the_column_is_refused(model, tmp_path):
    pq.write_table(pa.table({"body": [TEXT, TEXT]}), tmp_path / "in.parquet")
    (tmp_path / "a.txt").write_text(TEXT)
    tag(model, tmp_path / "a.txt", tmp_path / "in.parquet", "-o", tmp_path / "out", code=1)
    (error,) = map(json.loads, (tmp_path / "out/errors.jsonl").read_text().splitlines())
    assert error["error"] == "cannot be read (has no column 'text'; name one of body with --column)"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_call_says_how_many_were_done_before(model, texts, tmp_path, workers):
    arguments = (model, texts, "-o", tmp_path / "out", "--shard", 5, "--workers", workers)
    counts = f"{tmp_path / 'out'}: 19 texts tagged, 1 refused"
    assert tag(*arguments, code=1).stdout == f"{counts}\n"
    before = contents(tmp_path / "out")
    assert tag(*arguments, code=1).stdout == f"{counts}; all were done before\n"
    (tmp_path / "out/part-00001.jsonl").unlink()  # with the refused one
    assert tag(*arguments, code=1).stdout == f"{counts}; 15 of them were done before\n"
    assert contents(tmp_path / "out") == before


def test_a_job_that_did_nothing_binds_no_other(model, texts, tmp_path):
    with Shards(tmp_path / "out", ".conll").opened(JOB):
        pass
    tag(model, texts, "-o", tmp_path / "out", code=1)
    assert len(tagged(tmp_path / "out")) == 19


def test_json_is_utf_8_wherever_it_goes(model):
    command = [sys.executable, "-m", "thidua_ner", "tag", str(model)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, input=TEXT.encode(), cwd=ROOT, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout.decode("utf-8"))["text"] == TEXT


def test_an_interrupt_ends_a_job_that_can_go_on(model, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": str(n), "text": TEXT * 100}) + "\n" for n in range(100)))
    arguments = [str(model), str(path), "-o", str(tmp_path / "out"), "--shard", "5", "--workers", "2"]
    command = [sys.executable, "-m", "thidua_ner", "tag", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # it is ignored if the tests run in the background
    process = subprocess.Popen(command, cwd=ROOT, text=True, preexec_fn=heard, **pipes)  # noqa: PLW1509
    while not list((tmp_path / "out").glob("part-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == f"{tmp_path / 'out'}: interrupted; repeat the call to resume\n"
    assert len(tagged(tmp_path / "out")) < 100
    run_module("thidua_ner", "tag", *arguments)
    assert len(tagged(tmp_path / "out")) == 100


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere", "x.txt"], 1, "nowhere: is not a run; name a folder that `python -m train` wrote"),
        (
            ["MODEL", "x.txt"],
            1,
            "x.txt: does not exist; name a folder, a .jsonl, .ndjson, .txt, .csv, .tsv, .parquet file, or -",
        ),
        (["MODEL", "README.md"], 1, "README.md: has the suffix '.md'"),
        (["MODEL", "configs"], 1, "configs: has no texts"),
        (["MODEL", "--workers", "0"], 2, "Invalid value for '--workers': 0 is not in the range x>=1"),
        (["MODEL", "--engine", "ray"], 2, "ray: cannot reach the standard input and output; name files or a dataset"),
        (["MODEL", "configs", "--engine", "ray"], 2, "ray: cannot reach the standard input and output"),
        (["MODEL", "configs", "--format", "html"], 2, "tag: --format and --workers are for a folder of shards"),
        (["MODEL", "--dataset", "no/such"], 1, "no/such: cannot be loaded ("),
    ],
)
def test_bad_calls_are_answered(model, arguments, code, message):
    assert message in tag(*(str(model) if a == "MODEL" else a for a in arguments), code=code).stderr


def test_ten_megabytes_in_one_line_cost_no_other_text(model, tmp_path):
    clause = TEXT.removesuffix(".") + "," + "\u3000" * 4000  # a space of three bytes
    long = clause * (10_000_000 // len(clause.encode()) + 1)
    assert len(long.encode()) > 10_000_000
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in [("a", long), ("b", TEXT)]))
    tag(model, path, "-o", tmp_path / "out")
    (row, other) = tagged(tmp_path / "out")
    assert (row["id"], row["text"], other["id"]) == ("a", long, "b")
    starts = {entity["start"] % len(clause) for entity in row["entities"]}
    assert len(row["entities"]) > 0.99 * len(starts) * (len(long) // len(clause))
    assert len(starts) >= 3

"""The inputs of tagging: each file of a folder is read, refused or named as passed over, and each id is unique."""

import io
import json
import os
import sys
import tracemalloc
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.formats.test_parquet import broken_utf8
from thidua_ner.faults import DataError, MachineError
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.formats.registry import write_documents
from thidua_ner.formats.texts import Refused
from thidua_ner.tagging import inputs
from thidua_ner.tagging.inputs import dataset_source, find_sources, unique_records
from thidua_ner.text.spans import Document


def records(*paths):
    return list(unique_records(find_sources([str(path) for path in paths], "text")))


def names(*paths):
    return [record.id for record in records(*paths)]


def line(name, text="Huế"):
    return json.dumps({"id": name, "text": text, "entities": []}) + "\n"


def test_a_folder_tells_what_it_passes_over(tmp_path, capsys):
    (tmp_path / ".git").mkdir()
    for name in ("a.txt", "B.TXT", "e.md", "f.jsonl.gz", "._a.txt", ".git/x.txt", "a.ann", "c.json", "annotation.conf"):
        (tmp_path / name).write_text("Huế")
    (tmp_path / "d.TSV").write_text("id\ttext\nd\tHuế\n")
    (tmp_path / "g.ndjson").write_text(line("g"))
    assert names(tmp_path) == ["B", "a", "d", "g"]
    told = capsys.readouterr().err
    assert told == f"{tmp_path}: passed over 3 that are not texts to tag: c.json, e.md, f.jsonl.gz\n"


def test_linked_folders_are_read_once(tmp_path, capsys):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/b.txt").write_text("Huế")
    (tmp_path / "in/a.txt").write_text("Vinh")
    (tmp_path / "in/deep/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/link").symlink_to(tmp_path / "other")
    assert names(tmp_path / "in") == ["a", "link/b"]
    assert "passed over 1 that are not texts to tag: deep/loop" in capsys.readouterr().err


def test_a_pipe_does_not_stop_the_reading(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.csv")
    (tmp_path / "c.txt").write_text("Huế")
    assert records(tmp_path) == [
        Refused(str(tmp_path / "a.txt"), "is not a regular file"),
        Refused(str(tmp_path / "b.csv"), "is not a regular file"),
        Document("c", "Huế"),
    ]
    assert [source.count() for source in find_sources([str(tmp_path)], "text")] == [1, 1, 1]


def test_texts_are_named_as_documents_are(tmp_path):
    gold = [Document("a", "Huế"), Document("b.c", "Vinh")]
    write_documents(tmp_path / "gold", gold)
    assert records(tmp_path / "gold") == brat.read_folder(tmp_path / "gold") == gold
    assert names(tmp_path / "gold/b.c.txt") == ["b.c"]
    assert names(tmp_path / "gold", tmp_path / "gold/a.txt") == ["a", "b.c", str(tmp_path / "gold/a.txt")]


def test_output_with_repeated_ids_can_be_read_back(tmp_path):
    (tmp_path / "a.jsonl").write_text(line("x") + line("y") + line("x", "Cần Thơ"))
    (tmp_path / "b.jsonl").write_text(line("y", "Vinh") + line("z"))
    found = records(tmp_path)
    reason = f"is the id of an earlier text of {tmp_path / 'a.jsonl'}; give each text its own"
    assert [one for one in found if isinstance(one, Refused)] == [Refused("x", reason)]
    texts = [one for one in found if isinstance(one, Document)]
    write_documents(tmp_path / "out.jsonl", texts)
    read = read_predictions(tmp_path / "out.jsonl", texts)
    assert [one.id for one in read] == ["x", "y", f"{tmp_path / 'b.jsonl'}:y", "z"]
    assert read[2].text == "Vinh"


def test_a_file_that_is_named_again_and_again_gives_no_id_twice(tmp_path):
    (tmp_path / "a.jsonl").write_text(line("x"))
    path = tmp_path / "a.jsonl"
    assert names(path, path, path)[:2] == ["x", f"{path}:x"]
    assert isinstance(records(path, path, path)[2], Refused)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.spacy", "is an export of spaCy (DocBin); convert it: write"),
        ("a.xmi", "is an export of INCEpTION (UIMA XMI)"),
        ("a.json", "has the suffix '.json'; write one object per line in a .jsonl file"),
        ("a.md", "has the suffix '.md'; name a folder"),
    ],
)
def test_files_of_other_kinds_are_refused_by_name(tmp_path, name, message):
    (tmp_path / name).write_text("[]")
    with pytest.raises(DataError) as caught:
        names(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {message}")


def test_a_row_of_a_dataset_that_cannot_be_decoded_costs_no_other(tmp_path):
    ids = pa.array([2**62] * 5, pa.timestamp("us"))
    pq.write_table(pa.table({"id": ids, "text": broken_utf8(5, 2)}), tmp_path / "train.parquet")
    found = list(dataset_source(str(tmp_path), "train", "text").records())
    assert [one.id for one in found] == [f"{tmp_path}:train:{number}" for number in range(5)]
    assert [one.reason for one in found if isinstance(one, Refused)] == ["is not UTF-8"]
    assert found[1].text == "Vinh"


def test_a_dataset_that_its_builder_cannot_read_is_told(tmp_path):
    (tmp_path / "README.md").write_text("---\nconfigs: [\n---\n")
    (tmp_path / "train.jsonl").write_text(line("a"))
    with pytest.raises(MachineError, match=r"cannot be loaded \(while parsing"):
        dataset_source(str(tmp_path), "train", "text")


def test_the_standard_input_is_read_up_to_the_limit(monkeypatch):
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 <= size <= 11
            return b"a" * size

    monkeypatch.setattr(inputs, "MAX_LINE_BYTES", 10)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Endless(), isatty=lambda: False))
    assert records("-") == [Refused("stdin", "has more than 10 bytes")]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"0123456789"), isatty=lambda: False))
    assert records("-") == [Document("stdin", "0123456789")]


def test_an_id_that_looks_like_one_that_was_made_is_no_repetition(tmp_path):
    (tmp_path / "a.jsonl").write_text(line("x"))
    path = tmp_path / "b.jsonl"
    path.write_text(line("x") + line(f"{path}:x"))
    assert names(tmp_path / "a.jsonl", path) == ["x", f"{path}:x", f"{path}:{path}:x"]


def test_an_id_takes_a_hundred_bytes():
    count = 40_000
    source = inputs.Source("a", lambda: (Document("a" * 500 + str(n), "") for n in range(count)), lambda: count)
    stream = unique_records([source])
    tracemalloc.start()
    assert sum(1 for _ in zip(range(count - 1), stream, strict=False)) == count - 1
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 125 * count


def test_names_send_no_controls(tmp_path, capsys):
    folder = tmp_path / "x\x1b[2J\ny"
    folder.mkdir()
    (folder / "a.txt").write_text("Huế")
    (folder / "b\x1b.md").touch()
    assert names(folder) == ["a"]
    told = capsys.readouterr().err
    assert told == f"{tmp_path}/x␛[2J␊y: passed over 1 that are not texts to tag: b␛.md\n"


def test_a_table_of_other_things_beside_texts_is_passed_over(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Huế")
    (tmp_path / "SOURCES.tsv").write_text("id\turl\na\thttps://example.org\n")
    assert [source.name for source in find_sources([str(tmp_path)], "text")] == [str(tmp_path / "a.txt")]
    assert "passed over 1 that are not texts to tag: SOURCES.tsv" in capsys.readouterr().err


def test_what_is_not_tagged_or_named_anew_is_told(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("Huế")
    (tmp_path / "b.jsonl").write_text('{"id": "a", "text": "Vinh"}\n')
    (tmp_path / "c.csv").write_text("id,text\n")
    ids = [record.id for record in unique_records(find_sources([str(tmp_path)], "text"))]
    assert ids == ["a", f"{tmp_path}/b.jsonl:a"]
    told = capsys.readouterr().err
    assert f"tag: 1 ids are there in another file too, and are written as FILE:ID: {tmp_path}/b.jsonl:a\n" in told
    assert f"{tmp_path}/c.csv: has no records\n" in told


def test_a_folder_without_texts_names_what_it_has(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(b"")
    with pytest.raises(DataError, match=r"has no texts, but 1 that are none: a\.txt\.gz; name a folder with"):
        find_sources([str(tmp_path)], "text")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("sep=;\nid;text\n1;Huế\n", "begins with a line for Excel, `sep=`; delete that line"),
        ("id,text\n1\n", "has 1 cells, but the header has 2; add the missing cells"),
    ],
)
def test_a_table_says_what_would_mend_it(tmp_path, content, reason):
    (tmp_path / "a.csv").write_text(content)
    (record,) = unique_records(find_sources([str(tmp_path / "a.csv")], "text"))
    assert reason in record.reason

"""Exports of annotation tools are recognised by what their records hold."""

from pathlib import Path

import pytest

from thidua_ner.faults import DataError
from thidua_ner.formats.exports import recognise_export, recognise_file, recognise_suffix
from thidua_ner.formats.registry import read_documents

TEXT = {"id": 1, "text": "Huế"}


@pytest.mark.parametrize(
    ("row", "tool"),
    [
        ({**TEXT, "label": [[0, 3, "LOC"]]}, "doccano"),
        ({**TEXT, "labels": [[0, 3, "LOC"]]}, "doccano"),
        ({**TEXT, "entities": [{"label": "LOC", "start_offset": 0, "end_offset": 3}]}, "doccano"),
        ({"id": 1, "data": {"text": "Huế"}, "annotations": [{"result": []}]}, "Label Studio"),
        ({**TEXT, "label": [{"start": 0, "end": 3, "labels": ["LOC"]}]}, "Label Studio"),
        ([{**TEXT, "label": [{"start": 0, "end": 3, "labels": ["LOC"]}]}], "Label Studio"),
        ({"text": "Huế", "_input_hash": 1, "spans": []}, "Prodigy"),
        ({**TEXT, "spans": [], "answer": "reject"}, "Prodigy"),
        (["Huế", {"entities": [[0, 3, "LOC"]]}], "spaCy"),
        ([["Huế", {"entities": [[0, 3, "LOC"]]}]], "spaCy"),
        ({**TEXT, "entities": []}, ""),
        ({**TEXT, "entities": [{"start": 0, "end": 3, "label": "LOC"}]}, ""),
        ({**TEXT, "label": "LOC"}, ""),
        ({**TEXT, "label": [1]}, ""),
        (["Huế", {}], ""),
        ([], ""),
        ("Huế", ""),
        (None, ""),
    ],
)
def test_a_record_tells_its_tool(row, tool):
    assert recognise_export(row) == tool


def test_a_list_may_nest_deeper_than_calls():
    row = {**TEXT, "label": [[0, 3, "LOC"]]}
    for _ in range(5000):
        row = [row]
    assert recognise_export(row) == "doccano"


@pytest.mark.parametrize(
    ("name", "tool"),
    [("a.spacy", "spaCy (DocBin)"), ("a.XMI", "INCEpTION (UIMA XMI)"), ("a.txt", ""), ("a", "")],
)
def test_a_suffix_tells_its_tool(name, tool):
    assert recognise_suffix(Path(name)) == tool


def test_a_file_of_another_tool_is_refused_by_its_name(tmp_path):
    (tmp_path / "export.json").write_text('[{"id": 1, "data": {"text": "Huế"}, "annotations": [{"result": []}]}]')
    (tmp_path / "other.json").write_text("[")
    (tmp_path / "train.SPACY").write_bytes(b"x")
    assert [recognise_file(tmp_path / name) for name in ("export.json", "other.json", "train.SPACY")] == [
        "Label Studio",
        "",
        "spaCy (DocBin)",
    ]
    with pytest.raises(DataError, match=r"export.json: is an export of Label Studio; convert it: write"):
        read_documents(tmp_path / "export.json")
    (tmp_path / "dump.iob").write_text("Huế B-LOC\n")
    with pytest.raises(DataError, match=r"dump.iob: has the suffix '.iob'; .*; rename it if its lines are"):
        read_documents(tmp_path / "dump.iob")

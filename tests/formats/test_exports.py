"""Exports of annotation tools are recognised by what their records hold."""

from pathlib import Path

import pytest

from thidua_ner.formats.exports import recognise_export, recognise_suffix

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


@pytest.mark.parametrize(
    ("name", "tool"),
    [("a.spacy", "spaCy (DocBin)"), ("a.XMI", "INCEpTION (UIMA XMI)"), ("a.txt", ""), ("a", "")],
)
def test_a_suffix_tells_its_tool(name, tool):
    assert recognise_suffix(Path(name)) == tool

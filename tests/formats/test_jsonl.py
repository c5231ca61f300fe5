"""JSON Lines of documents and predictions: all faults of a file, and what strings that look alike differ in."""

import json
import unicodedata

import pytest

from thidua_ner.faults import DataError
from thidua_ner.formats.jsonl import read_documents, read_predictions
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span

GOLD = [Document("Huế-1", "Công an Huế họp.\n")]


def faults_of(path, *rows, gold=None, types=None):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_documents(path, types) if gold is None else read_predictions(path, gold, types)
    return [(fault.line, f"{fault.what}; {fault.remedy}") for fault in caught.value.faults]


def entity(start, end, **more):
    return {"start": start, "end": end, "label": "ORG", **more}


def test_all_faults_of_a_file_are_gathered(tmp_path):
    good = {"id": 1, "text": "Huế", "entities": []}
    twice = '{"id": 2, "id": 3, "text": "a", "entities": []}'
    huge = '{"id": "h", "text": "a", "entities": [{"start": 0, "end": 1' + "0" * 5000 + "}]}"
    found = faults_of(tmp_path / "a.jsonl", good, "{", {**good, "id": "1"}, {"id": True}, twice, huge, [1])
    assert [line for line, _ in found] == [2, 3, 4, 5, 6, 7]
    assert [what.partition(";")[0] for _, what in found[1:]] == [
        "'1' is on line 1 already",
        "is not an object with an id",
        "an object has the key 'id' twice",
        "a number has more than 4,300 digits",
        "is a JSON array",
    ]


def test_an_id_that_looks_like_a_gold_one_is_told_apart(tmp_path):
    for name, difference in [
        (unicodedata.normalize("NFD", "Huế-1"), "decomposed Unicode (NFD) instead of NFC"),
        ("Huế-1\n", "another line break at the end"),
        ("huế-1", "letter case"),
    ]:
        ((_, what), _) = faults_of(tmp_path / "p.jsonl", {"id": name, "entities": []}, gold=GOLD)
        assert what == f"{name!r} is not a gold document: it differs from 'Huế-1' in {difference}; use Huế-1"


def test_a_line_that_cannot_be_read_may_be_the_prediction_that_is_missing(tmp_path):
    ((line, what),) = faults_of(tmp_path / "p.jsonl", "{,", gold=GOLD)
    assert line == 1
    assert what.startswith("is not JSON")


def test_labels_and_texts_that_look_alike_are_told_apart(tmp_path):
    text = "Công an Huế"
    rows = [entity(0, 7, label="org"), entity(0, 7, text=unicodedata.normalize("NFD", "Công an"))]
    row = {"id": "a", "text": text, "entities": rows}
    (_, label), (_, surface) = faults_of(tmp_path / "a.jsonl", row, types=ENTITY_TYPES)
    assert "unknown label 'org': it differs from 'ORG' in letter case; use one of ORG, PER, " in label
    assert "but the document has 'Công an': it differs in decomposed Unicode (NFD) instead of NFC" in surface


def test_any_word_is_a_label_unless_types_are_given(tmp_path):
    row = {"id": "a", "text": "Công an", "entities": [entity(0, 7, label="GPE")]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert read_documents(tmp_path / "a.jsonl")[0].spans == (Span(0, 7, "GPE"),)
    row["entities"] = [entity(0, 7, label="GPE-")]
    ((_, what),) = faults_of(tmp_path / "a.jsonl", row)
    assert what.endswith("unknown label 'GPE-'; give a word without white space or hyphens at its ends")
    row["entities"] = [entity(0, 7, label=["ORG"])]
    ((_, what),) = faults_of(tmp_path / "a.jsonl", row, types={"ORG"})
    assert what.endswith("unknown label ['ORG']; use one of ORG")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"start": 0, "end": 7, "type": "ORG"}, 'it has no label; its keys are start, end, type; give "label"'),
        ({"entity_group": "ORG", "end": 7}, 'it has no start; its keys are entity_group, end; give "start"'),
        ({}, 'it has no start; it is empty; give "start"'),
    ],
)
def test_an_entity_that_lacks_a_key_names_those_it_has(tmp_path, given, what):
    assert faults_of(tmp_path / "a.jsonl", {"id": "a", "text": "Công an", "entities": [given]}) == [
        (1, f"'a', entity 1: {what}")
    ]


def test_spans_of_another_text_than_the_gold_are_refused(tmp_path):
    path = tmp_path / "p.jsonl"
    text = unicodedata.normalize("NFD", GOLD[0].text)
    row = {"id": "Huế-1", "text": text, "entities": [entity(0, 8)]}
    ((_, what),) = faults_of(path, row, gold=GOLD)
    assert "another text than the gold's: it differs in decomposed Unicode (NFD) instead of NFC" in what
    path.write_text(json.dumps({"id": "Huế-1", "text": GOLD[0].text.strip(), "entities": [entity(0, 7)]}))
    assert read_predictions(path, GOLD)[0].spans == (Span(0, 7, "ORG"),)  # a last line break moves no span


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (entity(3, 6, text="Huế"), "these offsets count UTF-16 units: count characters (code points)"),
        (entity(3, 6), "these offsets count UTF-16 units: count characters (code points)"),
        (entity(5, 10, text="Huế"), "these offsets count bytes: count characters (code points)"),
        (entity(5, 10), "correct the offsets"),
        (entity(1, 4, text="Huế"), "correct the offsets"),
    ],
)
def test_offsets_of_other_units_are_named(tmp_path, given, remedy):
    ((_, what),) = faults_of(tmp_path / "a.jsonl", {"id": "a", "text": "🚓 Huế", "entities": [given]})
    assert what.endswith(f"; {remedy}")


@pytest.mark.parametrize(
    ("row", "tool"),
    [
        ({"id": 1, "text": "Huế", "label": [[0, 3, "LOC"]]}, "doccano"),
        ({"id": 1, "text": "Huế", "entities": [{"start_offset": 0, "end_offset": 3, "label": "LOC"}]}, "doccano"),
        ({"id": 1, "data": {"text": "Huế"}, "annotations": [{"result": []}]}, "Label Studio"),
        ({"id": 1, "text": "Huế", "spans": [], "answer": "reject"}, "Prodigy"),
        ({"text": "Huế", "_input_hash": 1, "spans": [], "answer": "accept"}, "Prodigy"),
        (["Huế", {"entities": [[0, 3, "LOC"]]}], "spaCy"),
    ],
)
def test_an_export_is_named_once(tmp_path, row, tool):
    for gold in (None, [Document("1", "Huế")]):
        ((line, what),) = faults_of(tmp_path / "a.jsonl", row, row, gold=gold)
        assert (line, what.partition(": write")[0]) == (1, f"is an export of {tool}; convert it")


def test_files_of_other_encodings_and_of_several_lines_are_named(tmp_path):
    path = tmp_path / "a.jsonl"
    assert faults_of(path, "[", '{"id": 1},', "]") == [
        (1, "begins JSON of several lines; write one JSON object per line")
    ]
    path.write_bytes('{"id": "a"}'.encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16; save it as UTF-8"):
        read_documents(path)

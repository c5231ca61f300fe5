"""Texts without annotation: ids, tables, lines and what is refused in its place."""

import json

import pytest

from thidua_ner.formats import jsonl, texts
from thidua_ner.formats.texts import record_id
from thidua_ner.text.spans import Document


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a", "a"), (7, "7"), ("7", "7"), (0, "0"), (1.0, "1.0"), (1e300, "1e+300"), (float("nan"), ""),
        ("", ""), (True, ""), (None, ""), ([], ""), ({"a": 1}, ""), (b"a", ""),
    ],
)  # fmt: skip
def test_an_id_is_a_string_or_a_number(value, name):
    assert record_id(value) == name


@pytest.mark.parametrize("value", [7, "7", 1.0, "a"])
def test_texts_documents_and_predictions_have_the_same_ids(tmp_path, value):
    path = tmp_path / "a.jsonl"
    path.write_text("\ufeff" + json.dumps({"id": value, "text": "Huế", "entities": []}) + "\n", encoding="utf-8")
    (text,) = texts.read_jsonl(path, "text")
    assert jsonl.read_documents(path) == [text] == [Document(str(value), "Huế")]
    assert jsonl.read_predictions(path, [text]) == [text]

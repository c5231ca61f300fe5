"""Texts without annotation: ids, tables, lines and what is refused in its place."""

import json
import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest

from thidua_ner.formats import jsonl, texts
from thidua_ner.formats.texts import Refused, record_id
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


NEWS = "Sáng 12/5, Công an Hà Giang họp."


def read(folder, content, name="in.csv", column="text"):
    """The records of a table: texts by their ids, and reasons by the lines that are refused."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    records = list(texts.read_csv(path, column))
    refused = {one.id.removeprefix(f"{path}:"): one.reason for one in records if isinstance(one, Refused)}
    return {one.id: one.text for one in records if isinstance(one, Document)}, refused


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_the_header_tells_what_separates_the_cells(tmp_path, delimiter, begin):
    rows = [["id", "text"], ["1", f'"{NEWS}"'], ["2", '"hai\ndòng"'], [], ["3", '"nói ""thôi"""']]
    table = begin + "\r\n".join(delimiter.join(row) for row in rows)
    assert read(tmp_path, table) == ({"1": NEWS, "2": "hai\ndòng", "3": 'nói "thôi"'}, {})


def test_an_unquoted_separator_refuses_its_row_alone(tmp_path):
    found, refused = read(tmp_path, f"id,text\n1,{NEWS}\n2,Huế\n3\n4,Vinh\n")
    assert found == {"2": "Huế", "4": "Vinh"}
    assert refused["2"].startswith("has 3 cells, but the header has 2; put cells that hold ','")
    assert refused["4"].startswith("has 1 cells")
    assert read(tmp_path, f"id;text\n1;{NEWS}\n2;a;b\n")[0] == {"1": NEWS}


@pytest.mark.parametrize(
    "rest", ["2,Huế\n3,Vinh\n", '2,"Huế"\n3,Vinh\n', '2,"Huế, ""cố đô"""\n3,Vinh', '2,Huế\n3,"Vinh"']
)
def test_a_quotation_mark_that_is_not_closed_costs_its_own_row(tmp_path, rest):
    found, refused = read(tmp_path, f'id,text\n1,"mở\n{rest}')
    assert list(found) == ["2", "3"]
    assert list(refused) == ["2"]
    assert "a quotation mark is not closed" in refused["2"]


def test_bytes_that_are_no_text_cost_their_own_row(tmp_path):
    found, refused = read(tmp_path, b"id,text\n1,a\xff\n2,a\0b\n3,c\n")
    assert (found, refused) == ({"2": "a\0b", "3": "c"}, {"2": "is not UTF-8"})


def test_a_row_that_is_too_long_costs_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "MAX_LINE_BYTES", 40)
    found, refused = read(tmp_path, f'id,text\n1,{"a" * 60}\n2,b\n3,"{"c" * 30}\n{"d" * 30}"\n4,e\n')
    assert found == {"2": "b", "4": "e"}
    assert list(refused) == ["2", "4", "5"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "has no header"),
        ("\n\n", "has no header"),
        (f"1,{NEWS}\n", "has no column 'text' in its first line, but 1, Sáng 12/5,  Công an"),
        ("id,text\r1,Huế\r", "has line breaks of CR alone; save it with LF or CRLF"),
        ("text,id,text\n", "has the column 'text' twice"),
        ("id,text\n1,a".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("id,text\n1,a".encode("utf-16-le"), "is UTF-16; save it as UTF-8"),
        ("id,text\n1,a".encode("utf-32"), "is UTF-32; save it as UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(tmp_path, content, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('[{"id": 1, "text": "a"}]', "is a JSON array; write one object per line"),
        ("[", "begins JSON of several lines; write one object per line"),
        ('{"id": 1, "id": 2, "text": "a"}', "an object has the key 'id' twice"),
        ('{"id": 1' + "0" * 5000 + ', "text": "a"}', "a number has more than 4,300 digits"),
        ('{"data": {"text": "a"}, "annotations": [{"result": []}]}', "is an export of Label Studio"),
        ('["Huế", {"entities": [[0, 3, "LOC"]]}]', "is an export of spaCy"),
    ],
)
def test_a_line_that_is_no_record_is_told(tmp_path, line, reason):
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n")
    (refused,) = texts.read_jsonl(path, "text")
    assert refused.id == f"{path}:1"
    assert refused.reason.startswith(reason)


def test_a_reason_is_as_short_as_a_fault():
    refused = texts.row_record("a", {"k" * 10**6: 1}, "text")
    assert len(refused.reason) == 401
    assert refused.reason.endswith("kk…")


def test_a_name_of_a_file_is_the_same_on_every_system():
    assert (
        texts.path_name(PureWindowsPath("tin", "a.txt")) == texts.path_name(PurePosixPath("tin/a.txt")) == "tin/a.txt"
    )


def test_texts_of_another_encoding_are_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(NEWS.encode("utf-16"))
    assert list(texts.read_txt(tmp_path / "a.txt", "")) == [
        Refused(str(tmp_path / "a.txt"), "is UTF-16; save it as UTF-8")
    ]
    (tmp_path / "a.jsonl").write_bytes('{"text": "a"}'.encode("utf-16"))
    with pytest.raises(ValueError, match="is UTF-16"):
        list(texts.read_jsonl(tmp_path / "a.jsonl", "text"))


def test_a_text_that_is_too_large_is_refused_unread(tmp_path):
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(1 << 40)
    (refused,) = texts.read_txt(tmp_path / "a.txt", "")
    assert refused.reason == "has 1,099,511,627,776 bytes; a text may have 50,000,000"


def test_a_refused_record_with_an_id_of_its_own_names_its_place(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "text": "\\ud800"}\n{"id": "b", "text": 1}\n')
    assert list(texts.read_jsonl(path, "text")) == [
        Refused("a", f"holds half of a surrogate pair ({path}:1)"),
        Refused("b", f"has int instead of text in 'text'; its columns are id, text ({path}:2)"),
    ]


def test_a_bracket_before_records_costs_its_own_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{\n{"id": "a", "text": "Huế"}\n')
    first, second = texts.read_jsonl(path, "text")
    assert (first.id, second) == (f"{path}:1", Document("a", "Huế"))
    path.write_text('{\n  "id": "a",\n  "text": "Huế"\n}\n')
    (only,) = texts.read_jsonl(path, "text")
    assert only == Refused(f"{path}:1", "begins JSON of several lines; write one object per line")

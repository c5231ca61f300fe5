"""Parquet files: each row is a text or refused, whatever is damaged."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thidua_ner.formats.parquet import read_texts
from thidua_ner.formats.texts import Refused
from thidua_ner.text.spans import Document


def broken_utf8(rows, bad):
    """A column of strings, one of which holds a byte that is not UTF-8."""
    raw = [b"Vinh"] * rows
    raw[bad] = b"V\xffnh"
    offsets, data = pa.array(raw, pa.binary()).buffers()[1:]
    return pa.Array.from_buffers(pa.string(), rows, [None, offsets, data])


@pytest.mark.parametrize("group", [5000, 700])
def test_a_byte_that_is_no_text_costs_its_row_alone(tmp_path, group):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": broken_utf8(5000, 1499)}), path, row_group_size=group)
    found = list(read_texts(path, "text"))
    assert [one for one in found if isinstance(one, Refused)] == [Refused(f"{path}:1500", "is not UTF-8")]
    assert [one.id for one in found] == [f"{path}:{number}" for number in range(1, 5001)]


@pytest.mark.parametrize(
    "ids",
    [pa.array([2**62, 5], pa.timestamp("us")), pa.array([1, 2], pa.timestamp("us", "No/Where")), pa.array([[1], []])],
)
def test_ids_that_are_no_names_leave_the_rows_their_places(tmp_path, ids):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"id": ids, "text": ["Huế", "Vinh"]}), path)
    assert list(read_texts(path, "text")) == [Document(f"{path}:1", "Huế"), Document(f"{path}:2", "Vinh")]


@pytest.mark.parametrize("ids", [pa.array([1, 2]), pa.array(["1", "2"]).dictionary_encode()])
def test_ids_of_strings_and_numbers_name_the_texts(tmp_path, ids):
    pq.write_table(pa.table({"id": ids, "text": ["Huế", "Vinh"]}), tmp_path / "a.parquet")
    assert [one.id for one in read_texts(tmp_path / "a.parquet", "text")] == ["1", "2"]


def test_a_damaged_group_of_rows_costs_no_other(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"Lần {number}" for number in range(30)]})
    pq.write_table(table, path, row_group_size=10, use_dictionary=False, compression="none")
    raw = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    raw[start : start + 20] = b"\xff" * 20
    path.write_bytes(raw)
    found = list(read_texts(path, "text"))
    assert [one.id for one in found] == [f"{path}:{number}" for number in range(1, 31)]
    assert [isinstance(one, Refused) for one in found] == [False] * 10 + [True] * 10 + [False] * 10


@pytest.mark.parametrize("twice", ["id", "text"])
def test_a_column_that_is_there_twice_is_refused_by_its_name(tmp_path, twice):
    columns = pa.array(["a"]), pa.array(["Huế"]), pa.array(["Vinh"])
    pq.write_table(pa.table(columns, names=["id", "text", twice]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=f"has the column '{twice}' twice; rename one"):
        list(read_texts(tmp_path / "a.parquet", "text"))

"""Atomic writes, and typed JSON that is read back unchanged."""

import json
import os
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thidua_ner.faults import DataError, MachineError
from thidua_ner.files import read_json, read_table, read_text, write_json, write_text
from thidua_ner.scoring.results import Bin, Calibration

FRACTIONS = st.floats(0, 1)


@dataclass(frozen=True, slots=True)
class Inner:
    number: int
    share: float
    name: str | None


@dataclass(frozen=True, slots=True)
class Outer:
    one: Inner
    many: dict[str, Inner]
    order: tuple[str, ...]
    side: Literal["left", "right"]
    extra: Inner | None = None

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset({"extra"})


INNER = st.builds(Inner, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.none() | st.text())
OUTER = st.builds(
    Outer, INNER, st.dictionaries(st.text(), INNER), st.lists(st.text()).map(tuple), st.sampled_from(["left", "right"]),
    st.none() | INNER,
)  # fmt: skip


@given(OUTER)
def test_typed_values_come_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "value.json"
    write_json(path, value)
    assert read_json(path, Outer, "write it again") == value
    assert ("extra" in json.loads(path.read_text())) == (value.extra is not None)


@given(st.lists(st.builds(Bin, FRACTIONS, FRACTIONS, st.integers(0), FRACTIONS, FRACTIONS)).map(tuple), FRACTIONS)
def test_a_key_that_is_a_keyword_comes_back(tmp_path_factory, bins, error):
    path = tmp_path_factory.mktemp("json") / "value.json"
    write_json(path, Calibration(bins, error))
    assert read_json(path, Calibration, "write it again") == Calibration(bins, error)
    keys = {"from", "to", "spans", "confidence", "accuracy"}
    assert all(set(row) == keys for row in json.loads(path.read_text())["bins"])


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        ("{", ["is not JSON"]),
        ("[" * 100_000, ["is not JSON"]),
        ("[]", ["Input should be"]),
        ("{}", ["lacks one, many, order, side"]),
        ('{"one": {"number": "1", "share": 1}, "many": [], "order": [1], "side": "up"}',
         ["lacks one.name", "one.number: Input should be a valid integer, not '1'", "many: ", "order.0: ", "side: "]),
    ],
)  # fmt: skip
def test_every_damage_is_named_with_its_key(tmp_path, content, messages):
    path = tmp_path / "value.json"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_json(path, Outer, "write it again")
    told = [str(fault) for fault in error.value.faults]
    assert len(told) == len(messages)
    assert all(
        message in line and line.endswith("; write it again") for message, line in zip(messages, told, strict=True)
    )


def test_a_table_names_its_own_key(tmp_path):
    path = tmp_path / "table.tsv"
    path.write_text("phrase\tkind\na\tb\na\tc\n")
    with pytest.raises(DataError, match=r"table.tsv:3: repeats the phrase 'a'; keep one row per phrase"):
        read_table(path, ("phrase", "kind"), key="phrase")
    path.write_text("phrase\tkind\na\n")
    with pytest.raises(DataError, match=r"table.tsv:2: has 1 cells; give 2, separated by tabs"):
        read_table(path, ("phrase", "kind"))


def test_a_line_that_is_not_utf_8_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\nb\xff\n")
    with pytest.raises(DataError, match=r"a.txt:2: byte 3 is not UTF-8; save the file as UTF-8"):
        read_text(tmp_path / "a.txt")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", fail)
    with pytest.raises(MachineError, match=r"a.txt: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.txt", "old")]

"""Atomic writes, and typed JSON that is read back unchanged."""

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thidua_ner.faults import DataError, MachineError
from thidua_ner.files import (
    is_temporary,
    read_json,
    read_table,
    read_text,
    remove_temporaries,
    write_json,
    write_text,
)
from thidua_ner.formats.brat import write_encoded_folder
from thidua_ner.scoring.results import Bin, Calibration
from thidua_ner.text.spans import Document

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


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, name):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(MachineError, match=r"a.txt: cannot be written \(No space left on device\)"):
        write_text(path, "new")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("a.txt", "old")]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
@pytest.mark.parametrize(
    ("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_modes_follow_the_umask(tmp_path, mask, file, folder):
    before = os.umask(mask)
    try:
        write_text(tmp_path / "new/a.txt", "a")
        write_encoded_folder(tmp_path / "new/part", [Document("b", "text")])
    finally:
        os.umask(before)
    modes = {str(p.relative_to(tmp_path)): p.stat().st_mode & 0o777 for p in tmp_path.rglob("*")}
    assert modes == {
        "new": folder, "new/a.txt": file, "new/part": folder, "new/part/b.txt": file, "new/part/b.ann": file,
        "new/part/annotation.conf": file,
    }  # fmt: skip


@pytest.fixture
def events(monkeypatch):
    """What is synced and renamed, in order, by name."""
    found: list[str] = []
    sync, rename = os.fsync, Path.replace

    def watched_sync(handle):
        found.append(f"sync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        sync(handle)

    def watched_rename(self, target):
        found.append(f"rename {self.name} {target.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(Path, "replace", watched_rename)
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_a_file_is_on_the_disk_before_it_is_renamed_and_its_folder_after(tmp_path, events):
    write_text(tmp_path / "new/a.txt", "a")
    (temporary,) = {word for event in events for word in event.split() if word.endswith(".tmp")}
    assert is_temporary(Path(temporary))
    assert events == [f"sync {tmp_path.name}", f"sync {temporary}", f"rename {temporary} a.txt", "sync new"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_a_folder_is_on_the_disk_before_it_is_renamed(tmp_path, events):
    write_encoded_folder(tmp_path / "part", [Document("b", "text")])
    (temporary,) = {word for event in events for word in event.split() if word.endswith(".tmp")}
    assert set(events[:3]) == {"sync b.txt", "sync b.ann", "sync annotation.conf"}
    assert events[3:] == [f"sync {temporary}", f"rename {temporary} part", f"sync {tmp_path.name}"]


def test_a_file_system_that_cannot_sync_folders_is_written_to(tmp_path, monkeypatch):
    sync = os.fsync

    def fail(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    write_text(tmp_path / "a.txt", "a")
    assert (tmp_path / "a.txt").read_text() == "a"


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "other").write_text("precious")
    (tmp_path / "folder").mkdir()
    for name, target in (("a.txt", "other"), ("part", "folder"), ("gone.txt", "nowhere")):
        (tmp_path / name).symlink_to(target)
    write_text(tmp_path / "a.txt", "a")
    write_text(tmp_path / "gone.txt", "a")
    write_encoded_folder(tmp_path / "part", [])
    assert not [path for path in tmp_path.iterdir() if path.is_symlink()]
    assert (tmp_path / "other").read_text() == "precious"
    assert list((tmp_path / "folder").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "folder", "gone.txt", "other", "part"}


def test_only_temporaries_are_removed(tmp_path):
    for name in (".a.txt.0123abcd.tmp", ".a.tmp", "a.0123abcd.tmp", ".a.txt.0123abcd", "a.txt"):
        (tmp_path / name).touch()
    (tmp_path / ".part.89abcdef.tmp/in").mkdir(parents=True)
    (tmp_path / ".link.89abcdef.tmp").symlink_to(tmp_path)
    remove_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".a.tmp", "a.0123abcd.tmp", ".a.txt.0123abcd", "a.txt"}


@pytest.mark.skipif(os.name != "posix", reason="Windows has no FIFO")
def test_a_pipe_or_a_device_is_written_into_not_replaced(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write_text(fifo, "Huế")
    assert os.read(reader, 100) == "Huế".encode()
    os.close(reader)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    (tmp_path / "null").symlink_to("/dev/null")
    write_text(tmp_path / "null", "a")
    assert (tmp_path / "null").is_symlink()
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_the_standard_output_is_not_replaced(tmp_path):
    with (tmp_path / "a.txt").open("wb") as stream:
        write_text(Path(f"/proc/self/fd/{stream.fileno()}"), "a")
    assert (tmp_path / "a.txt").read_text() == "a"


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    write_encoded_folder(tmp_path / "part", [Document("a", "text")])

    def fail(*_):
        assert sorted(path.name for path in tmp_path.glob(".part.*.tmp/*.txt")) == ["a.txt", "b.txt"]
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(MachineError, match=r"part: cannot be written \(Directory not empty\)"):
        write_encoded_folder(tmp_path / "part", [Document("b", "text")])
    assert [path.name for path in tmp_path.iterdir()] == ["part"]
    assert (tmp_path / "part/a.txt").read_text() == "text"


def test_an_error_without_a_number_is_named(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError("the network is gone")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"cannot be read \(the network is gone\)"):
        read_text(tmp_path / "a.txt")

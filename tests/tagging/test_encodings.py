"""Texts in encodings that no model can read: told once for each encoding, wherever they were tagged."""

import json

import pytest

from tests.tagging.test_tag import TEXT, tag
from tests.tagging.test_terminal import Everything
from thidua_ner.formats.texts import Refused
from thidua_ner.tagging import encodings
from thidua_ner.tagging.encodings import EncodingCount, count_encodings, sum_counts
from thidua_ner.tagging.terminal import tag_to_stdout
from thidua_ner.text.spans import Document

MISREAD = "Sáng nay, Công an tỉnh Quảng Nam tổ chức hội nghị triển khai nhiệm vụ.".encode().decode("cp1252", "ignore")
NAME = "UTF-8 read as Windows-1252"
TOLD = f"tag: {{}} in {NAME} (first: {{}}), where no word is recognised; convert to Unicode and tag again\n"


def test_the_texts_of_an_encoding_are_counted():
    documents = [Document("a", TEXT), Document("b", MISREAD), Refused("c", MISREAD), Document("d", MISREAD)]
    assert count_encodings(documents) == (EncodingCount(NAME, 2, "b"),)
    assert count_encodings(documents[:1]) == ()
    counts = [EncodingCount("VNI", 1, "x"), EncodingCount(NAME, 2, "b"), EncodingCount("VNI", 3, "y")]
    assert sum_counts(counts) == (EncodingCount("VNI", 4, "x"), EncodingCount(NAME, 2, "b"))


def test_the_standard_error_is_told_at_the_end(capsys):
    groups = [[Document(f"\x1b{n}\n", MISREAD)] for n in range(2)]
    assert tag_to_stdout(Everything(), [*groups, [Document("c", TEXT)]], "jsonl") == 0
    assert capsys.readouterr().err == TOLD.format("2 texts", "␛0\n")
    tag_to_stdout(Everything(), [[Document("c", TEXT)]], "jsonl")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_finished_shard_is_told_again_and_not_read_again(model, tmp_path, monkeypatch, workers):
    rows = [{"id": f"t{n}", "text": MISREAD if n in (1, 4, 5) else TEXT} for n in range(6)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = (model, tmp_path / "in.jsonl", "-o", tmp_path / "out", "--shard", 2)
    assert tag(*arguments, "--workers", workers).stderr == TOLD.format("3 texts", "t1")
    read = []
    monkeypatch.setattr(encodings, "recognise_legacy_encoding", lambda text: read.append(text) or "")
    assert tag(*arguments).stderr == TOLD.format("3 texts", "t1")
    assert read == []
    (tmp_path / "out/part-00001.jsonl").unlink()
    assert tag(*arguments).stderr.endswith(TOLD.format("3 texts", "t1"))
    assert read == [TEXT, TEXT]

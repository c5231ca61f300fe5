"""The registry: every reader and writer by its suffix, and the faults of a path that it cannot read."""

from pathlib import Path

import pytest
from hypothesis import given

from tests.strategies import documents
from thidua_ner.faults import DataError, UsageError
from thidua_ner.formats.registry import (
    FOLDER,
    READERS,
    WRITERS,
    read_documents,
    read_predictions,
    write_documents,
)
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document, Span

GOLD = [Document("a", "Công an Huế", (Span(0, 7, "ORG"), Span(8, 11, "LOC"))), Document("b", "Huế")]
ANNOTATED = {suffix for suffix, reader in READERS.items() if reader.documents}
TEXTS = {suffix for suffix, reader in READERS.items() if reader.texts}


def written(folder, suffix):
    """Write the gold documents in the format of a suffix."""
    path = folder / ("gold" if suffix == FOLDER else f"gold{suffix}")
    write_documents(path.with_suffix(".jsonl") if suffix == ".ndjson" else path, GOLD)
    return path.with_suffix(".jsonl").rename(path) if suffix == ".ndjson" else path


def test_formats_of_documents_and_of_texts_are_told_apart():
    assert {suffix for suffix, reader in READERS.items() if reader.predictions} == ANNOTATED
    assert {FOLDER, ".jsonl", ".ndjson", ".conll"} == ANNOTATED
    assert {".jsonl", ".ndjson", ".txt", ".csv", ".tsv", ".parquet"} == TEXTS
    assert all(suffix == FOLDER or Path(f"x{suffix}").suffix == suffix for suffix in READERS)


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("suffix", sorted(ANNOTATED))
def test_documents_and_predictions_are_read_by_suffix(tmp_path, suffix, kind):
    path = kind(written(tmp_path, suffix))
    assert read_documents(path) == GOLD
    assert read_predictions(path, GOLD[::-1]) == GOLD[::-1]


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("name", ["out", "out.jsonl", "out.JSONL", "out.conll"])
def test_documents_are_written_by_suffix(tmp_path, name, kind):
    write_documents(kind(tmp_path / name), GOLD)
    assert (tmp_path / name).is_dir() == (name == "out")
    assert read_documents(tmp_path / name) == GOLD


@pytest.mark.parametrize("name", WRITERS)
def test_every_writer_writes_what_its_reader_reads(tmp_path, name):
    writer = WRITERS[name]
    path = tmp_path / f"out{writer.suffix}"
    assert [writer.problem(document) for document in GOLD] == ["", ""]
    writer.write(path, GOLD)
    reader = READERS[writer.suffix or FOLDER]
    if reader.documents:
        assert read_documents(path) == GOLD
    if reader.texts:
        assert reader.count(path) == len(GOLD)
        assert list(reader.texts(path, "text")) == [Document(document.id, document.text) for document in GOLD]


@pytest.mark.parametrize(
    ("suffix", "content"), [(".txt", "Huế"), (".csv", "id,text\nc,Huế\n"), (".tsv", "id\ttext\nc\tHuế\n")]
)
def test_texts_are_read_by_suffix(tmp_path, suffix, content):
    path = tmp_path / f"news{suffix}"
    path.write_text(content, encoding="utf-8")
    reader = READERS[suffix]
    assert list(reader.texts(path, "text")) == [Document(str(path) if suffix == ".txt" else "c", "Huế")]
    assert reader.count(path) == 1


@pytest.mark.parametrize("name", ["gold.txt", "gold.csv", "gold.parquet", "gold.xml", "gold"])
def test_a_file_without_annotations_is_a_fault(tmp_path, name):
    path = tmp_path / name
    path.write_text("")
    remedy = r"name a folder of \.txt and \.ann files, a \.jsonl or a \.conll file"
    for read in (read_documents, lambda source: read_predictions(source, GOLD)):
        with pytest.raises(DataError, match=rf"has the suffix '{path.suffix}'; {remedy}"):
            read(path)
        with pytest.raises(DataError, match=rf"nowhere: does not exist; {remedy}"):
            read(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["out.txt", "out.parquet", "out.xml"])
def test_documents_are_not_written_with_another_suffix(tmp_path, name):
    with pytest.raises(DataError, match=rf"has the suffix '{Path(name).suffix}'; use \.jsonl or \.conll"):
        write_documents(tmp_path / name, GOLD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", sorted(ANNOTATED))
def test_any_label_is_read_unless_some_are_named(tmp_path, suffix):
    path = written(tmp_path, suffix)
    assert read_documents(path, {"ORG", "LOC"}) == read_documents(path) == GOLD
    with pytest.raises(DataError, match="unknown label 'LOC'"):
        read_documents(path, {"ORG"})


def test_repair_is_for_conll_alone(tmp_path):
    for path in (written(tmp_path, ".jsonl"), written(tmp_path, FOLDER)):
        with pytest.raises(UsageError, match="has no columns of tags; leave out --repair and --tag-column"):
            read_documents(path, tags=TagReading("discard"))
    (tmp_path / "gold.conll").write_text("Công I-ORG\nan I-ORG\n")
    with pytest.raises(DataError, match="continues nothing"):
        read_documents(tmp_path / "gold.conll")
    (document,) = read_documents(tmp_path / "gold.conll", tags=TagReading("conlleval"))
    assert document.spans == (Span(0, 7, "ORG"),)


@given(document=documents())
def test_any_document_is_written_as_the_writer_says(tmp_path_factory, document):
    folder = tmp_path_factory.mktemp("any")
    for name in ("jsonl", "brat"):
        writer = WRITERS[name]
        assert writer.problem(document) == ""
        writer.write(folder / f"out{writer.suffix}", [document])
        assert read_documents(folder / f"out{writer.suffix}") == [document]

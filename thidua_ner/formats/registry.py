"""The formats: what can be read from a path, and what documents can be written to, each in one table."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from thidua_ner.faults import UsageError, fail
from thidua_ner.formats import brat, conll, exports, jsonl, parquet, texts
from thidua_ner.formats.texts import Record
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document

Types = Collection[str] | None
"""The labels that are allowed; None allows any."""

FOLDER = "folder"
"""The format of a folder of `.txt` and `.ann` files, which has no suffix to be known by."""

_ANNOTATED = "name a folder of .txt and .ann files, a .jsonl or a .conll file"


_COLUMNS = {".iob", ".iob2", ".bio", ".bioes", ".conllu", ".conll2002", ".conll2003", ".tsv", ".txt"}
"""Suffixes that others give to CoNLL files."""


class Reader(NamedTuple):
    """What a format holds: annotated documents, predictions for given texts, or texts to tag."""

    documents: Callable[[Path, Types, TagReading], list[Document]] | None = None
    predictions: Callable[[Path, Sequence[Document], Types, TagReading], list[Document]] | None = None
    texts: Callable[[Path, str], Iterator[Record]] | None = None
    count: Callable[[Path], int] = lambda _: 1
    """Estimates the number of texts: blank lines and cells of several lines are counted too."""
    columns: Callable[[Path, str], list[str]] = lambda *_: []
    """Lists the columns of which one holds the texts, given its name; none if there are no columns."""


class Writer(NamedTuple):
    """How documents are written: the suffix, the function, and the reason why a document does not fit, or ''."""

    suffix: str
    write: Callable[[Path, list[Document]], None]
    problem: Callable[[Document], str] = lambda _: ""


_JSON_LINES = Reader(
    documents=lambda path, types, _: jsonl.read_documents(path, types),
    predictions=lambda path, gold, types, _: jsonl.read_predictions(path, gold, types),
    texts=texts.read_jsonl,
    count=texts.count_lines,
    columns=texts.json_columns,
)
_TABLE = Reader(texts=texts.read_csv, count=lambda path: max(texts.count_lines(path) - 1, 0), columns=texts.csv_columns)

READERS: dict[str, Reader] = {
    FOLDER: Reader(
        documents=lambda path, types, _: brat.read_folder(path, types),
        predictions=lambda path, gold, types, _: brat.read_predictions(path, gold, types),
    ),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".conll": Reader(documents=conll.read_file, predictions=conll.read_predictions),
    ".txt": Reader(texts=texts.read_txt),
    ".csv": _TABLE,
    ".tsv": _TABLE,
    ".parquet": Reader(texts=parquet.read_texts, count=parquet.count_rows, columns=parquet.columns),
}
"""All formats that are read, by suffix."""

WRITERS: dict[str, Writer] = {
    "jsonl": Writer(".jsonl", jsonl.write_documents),
    "conll": Writer(".conll", conll.write_file, conll.problem),
    "parquet": Writer(".parquet", parquet.write_file),
    "brat": Writer("", brat.write_encoded_folder, brat.problem),
}
"""All formats that documents are written in, by name; `tagging/outputs.py` adds the HTML page."""


def read_documents(path: Path | str, types: Types = None, tags: TagReading | None = None) -> list[Document]:
    """Read annotated documents from a folder of .txt and .ann files, a .jsonl or a .conll file.

    `types` are the labels that are allowed, None for any; `tags` says how CoNLL columns are read, and counts what it
    repairs. Raises DataError with every fault that the format's reader finds.
    """
    path = Path(path)
    read = READERS[_format_of(path)].documents
    return read(path, types, _columns(path, tags)) if read else _no_annotations(path)


def read_predictions(
    path: Path | str, gold: Sequence[Document], types: Types = None, tags: TagReading | None = None
) -> list[Document]:
    """Read one prediction per gold document, in the order of the gold, from any format of annotated documents.

    `types` and `tags` are those of `read_documents`: a label that the gold lacks is a false positive. Raises DataError
    with the documents that are unknown or missing and what cannot be spans of the gold text.
    """
    path = Path(path)
    read = READERS[_format_of(path)].predictions
    return read(path, gold, types, _columns(path, tags)) if read else _no_annotations(path)


def keeps_text(path: Path) -> bool:
    """Tell whether the format of a path keeps texts as they are; CoNLL joins their tokens."""
    return path.suffix.lower() != ".conll"


def _columns(path: Path, tags: TagReading | None) -> TagReading:
    """Return how the columns of a path are read; raises UsageError if it is said of a format that has none."""
    if tags and keeps_text(path) and (tags.repair != "none" or tags.column):
        remedy = "leave out --repair and --tag-column, which are for .conll files"
        fail(path, "has no columns of tags", remedy, kind=UsageError)
    return tags or TagReading()


def _format_of(path: Path) -> str:
    if path.is_dir():
        return FOLDER
    if not path.exists():
        fail(path, "does not exist", _ANNOTATED)
    suffix = path.suffix.lower()
    return suffix if suffix in READERS else _no_annotations(path)


def _no_annotations(path: Path) -> NoReturn:
    """Refuse a file by its suffix, or by the annotation tool that wrote it."""
    suffix = path.suffix.lower()
    if tool := exports.recognise_file(path):
        fail(path, f"is an export of {tool}", exports.CONVERT)
    remedy = f"{_ANNOTATED}; rename it if its lines are tokens with tags" if suffix in _COLUMNS else _ANNOTATED
    fail(path, f"has the suffix {path.suffix!r}", remedy)


def write_documents(path: Path | str, documents: Sequence[Document]) -> None:
    """Write documents in the format that the suffix of `path` names, or without a suffix as .txt and .ann files.

    Unlike a folder of shards, a folder keeps its other files, and an id must be a file name. Raises DataError if the
    suffix is not a format's, or the format cannot represent a document.
    """
    path = Path(path)
    readable = [writer for writer in WRITERS.values() if READERS.get(writer.suffix, Reader()).documents]
    writers = {writer.suffix: writer.write for writer in readable} | {"": brat.write_folder}
    suffix = path.suffix.lower()
    if suffix not in writers:
        fail(path, f"has the suffix {path.suffix!r}", f"use {' or '.join(filter(None, writers))}, or name a folder")
    writers[suffix](path, list(documents))

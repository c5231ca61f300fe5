"""The formats of tagged shards: how each is written, and what it cannot hold."""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from thidua_ner.files import write_bytes, write_text
from thidua_ner.formats import brat, conll
from thidua_ner.formats import jsonl as records
from thidua_ner.pages.view import colours, environment, write_page
from thidua_ner.text.labels import label_order
from thidua_ner.text.spans import Document

_LONGEST_NAME = 200
"""Bytes of a file's name, which may be 255, its ending and a number included."""

_UNSAFE = re.compile(r'[\0-\x1f\x7f%~/\\:*?"<>|]|^\.')


class Format(NamedTuple):
    """A format of shards: the ending of a shard's file (or folder), its writer, and why it cannot hold a document."""

    suffix: str
    write: Callable[[Path, list[Document]], None]
    problem: Callable[[Document], str] = lambda _: ""


def _write_parquet(path: Path, documents: list[Document]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    span = pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "score": pa.float64()})
    schema = pa.schema({"id": pa.string(), "text": pa.string(), "entities": pa.list_(span)})
    rows = [
        {"id": d.id, "text": d.text, "entities": [{"score": None, **records.entity_record(s)} for s in d.spans]}
        for d in documents
    ]
    content = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), content)
    write_bytes(path, content.getvalue().to_pybytes())


def _write_page(path: Path, documents: list[Document]) -> None:
    labels = [span.label for document in documents for span in document.spans]
    values = {"documents_": documents, "colours": colours(labels), "title": path.stem}
    write_page(path, environment().get_template("tagged.html"), values)


def _write_brat(path: Path, documents: list[Document]) -> None:
    """Write a folder that brat opens, whole or not at all."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as name:
        folder = Path(name) / path.name
        folder.mkdir()
        for stem, document in zip(file_names(documents), documents, strict=True):
            write_text(folder / f"{stem}.txt", document.text)
            write_text(folder / f"{stem}.ann", brat.format_annotations(document))
        labels = sorted({span.label for document in documents for span in document.spans}, key=label_order)
        sections = ["[entities]", *labels, "\n[relations]\n\n[events]\n\n[attributes]\n"]
        write_text(folder / "annotation.conf", "\n".join(sections))
        if path.exists():  # of a call that was interrupted
            shutil.rmtree(path)
        folder.replace(path)


def file_names(documents: Sequence[Document]) -> list[str]:
    """Name the files of documents by their ids, each differently; `urllib.parse.unquote` gives the id back.

    What a file name cannot hold is written %XX; the ending .txt is left out; ~2, ~3 … follow a name that came before.
    """
    names: list[str] = []
    seen: dict[str, int] = {}
    for document in documents:
        name = _file_name(document)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}~{seen[name]}")
    return names


def _file_name(document: Document) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", document.id.removesuffix(".txt"))


def _conll_problem(document: Document) -> str:
    try:
        conll.format_documents([document])
    except ValueError as error:
        return str(error)
    return ""


def _brat_problem(document: Document) -> str:
    size = len(_file_name(document).encode())
    return "" if 0 < size <= _LONGEST_NAME else f"the id {document.id[:50]!r} gives a file name of {size} bytes"


FORMATS: dict[str, Format] = {
    "jsonl": Format(".jsonl", records.write_documents),
    "conll": Format(".conll", conll.write_file, _conll_problem),
    "parquet": Format(".parquet", _write_parquet),
    "html": Format(".html", _write_page),
    "brat": Format("", _write_brat, _brat_problem),
}

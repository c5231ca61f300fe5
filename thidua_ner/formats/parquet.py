"""Parquet files: texts to tag, and tagged documents as `id`, `text` and `entities` (start, end, label, score)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from thidua_ner.faults import some_of
from thidua_ner.files import write_bytes
from thidua_ner.formats.jsonl import entity_record
from thidua_ner.formats.texts import Record, path_name, row_record
from thidua_ner.text.spans import Document

_BATCH_ROWS = 1000
"""Rows that are read at a time."""


def read_texts(path: Path, column: str) -> Iterator[Record]:
    """Read the texts of a column, and the ids if there is a column of them; raises ValueError without the column."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        number = 0
        file_name, names = path_name(path), file.schema_arrow.names
        if column not in names:
            raise ValueError(f"has no column {column!r}; name one of {some_of(names)} with --column")
        wanted = [name for name in ("id", column) if name in names]
        for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
            for row in batch.to_pylist():
                number += 1
                yield row_record(f"{file_name}:{number}", row, column)


def count_rows(path: Path) -> int:
    """Read the number of rows from a file's metadata."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def write_file(path: Path, documents: Sequence[Document]) -> None:
    """Write documents, the whole file or nothing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    span = pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "score": pa.float64()})
    schema = pa.schema({"id": pa.string(), "text": pa.string(), "entities": pa.list_(span)})
    rows = [
        {"id": d.id, "text": d.text, "entities": [{"score": None, **entity_record(s)} for s in d.spans]}
        for d in documents
    ]
    content = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), content)
    write_bytes(path, content.getvalue().to_pybytes())

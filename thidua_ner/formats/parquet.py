"""Parquet files: texts to tag, and tagged documents as `id`, `text` and `entities` (start, end, label, score)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from thidua_ner.faults import some_of
from thidua_ner.files import write_bytes
from thidua_ner.formats.jsonl import entity_record
from thidua_ner.formats.texts import Record, Refused, check_columns, path_name, row_record
from thidua_ner.text.characters import replace_surrogates
from thidua_ner.text.spans import Document

_BATCH_ROWS = 1000
"""Rows that are read at a time."""


def read_texts(path: Path, column: str) -> Iterator[Record]:
    """Read the texts of a column, and the ids if there is a column of them; raises ValueError without the column.

    A cell that cannot be decoded costs its row, and a damaged group of rows the rest of its rows.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, buffer_size=1 << 20) as file:
        names = file.schema_arrow.names
        if column not in names:
            raise ValueError(f"has no column {column!r}; name one of {some_of(names)} with --column")
        check_columns(names, column)
        wanted = text_columns(file.schema_arrow, column)
        if not file.num_row_groups and file.metadata.num_rows:
            raise ValueError(f"should have {file.metadata.num_rows:,} rows and has none")
        first = 1
        for group in range(file.num_row_groups):
            rows = max(file.metadata.row_group(group).num_rows, 0)  # a damaged file may say less than none
            yield from _read_group(file, group, (path_name(path), first, first + rows), wanted)
            first += rows


def columns(path: Path, _: str) -> list[str]:
    """List the names of the columns."""
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def text_columns(schema: Any, column: str) -> list[str]:
    """List the columns of an Arrow schema that are read: the ids, if they are strings or numbers, and the texts."""
    ids = "id" in schema.names and _may_name(schema.field("id").type)
    return list(dict.fromkeys(["id", column] if ids else [column]))


def _may_name(kind: Any) -> bool:
    """Tell whether values of an Arrow type are strings or numbers, as ids are."""
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    texts = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return bool(texts or types.is_integer(kind) or types.is_floating(kind))


def _read_group(file: Any, group: int, place: tuple[str, int, int], wanted: list[str]) -> Iterator[Record]:
    """Read a group of rows; `place` is the file's name, the number of the first row and of the one after the last."""
    name, number, end = place
    try:
        for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=wanted):
            for row in decoded_rows(batch, f"{name}:", number):
                yield row if isinstance(row, Refused) else row_record(f"{name}:{number}", row, wanted[-1])
                number += 1
        if number < end:
            raise ValueError("its group of rows is shorter than the file says")
    except Exception as error:  # damaged pages give errors of many kinds
        reason = replace_surrogates(f"cannot be read ({error})")
        yield from (Refused(f"{name}:{one}", reason) for one in range(number, end))


def decoded_rows(table: Any, place: str, first: int) -> Iterator[dict[str, object] | Refused]:
    """Decode the rows of an Arrow table or batch; a row that cannot be decoded is refused under its number."""
    try:
        yield from table.to_pylist()
    except (ValueError, ArithmeticError, LookupError):
        for at in range(table.num_rows):
            try:
                yield {name: table.column(name)[at].as_py() for name in table.schema.names}
            except (ValueError, ArithmeticError, LookupError) as error:
                reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be decoded ({error})"
                yield Refused(f"{place}{first + at}", replace_surrogates(reason))


def count_rows(path: Path) -> int:
    """Read the number of rows from the metadata of a file's groups."""
    import pyarrow.parquet as pq

    found = pq.read_metadata(path)
    return sum(max(found.row_group(group).num_rows, 0) for group in range(found.num_row_groups))


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

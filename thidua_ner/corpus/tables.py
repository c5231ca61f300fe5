"""Tables of `annotations/` as typed rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from thidua_ner.faults import DataError, Fault
from thidua_ner.files import read_table

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """The rows of a table; there are none if it has faults."""

    path: Path
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def read_rows(
    path: Path,
    kind: type[Row],
    *,
    key: str = "document id",
    check: Callable[[Path, list[list[str]]], Iterable[Fault]] | None = None,
) -> Table[Row]:
    """Read a table as rows of a dataclass of strings; `check` finds more faults in the cells."""
    try:
        rows = read_table(path, [field.name for field in fields(kind)], key=key)
    except DataError as error:
        return Table(path, (), error.faults)
    faults = tuple(check(path, rows)) if check else ()
    return Table(path, () if faults else tuple(kind(*row) for row in rows), faults)

"""Annotated documents from whatever holds them: a brat folder, JSON Lines or CoNLL columns."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from thidua_ner import brat, conll, records
from thidua_ner.faults import fail
from thidua_ner.labels import ENTITY_TYPES
from thidua_ner.spans import Document

_READERS: dict[str, Callable[[Path, Collection[str]], list[Document]]] = {
    ".jsonl": records.read_documents,
    ".conll": conll.read_file,
}
_WRITERS: dict[str, Callable[[Path, Iterable[Document]], None]] = {
    ".jsonl": records.write_documents,
    ".conll": conll.write_file,
    "": brat.write_folder,
}


def read_documents(path: Path, types: Collection[str] = tuple(ENTITY_TYPES)) -> list[Document]:
    """Read documents from a folder of .txt and .ann files, a .jsonl or a .conll file."""
    if path.is_dir():
        return brat.read_folder(path, types)
    if not path.exists():
        fail(path, 0, "does not exist", "name a brat folder, a .jsonl or a .conll file")
    if path.suffix not in _READERS:
        fail(path, 0, f"has the ending {path.suffix!r}", "name a brat folder, a .jsonl or a .conll file")
    return _READERS[path.suffix](path, types)


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Write documents in the format that the ending of `path` names; no ending is a brat folder."""
    if path.suffix not in _WRITERS:
        fail(path, 0, f"has the ending {path.suffix!r}", "end it in .jsonl or .conll, or name a folder")
    _WRITERS[path.suffix](path, documents)

"""Annotated documents from whatever holds them: a brat folder, JSON Lines or CoNLL columns."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from thidua_ner import brat, conll, records
from thidua_ner.faults import DataError, Fault, fail
from thidua_ner.iob2 import Repair
from thidua_ner.labels import ENTITY_TYPES
from thidua_ner.spans import Document

_WRITERS: dict[str, Callable[[Path, Iterable[Document]], None]] = {
    ".jsonl": records.write_documents,
    ".conll": conll.write_file,
    "": brat.write_folder,
}


_FORMATS = "name a brat folder, a .jsonl or a .conll file"


def read_documents(
    path: Path, types: Collection[str] | None = tuple(ENTITY_TYPES), repair: Repair = "none"
) -> list[Document]:
    """Read documents from a folder of .txt and .ann files, a .jsonl or a .conll file, whose tags `repair` may mend."""
    match _format(path):
        case "brat":
            return brat.read_folder(path, types)
        case ".jsonl":
            return records.read_documents(path, types)
        case _:
            return conll.read_file(path, types, repair)


def labels_known(gold: Sequence[Document]) -> list[str]:
    """List the labels that predictions may have: those of the gold, or of the benchmark where the gold has no other."""
    labels = sorted({span.label for document in gold for span in document.spans})
    return list(ENTITY_TYPES) if set(labels) <= set(ENTITY_TYPES) else labels


def read_predictions(
    path: Path, gold: Sequence[Document], types: Collection[str] | None = tuple(ENTITY_TYPES), repair: Repair = "none"
) -> list[Document]:
    """Read one prediction for each gold document, in any format, in the order of the gold.

    DataError lists unknown and missing documents, and what cannot be spans of the gold text.
    """
    match _format(path):
        case "brat":
            return _check_texts(path, gold, brat.read_folder(path, types))
        case ".jsonl":
            return records.read_predictions(path, gold, types)
        case _:
            return conll.read_predictions(path, gold, types, repair)


def _format(path: Path) -> str:
    """Tell the format by the path; DataError where there is none."""
    if path.is_dir():
        return "brat"
    if not path.exists():
        fail(path, 0, "does not exist", _FORMATS)
    if path.suffix not in {".jsonl", ".conll"}:
        fail(path, 0, f"has the ending {path.suffix!r}", _FORMATS)
    return path.suffix


def _check_texts(folder: Path, gold: Sequence[Document], predicted: Sequence[Document]) -> list[Document]:
    """Put predictions into the order of the gold; DataError where their texts are not those of the gold."""
    found = {document.id: document for document in predicted}
    known = [document.id for document in gold]
    faults = [
        Fault(str(folder / f"{name}.txt"), 0, "is not a gold document", f"use {records.some(known)}")
        for name in found
        if name not in known
    ]
    for document in gold:
        path = str(folder / f"{document.id}.txt")
        if document.id not in found:
            faults.append(Fault(path, 0, "is missing", "add the gold text and its .ann file, empty or not"))
        elif found[document.id].text != document.text:
            pairs = zip_longest(found[document.id].text.split("\n"), document.text.split("\n"))
            line = next(number for number, (ours, theirs) in enumerate(pairs, start=1) if ours != theirs)
            faults.append(Fault(path, line, "differs from the gold text", "annotate the text as it stands in the gold"))
    if faults:
        raise DataError(sorted(faults))
    return [document.with_spans(found[document.id].spans) for document in gold]


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Write documents in the format that the ending of `path` names; no ending is a brat folder."""
    if path.suffix not in _WRITERS:
        fail(path, 0, f"has the ending {path.suffix!r}", "end it in .jsonl or .conll, or name a folder")
    _WRITERS[path.suffix](path, documents)

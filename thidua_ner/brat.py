"""brat standoff: a folder of `<id>.txt` and `<id>.ann`, text-bound annotations only.

Format: https://brat.nlplab.org/standoff.html. Offsets count Unicode code points of the text file as it
stands, line breaks included. Notes (`#…` lines) are allowed and carry no entity.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from thidua_ner.faults import DataError, Fault, fail
from thidua_ner.files import read_text, write_text
from thidua_ner.labels import ENTITY_TYPES
from thidua_ner.spans import Document, Span

_ANNOTATION = re.compile(r"(T\d+)\t(\S+) ([\d ;]+)\t(.*)")


class Annotation(NamedTuple):
    """One line of an .ann file."""

    line: int
    id: str
    span: Span


def parse_annotations(
    file: str, content: str, text: str, types: Collection[str] | None = tuple(ENTITY_TYPES)
) -> tuple[list[Annotation], list[Fault]]:
    """Read the lines of an .ann file against its text; what cannot be an entity of the text is a fault."""
    annotations: list[Annotation] = []
    faults: list[Fault] = []
    for number, raw in enumerate(content.split("\n"), start=1):
        line = raw.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            annotations.append(_parse_line(file, number, line, text, types))
        except DataError as error:
            faults += error.faults
    return annotations, sorted([*faults, *_clashes(file, annotations)])


def _parse_line(file: str, number: int, line: str, text: str, types: Collection[str] | None) -> Annotation:
    """Read one annotation; DataError where it cannot be an entity of the text."""
    match = _ANNOTATION.fullmatch(line)
    if match is None:
        what = f"{line[:60]!r} is not a text-bound annotation"
        fail(file, number, what, "write T<number><TAB><label> <start> <end><TAB><surface>")
    name, label, offsets, surface = match.groups()
    if not re.fullmatch(r"\d+ \d+", offsets):
        fail(file, number, f"{name} has the offsets {offsets!r}", "give one start and one end: spans are continuous")
    start, end = map(int, offsets.split())
    if types is not None and label not in types:
        fail(file, number, f"{name} has the unknown label {label!r}", f"use one of {', '.join(types)}")
    if not start < end <= len(text):
        fail(file, number, f"{name} {start} {end} is no stretch of {len(text)} characters", "correct the offsets")
    actual = text[start:end]
    # brat writes a line break inside a span as a space
    if surface not in (actual, actual.replace("\n", " ")):
        what = f"{name} says {surface!r} where the text has {actual!r}"
        fail(file, number, what, f"correct the offsets or the surface{_offset_hint(text)}")
    return Annotation(number, name, Span(start, end, label))


def _offset_hint(text: str) -> str:
    """Name what commonly shifts the offsets of a whole text."""
    if "\r" in text:
        return " (the text has CRLF line ends, two characters each)"
    if text.startswith("\ufeff"):
        return " (the text begins with a byte-order mark, which is a character)"
    if not unicodedata.is_normalized("NFC", text):
        return " (the text is decomposed Unicode: its marks are characters)"
    return ""


def _clashes(file: str, annotations: list[Annotation]) -> Iterable[Fault]:
    """Find ids used twice and spans that overlap."""
    lines: dict[str, int] = {}
    for annotation in annotations:
        if annotation.id in lines:
            what = f"{annotation.id} is used twice, first on line {lines[annotation.id]}"
            yield Fault(file, annotation.line, what, "give each annotation an id of its own")
        lines.setdefault(annotation.id, annotation.line)
    for left, right in pairwise(sorted(annotations, key=lambda a: (a.span, a.line))):
        if right.span.start < left.span.end:
            what = f"{right.id} overlaps {left.id} on line {left.line}"
            yield Fault(file, right.line, what, "keep only the outermost of the two")


def folder_ids(folder: Path) -> tuple[list[str], list[Fault]]:
    """List the documents of a folder, sorted, and the files that lack their other half."""
    texts = {path.stem for path in folder.glob("*.txt")}
    annotated = {path.stem for path in folder.glob("*.ann")}
    faults = [
        Fault(str(folder / f"{name}.txt"), 0, f"has no {name}.ann", "add it (an empty one if nothing is marked)")
        for name in texts - annotated
    ] + [
        Fault(str(folder / f"{name}.ann"), 0, f"has no {name}.txt", "add the text or delete the file")
        for name in annotated - texts
    ]
    return sorted(texts & annotated), sorted(faults)


def read_annotations(
    folder: Path, name: str, types: Collection[str] | None = tuple(ENTITY_TYPES)
) -> tuple[str, list[Annotation], list[Fault]]:
    """Read the text, annotations and faults of one document; DataError where a file is not UTF-8."""
    text = read_text(folder / f"{name}.txt")
    path = folder / f"{name}.ann"
    return (text, *parse_annotations(str(path), read_text(path), text, types))


def read_folder(folder: Path, types: Collection[str] | None = tuple(ENTITY_TYPES)) -> list[Document]:
    """Read every document of a folder, sorted by id; DataError lists all faults of all files."""
    names, faults = folder_ids(folder)
    documents: list[Document] = []
    for name in names:
        try:
            text, annotations, found = read_annotations(folder, name, types)
        except DataError as error:
            faults += error.faults
            continue
        faults += found
        if not found:
            documents.append(Document(name, text, tuple(a.span for a in annotations)))
    if not names and not faults:
        faults.append(Fault(str(folder), 0, "holds no documents", "name a folder of .txt and .ann files"))
    if faults:
        raise DataError(faults)
    return documents


def format_annotations(document: Document) -> str:
    """Write the spans of a document as the content of an .ann file."""
    return "".join(
        f"T{number}\t{span.label} {span.start} {span.end}\t{document.surface(span).replace(chr(10), ' ')}\n"
        for number, span in enumerate(document.spans, start=1)
    )


def write_folder(folder: Path, documents: Iterable[Document]) -> None:
    """Write each document as `<id>.txt` and `<id>.ann`; DataError, and nothing written, where an id is no file name."""
    documents = list(documents)
    for name in (document.id for document in documents):
        if not name or Path(name).name != name or name.startswith(".") or "\0" in name:
            fail(folder, 0, f"the id {name!r} is no file name", "rename the document")
    for document in documents:
        write_text(folder / f"{document.id}.txt", document.text)
        write_text(folder / f"{document.id}.ann", format_annotations(document))

"""brat standoff: a folder of `<id>.txt` and `<id>.ann`, text-bound annotations only.

Format: https://brat.nlplab.org/standoff.html. Offsets count Unicode code points of the text file as it
stands, line breaks included. Notes (`#…` lines) are allowed and carry no entity.
"""

import re
from collections.abc import Collection, Iterable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from thidua_ner.faults import DataError, Fault
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
    file: str, content: str, text: str, types: Collection[str] = tuple(ENTITY_TYPES)
) -> tuple[list[Annotation], list[Fault]]:
    """Read the lines of an .ann file against its text; what cannot be an entity of the text is a fault."""
    annotations: list[Annotation] = []
    faults: list[Fault] = []
    for number, raw in enumerate(content.split("\n"), start=1):
        line = raw.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        match = _ANNOTATION.fullmatch(line)
        if match is None:
            what = f"{line[:60]!r} is not a text-bound annotation"
            faults.append(Fault(file, number, what, "write T<number><TAB><label> <start> <end><TAB><surface>"))
        elif ";" in match[3] or len(match[3].split()) != 2:
            what = f"{match[1]} has the offsets {match[3]!r}"
            faults.append(Fault(file, number, what, "give one start and one end: spans are continuous"))
        else:
            start, end = map(int, match[3].split())
            fault = _entity_fault(match[1], match[2], start, end, match[4], text, types)
            if fault is None:
                annotations.append(Annotation(number, match[1], Span(start, end, match[2])))
            else:
                faults.append(Fault(file, number, *fault))
    return annotations, sorted([*faults, *_clashes(file, annotations)])


def _entity_fault(
    name: str, label: str, start: int, end: int, surface: str, text: str, types: Collection[str]
) -> tuple[str, str] | None:
    """Say what is wrong with one annotation and how to mend it, if anything is."""
    if label not in types:
        return f"{name} has the unknown label {label!r}", f"use one of {', '.join(types)}"
    if not start < end <= len(text):
        return f"{name} {start} {end} lies outside the text of {len(text)} characters", "correct the offsets"
    actual = text[start:end]
    # brat writes a line break inside a span as a space
    if surface not in (actual, actual.replace("\n", " ")):
        return f"{name} says {surface!r} where the text has {actual!r}", "correct the offsets or the surface"
    return None


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
    folder: Path, name: str, types: Collection[str] = tuple(ENTITY_TYPES)
) -> tuple[str, list[Annotation], list[Fault]]:
    """Read the text, annotations and faults of one document; DataError where a file is not UTF-8."""
    text = read_text(folder / f"{name}.txt")
    path = folder / f"{name}.ann"
    return (text, *parse_annotations(str(path), read_text(path), text, types))


def read_folder(folder: Path, types: Collection[str] = tuple(ENTITY_TYPES)) -> list[Document]:
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
    """Write each document as `<id>.txt` and `<id>.ann`."""
    for document in documents:
        write_text(folder / f"{document.id}.txt", document.text)
        write_text(folder / f"{document.id}.ann", format_annotations(document))

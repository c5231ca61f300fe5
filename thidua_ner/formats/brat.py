"""brat standoff: a folder of `<id>.txt` and `<id>.ann` files, of which the text-bound annotations are read.

Format: https://brat.nlplab.org/standoff.html. Offsets count the Unicode code points of the text file, line breaks
included; a byte-order mark is no part of the text. Relations, events, attributes, equivalences, references and notes
are left out, and their number is told.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice, pairwise, zip_longest
from pathlib import Path
from typing import NamedTuple

from thidua_ner.faults import DataError, Fault, fail, some_of, tell
from thidua_ner.files import read_text, whole, write_text
from thidua_ner.text.alike import Lookalikes, describe_difference
from thidua_ner.text.characters import compose
from thidua_ner.text.labels import label_order
from thidua_ner.text.spans import Document, Span, is_allowed, label_remedy

_MAX_NAME_BYTES = 200
"""The most bytes of a file name; most file systems allow 255, with the suffix and a number."""

_DEVICE = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\.|\Z)"
_UNSAFE = re.compile(rf"""[\0-\x1f\x7f-\x9f\u2028\u2029%~/\\:*?"<>|]|\A\.|\A(?={_DEVICE})[a-z]""", re.IGNORECASE)
"""What a file name cannot hold: signs, a dot at its beginning, Windows' devices; dots and spaces at its end neither."""

_ANNOTATION = re.compile(r"(T\d+)\t(\S+) ([\d ;]+)\t(.*)")
_FRAGMENT = re.compile(r"([0-9]{1,18}) ([0-9]{1,18})")

_KINDS = ("relation", "event", "attribute", "attribute", "reference", "equivalence", "note")
_OTHER_LINES = dict(zip("REAMN*#", _KINDS, strict=True))
"""The lines that are left out, by their first character."""

_BOM = "\ufeff"

_MAX_INNER = 1000
"""Files in subfolders that are looked at, to say which folders are not read."""


class Annotation(NamedTuple):
    """A text-bound annotation: its line in the .ann file, its id and its span."""

    line: int
    id: str
    span: Span


def parse_annotations(
    file: str, content: str, text: str, types: Collection[str] | None = None
) -> tuple[list[Annotation], list[Fault]]:
    """Parse the content of an .ann file and check it against its text; `types` None allows any label.

    Returns the valid annotations, and one fault for each line that is not an entity of the text, repeats an id or
    overlaps another annotation. `file` is the name that the faults give.
    """
    annotations: list[Annotation] = []
    faults: list[Fault] = []
    for number, raw in enumerate(content.removeprefix(_BOM).split("\n"), start=1):
        line = raw.removesuffix("\r")
        if not line.strip() or _is_other(line):
            continue
        try:
            annotations.append(_parse_line(file, number, line, text, types))
        except DataError as error:
            faults += error.faults
    return annotations, sorted([*faults, *_clashes(file, annotations)])


def _parse_line(file: str, number: int, line: str, text: str, types: Collection[str] | None) -> Annotation:
    """Parse one annotation; raises DataError if it is not an entity of the text."""
    match = _ANNOTATION.fullmatch(line)
    if match is None:
        what = f"{line[:60]!r} is not a text-bound annotation"
        fail(file, what, "write T<number><TAB><label> <start> <end><TAB><surface>", line=number)
    name, label, offsets, surface = match.groups()
    if not is_allowed(label, types):
        fail(file, f"{name} has the unknown label {label!r}", label_remedy(types), line=number)
    fragments = _fragments(file, number, name, offsets, text)
    start, end = fragments[0][0], fragments[-1][1]
    if not start < end <= len(text):
        what = f"{name} {start} {end} is empty or lies outside the text of {len(text)} characters"
        fail(file, what, "correct the offsets", line=number)
    actual = text[start:end]
    # brat writes a line break inside a span, and one between the fragments of a span, as a space
    joined = " ".join(text[first:last] for first, last in fragments)
    if _on_one_line(surface) not in map(_on_one_line, (actual, actual.replace("\r\n", "\n"), joined)):
        what = f"{name} has the surface {surface!r}, but the text has {actual!r}"
        if difference := describe_difference(surface, actual):
            what += f": they differ in {difference}"
        fail(file, what, f"correct the offsets or the surface{_offset_hint(text)}", line=number)
    return Annotation(number, name, Span(start, end, label))


def _is_other(line: str) -> bool:
    """Tell whether a line is of a kind that is left out."""
    return line[0] in "*#" or (line[0] in _OTHER_LINES and line[1:2].isdigit())


def _on_one_line(surface: str) -> str:
    """Write each line break as a space, as an .ann file needs it."""
    return surface.replace("\r", " ").replace("\n", " ")


def _fragments(file: str, number: int, name: str, offsets: str, text: str) -> list[tuple[int, int]]:
    """Return the fragments of a span, which may be parted by one line break and blanks beside it, and no more."""
    fragments = [_FRAGMENT.fullmatch(part) for part in offsets.split(";")]
    found = [(int(match[1]), int(match[2])) for match in fragments if match]
    if len(found) < len(fragments):
        fail(file, f"{name} has the offsets {offsets[:60]!r}", "give a start and an end", line=number)
    for (_, before), (after, _) in pairwise(found):
        if before > after:
            fail(file, f"{name} has fragments that overlap or are not in order", "correct the offsets", line=number)
        if text[before:after].strip(" \t") not in {"", "\n", "\r\n"}:
            what = f"{name} is not continuous: {text[before:after][:40]!r} lies between its fragments"
            remedy = "annotate one span, or two: spans of more than one part are not scored"
            fail(file, what, remedy, line=number)
    return found


def _offset_hint(text: str) -> str:
    """Name the likely reason why all offsets of a text are shifted."""
    if "\r" in text:
        return " (the text has CRLF line breaks, two characters each)"
    if not unicodedata.is_normalized("NFC", text):
        return " (the text is decomposed Unicode, in which each mark is a character)"
    return ""


def _clashes(file: str, annotations: list[Annotation]) -> Iterable[Fault]:
    """Find ids that are used twice and spans that overlap."""
    lines: dict[str, int] = {}
    for annotation in annotations:
        if annotation.id in lines:
            what = f"{annotation.id} is used twice, first on line {lines[annotation.id]}"
            yield Fault(file, what, "give each annotation an id of its own", line=annotation.line)
        lines.setdefault(annotation.id, annotation.line)
    for left, right in pairwise(sorted(annotations, key=lambda a: (a.span, a.line))):
        if right.span.start < left.span.end:
            what = f"{right.id} overlaps {left.id} on line {left.line}"
            yield Fault(file, what, "keep only the outermost of the two", line=right.line)


def folder_ids(folder: Path) -> tuple[list[str], list[Fault]]:
    """List the ids of the documents in a folder, sorted, and a fault for each .txt or .ann file without the other.

    Hidden files are none of the documents.
    """
    texts, annotated = (
        {path.stem for path in folder.glob(pattern) if not path.name.startswith(".")} for pattern in ("*.txt", "*.ann")
    )
    faults = [
        Fault(str(folder / f"{name}.txt"), f"has no {name}.ann", "add it, empty if the text has no entities")
        for name in texts - annotated
    ] + [
        Fault(str(folder / f"{name}.ann"), f"has no {name}.txt", "add the text or delete the file")
        for name in annotated - texts
    ]
    faults += [
        Fault(str(path), "has an ending in capital letters", "write it in small letters: .txt or .ann")
        for path in folder.iterdir()
        if path.suffix.lower() in {".txt", ".ann"} and path.suffix != path.suffix.lower() and path.name[0] != "."
    ]
    return sorted(texts & annotated), sorted(faults)


def _read_pair(
    folder: Path, name: str, types: Collection[str] | None, left_out: Counter[str]
) -> tuple[str, list[Span], list[Fault]]:
    """Read the text, the spans and the faults of one document; raises DataError if a file is not UTF-8.

    The offsets of a file with a byte-order mark may count it or not. `left_out` counts the lines of other kinds.
    """
    with_mark = read_text(folder / f"{name}.txt")
    text = with_mark.removeprefix(_BOM)
    path = folder / f"{name}.ann"
    content = read_text(path)
    lines = content.removeprefix(_BOM).split("\n")
    left_out.update(_OTHER_LINES[line[0]] for line in lines if line.strip() and _is_other(line))
    annotations, faults = parse_annotations(str(path), content, text, types)
    spans = [one.span for one in annotations]
    if faults and text != with_mark:
        counted, others = parse_annotations(str(path), content, with_mark, types)
        if len(others) < len(faults) and all(one.span.start for one in counted):
            return text, [Span(s.start - 1, s.end - 1, s.label) for _, _, s in counted], others
    return text, spans, faults


def read_folder(folder: Path, types: Collection[str] | None = None) -> list[Document]:
    """Read every document of a folder, sorted by id; `types` are the labels allowed, None for any.

    Says what is left out. Raises DataError with all faults of all files.
    """
    names, faults = folder_ids(folder)
    left_out = Counter[str]()
    documents: list[Document] = []
    for name in names:
        try:
            text, spans, found = _read_pair(folder, name, types, left_out)
        except DataError as error:
            faults += error.faults
            continue
        faults += found
        if not found:
            documents.append(Document(name, text, tuple(spans)))
    inner = sorted({path.parent for path in islice(folder.glob("[!.]*/**/*.ann"), _MAX_INNER)})
    if not names and not faults:
        inside = f", but its subfolders do: {some_of([path.name for path in inner])}" if inner else ""
        faults.append(Fault(str(folder), f"holds no documents{inside}", "name a folder of .txt and .ann files"))
    if faults:
        raise DataError(faults)
    if left_out:
        counts = ", ".join(f"{number} {kind}{'s' if number > 1 else ''}" for kind, number in sorted(left_out.items()))
        tell(folder, f"left out {counts}: only spans are read")
    if inner:
        tell(folder, f"its subfolders are not read: {some_of([path.name for path in inner])}; name one of them instead")
    return documents


def format_annotations(document: Document) -> str:
    """Format the spans of a document as the content of an .ann file."""
    return "".join(
        f"T{number}\t{span.label} {span.start} {span.end}\t{_on_one_line(document.surface(span))}\n"
        for number, span in enumerate(document.spans, start=1)
    )


def write_folder(folder: Path, documents: Iterable[Document]) -> None:
    """Write each document as `<id>.txt` and `<id>.ann`.

    Raises DataError, before anything is written, if an id is not a file name on every system, or that of another one.
    """
    documents = list(documents)
    for document, name in zip(documents, file_names(documents), strict=True):
        if not name or name != document.id:
            remedy = "rename the document: none may be another in other letter case"
            fail(folder, f"the id {document.id[:100]!r} is not a file name", remedy)
        if reason := problem(document):
            fail(folder, reason, "rename the document, or choose .jsonl")
    for document in documents:
        write_text(folder / f"{document.id}.txt", document.text)
        write_text(folder / f"{document.id}.ann", format_annotations(document))


def read_predictions(folder: Path, gold: Sequence[Document], types: Collection[str] | None = None) -> list[Document]:
    """Read one prediction per gold document, in the order of the gold.

    Raises DataError with the documents that are unknown or missing, and the first line in which each text differs.
    """
    found = {document.id: document for document in read_folder(folder, types)}
    known = {document.id: document for document in gold}
    alike = Lookalikes(known)
    faults = [
        Fault(str(folder / f"{name}.txt"), f"is not a gold document{alike.hint(name)}", f"use {some_of(known)}")
        for name in found
        if name not in known
    ]
    for document in gold:
        path = str(folder / f"{document.id}.txt")
        if document.id not in found:
            faults.append(Fault(path, "is missing", "add the gold text and an .ann file, empty if nothing was found"))
        elif found[document.id].text != document.text:
            pairs = zip_longest(found[document.id].text.split("\n"), document.text.split("\n"))
            line = next(number for number, (ours, theirs) in enumerate(pairs, start=1) if ours != theirs)
            remedy = "annotate the text as it is in the gold"
            difference = describe_difference(found[document.id].text, document.text)
            what = f"differs from the gold text{f' in {difference}' if difference else ''}"
            faults.append(Fault(path, what, remedy, line=line))
    if faults:
        raise DataError(sorted(faults))
    return [document.with_spans(found[document.id].spans) for document in gold]


def write_encoded_folder(path: Path, documents: Sequence[Document]) -> None:
    """Write a folder that brat can open, all of it or nothing; `file_names` encodes ids that are not file names."""
    labels = sorted({span.label for document in documents for span in document.spans}, key=label_order)
    sections = ["[entities]", *labels, "\n[relations]\n\n[events]\n\n[attributes]\n"]
    with whole(path) as folder:
        folder.mkdir()
        for stem, document in zip(file_names(documents), documents, strict=True):
            (folder / f"{stem}.txt").write_bytes(document.text.encode())
            (folder / f"{stem}.ann").write_bytes(format_annotations(document).encode())
        (folder / "annotation.conf").write_bytes("\n".join(sections).encode())


def file_names(documents: Sequence[Document]) -> list[str]:
    """Derive unique file names, for any system, from the ids of documents; `urllib.parse.unquote` restores an id.

    A character that a file name cannot hold on Windows or elsewhere becomes %XX, the suffix .txt is removed, and ~2, ~3
    and so on are appended to a name that an earlier document has, in whatever letter case or Unicode form.
    """
    names: list[str] = []
    seen: dict[str, int] = {}
    for document in documents:
        name = _file_name(document)
        key = compose(compose(name).casefold())
        seen[key] = seen.get(key, 0) + 1
        names.append(name if seen[key] == 1 else f"{name}~{seen[key]}")
    return names


def _file_name(document: Document) -> str:
    name = document.id.removesuffix(".txt")
    body = name.rstrip(". ")
    return _UNSAFE.sub(lambda match: _percent(match[0]), body) + _percent(name[len(body) :])


def _percent(text: str) -> str:
    """Write characters as their bytes in UTF-8: %XX."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def problem(document: Document) -> str:
    """Say why a document's id cannot become a file name, or its text a file; return '' if they can."""
    if document.text.startswith(_BOM):
        return f"the text of {document.id[:50]!r} begins with a byte-order mark, which no reader keeps"
    size = len(_file_name(document).encode())
    return "" if 0 < size <= _MAX_NAME_BYTES else f"the id {document.id[:50]!r} gives a file name of {size} bytes"

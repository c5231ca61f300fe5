"""The annotated corpus on disk: `annotations/` and the rules that its files keep."""

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thidua_ner import agreement, brat
from thidua_ner.faults import DataError, Fault, fail
from thidua_ner.files import read_text
from thidua_ner.spans import Document, Span
from thidua_ner.syllables import Sentence, is_abbreviation, split_sentences

GOLD = "gold"
PASSES = ("first", "second")
SOURCES = "SOURCES.tsv"
AGREEMENT = "agreement.json"
_ENDINGS = {".txt", ".ann"}
_SOURCE_COLUMNS = ["id", "original_file", "published_by", "sha256"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from: a row of SOURCES.tsv."""

    id: str
    original_file: str
    published_by: str
    sha256: str


def read_sources(folder: Path) -> list[Source]:
    """Read SOURCES.tsv; DataError names the line of a malformed or repeated row."""
    path = folder / SOURCES
    rows = list(csv.reader(io.StringIO(read_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or rows[0] != _SOURCE_COLUMNS:
        fail(path, 1, f"the columns are {rows[0] if rows else []}", f"name them {', '.join(_SOURCE_COLUMNS)}")
    sources: dict[str, Source] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(_SOURCE_COLUMNS):
            fail(path, line, f"has {len(row)} cells", f"give {len(_SOURCE_COLUMNS)}, parted by tabs")
        if row[0] in sources:
            fail(path, line, f"the document id {row[0]!r} stands here twice", "keep one row a document")
        sources[row[0]] = Source(*row)
    return list(sources.values())


def read_gold(annotations: Path) -> list[Document]:
    """Read the gold documents, sorted by id; DataError lists every broken rule."""
    faults = check_annotations(annotations)
    if faults:
        raise DataError(faults)
    return brat.read_folder(annotations / GOLD)


def read_pass(annotations: Path, name: str) -> list[Document]:
    """Read one annotator's pass over the gold documents."""
    return brat.read_folder(annotations / "passes" / name)


def check_annotations(annotations: Path) -> list[Fault]:
    """Find every broken rule of form under `annotations/`."""
    gold = annotations / GOLD
    if not gold.is_dir():
        return [Fault(str(gold), 0, "does not exist", "run from the project's root or name the annotations folder")]
    passes = _pass_folders(annotations)
    faults = [
        Fault(str(annotations / "passes" / name), 0, "does not exist", "keep both annotators' passes")
        for name in set(PASSES) - {folder.name for folder in passes}
    ]
    for folder in (gold, *passes):
        faults += check_folder(folder)
    faults += _check_sources(gold)
    for folder in passes:
        faults += _check_same_texts(gold, folder)
    return sorted(set(faults))


def _pass_folders(annotations: Path) -> list[Path]:
    """List the folders of the annotators' passes."""
    return sorted(path for path in (annotations / "passes").glob("*") if path.is_dir())


def check_folder(folder: Path) -> list[Fault]:
    """Find the faults of a brat folder: files, format, and the rules of the benchmark's own spans."""
    names, faults = brat.folder_ids(folder)
    faults += _check_strays(folder)
    seen: dict[str, str] = {}
    texts: dict[str, str] = {}
    for name in names:
        if (twin := seen.setdefault(name.casefold(), name)) != name:
            what = f"has the same document id as {twin}.txt but for case"
            faults.append(Fault(str(folder / f"{name}.txt"), 0, what, "give each document an id of its own"))
        try:
            text, annotations, found = brat.read_annotations(folder, name)
        except DataError as error:
            faults += error.faults
            continue
        faults += found
        if (twin := texts.setdefault(Document(name, text).text_sha256, name)) != name:
            what = f"is the same text as {twin}.txt"
            faults.append(Fault(str(folder / f"{name}.txt"), 0, what, "keep one of the two"))
        file, sentences = str(folder / f"{name}.ann"), split_sentences(text)
        for annotation in annotations:
            problem = span_problem(text, annotation.span, sentences)
            if problem:
                faults.append(Fault(file, annotation.line, f"{annotation.id} {problem[0]}", problem[1]))
    return faults


def _check_strays(folder: Path) -> Iterable[Fault]:
    """Find what would be passed over: folders, and files of another kind; hidden files are left alone."""
    for path in sorted(folder.iterdir()):
        if path.name != SOURCES and not path.name.startswith(".") and (path.is_dir() or path.suffix not in _ENDINGS):
            yield Fault(str(path), 0, "is no document", "end its name in .txt or .ann, or move it away")


def span_problem(text: str, span: Span, sentences: Sequence[Sentence]) -> tuple[str, str] | None:
    """Say which rule of the guidelines a span breaks by its form, and how to mend it."""
    surface = text[span.start : span.end]
    if surface != surface.strip():
        return f"begins or ends with white space: {surface!r}", "move the offsets inside"
    if "\n" in surface:
        return f"crosses a line break: {surface!r}", "mark a span on each line, or one of them"
    if not _may_begin(surface[0]) or not (_may_begin(surface[-1]) or surface[-1] in "%."):
        return f"begins or ends on a mark: {surface!r}", "begin and end on a letter, a digit or %"
    if surface.endswith(".") and not is_abbreviation(surface[:-1].split()[-1].rpartition(".")[2]):
        return f"ends with the full stop of a sentence: {surface!r}", "leave the full stop out"
    for sentence in sentences:
        if sentence.start <= span.start and span.end <= sentence.end:
            starts = {token.start for token in sentence.tokens}
            ends = {token.end for token in sentence.tokens}
            if span.start not in starts or span.end not in ends:
                return f"cuts a token: {surface!r}", "move the offsets to token boundaries"
            return None
    return f"crosses the end of a sentence: {surface!r}", "mend the span, or add the abbreviation to syllables.py"


def _may_begin(character: str) -> bool:
    """Tell whether a span may begin with this character: a letter, a combining mark of one, or a digit."""
    return unicodedata.category(character)[0] in "LMN"


def _check_sources(folder: Path) -> Iterable[Fault]:
    """Compare SOURCES.tsv with the texts that stand beside it."""
    path = folder / SOURCES
    try:
        sources = {source.id: source for source in read_sources(folder)}
    except DataError as error:
        yield from error.faults
        return
    names = {text.stem for text in folder.glob("*.txt")}
    for name in sorted(names - set(sources)):
        yield Fault(str(path), 0, f"has no row for {name}", "add the original file's name and the SHA-256")
    for name in sorted(set(sources) - names):
        yield Fault(str(path), 0, f"names {name}, which has no text here", "add the text or delete the row")
    for name in sorted(names & set(sources)):
        try:
            text = read_text(folder / f"{name}.txt")
        except DataError:
            continue  # reported with the folder
        if Document(name, text).text_sha256 != sources[name].sha256:
            remedy = "restore the text: a published text is never edited"
            yield Fault(str(folder / f"{name}.txt"), 0, f"is not the text whose SHA-256 {SOURCES} gives", remedy)


def _check_same_texts(gold: Path, folder: Path) -> Iterable[Fault]:
    """Compare the texts of a pass with those of the gold, byte by byte."""
    for extra in sorted({path.name for path in folder.glob("*.txt")} - {path.name for path in gold.glob("*.txt")}):
        yield Fault(str(folder / extra), 0, f"is not a text of {gold}", "add it there or delete it")
    for path in sorted(gold.glob("*.txt")):
        copy = folder / path.name
        if not copy.exists():
            yield Fault(str(copy), 0, "is missing", f"copy {path} and annotate it")
        elif copy.read_bytes() != path.read_bytes():
            yield Fault(str(copy), 0, f"differs from {path}", "restore the text and mark it again")


def measure_agreement(annotations: Path) -> dict[str, Any]:
    """Compare the two passes with each other, and each pass over the documents with the gold."""
    gold = brat.read_folder(annotations / GOLD)
    first, second = (read_pass(annotations, name) for name in PASSES)
    with_gold = {path.name: agreement.agree(gold, brat.read_folder(path)) for path in _pass_folders(annotations)}
    return {"between_passes": agreement.agree(first, second), "gold_and_pass": with_gold}


def format_agreement(annotations: Path) -> str:
    """Write the agreement of the passes as the content of agreement.json."""
    return json.dumps(measure_agreement(annotations), ensure_ascii=False, indent=2) + "\n"


def check_agreement(annotations: Path) -> list[Fault]:
    """Find whether agreement.json is what the passes give."""
    path = annotations / AGREEMENT
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == format_agreement(annotations):
        return []
    return [Fault(str(path), 0, "is not what the passes give", "run `python -m thidua_ner agreement`")]

"""The annotated corpus on disk: `annotations/` and the rules that its files keep."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thidua_ner.corpus import agreement, synthetic
from thidua_ner.faults import DataError, Fault, fail
from thidua_ner.files import read_table, read_text
from thidua_ner.formats import brat
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import Sentence, is_abbreviation, split_sentences

GOLD, SYNTHETIC = "gold", "synthetic"
PASSES = {GOLD: ("first", "second"), SYNTHETIC: ("written", "read")}
"""The parts of the corpus, and the two passes over each whose agreement is measured."""
SOURCES = "SOURCES.tsv"
AGREEMENT = "agreement.json"
_ENDINGS = {".txt", ".ann"}
_TABLES = {SOURCES, synthetic.PLAN, synthetic.FIXED}
_SOURCE_COLUMNS = ("id", "original_file", "published_by", "sha256")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The documents of all parts, sorted by id; `train` and `validation` are synthetic."""

    gold: tuple[Document, ...]
    train: tuple[Document, ...]
    validation: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from: a row of SOURCES.tsv."""

    id: str
    original_file: str
    published_by: str
    sha256: str


def read_sources(folder: Path) -> list[Source]:
    """Read SOURCES.tsv; DataError names the line of a malformed or repeated row."""
    return [Source(*row) for row in read_table(folder / SOURCES, _SOURCE_COLUMNS)]


def read_corpus(annotations: Path) -> Corpus:
    """Read the documents of both parts; DataError lists every broken rule."""
    faults = check_annotations(annotations)
    if faults:
        raise DataError(faults)
    return load_corpus(annotations)


def load_corpus(annotations: Path) -> Corpus:
    """Read the documents of both parts, whose rules have been checked."""
    split = {planned.id: planned.split for planned in synthetic.read_plan(annotations / SYNTHETIC)}
    documents = brat.read_folder(annotations / SYNTHETIC)
    return Corpus(
        gold=tuple(brat.read_folder(annotations / GOLD)),
        train=tuple(d for d in documents if split[d.id] == "train"),
        validation=tuple(d for d in documents if split[d.id] == "validation"),
    )


def check_annotations(annotations: Path) -> list[Fault]:
    """Find every broken rule of form under `annotations/`."""
    missing = [annotations / part for part in PASSES if not (annotations / part).is_dir()]
    if missing:
        remedy = "run from the project's root or name the annotations folder"
        return [Fault(str(folder), "does not exist", remedy) for folder in missing]
    faults = [fault for part in PASSES for fault in _check_part(annotations, part)]
    faults += _check_sources(annotations / GOLD)
    faults += synthetic.check_plan(annotations / SYNTHETIC)
    if not faults:  # the texts can be read
        documents = brat.read_folder(annotations / SYNTHETIC)
        faults += synthetic.check_copies(annotations / SYNTHETIC, documents, brat.read_folder(annotations / GOLD))
    return sorted(set(faults))


def _check_part(annotations: Path, part: str) -> Iterable[Fault]:
    """Find the faults of a part of the corpus and of the passes over it."""
    folders = pass_folders(annotations, part)
    for name in sorted(set(PASSES[part]) - {folder.name for folder in folders}):
        yield Fault(str(annotations / "passes" / part / name), "does not exist", "keep both annotators' passes")
    for folder in (annotations / part, *folders):
        yield from check_folder(folder)
    for folder in folders:
        yield from _check_same_texts(annotations / part, folder)


def pass_folders(annotations: Path, part: str) -> list[Path]:
    """List the folders of the annotators' passes over a part of the corpus."""
    return sorted(path for path in (annotations / "passes" / part).glob("*") if path.is_dir())


def check_folder(folder: Path) -> list[Fault]:
    """Find the faults of a brat folder: files, format, and the rules of the benchmark's own spans."""
    names, faults = brat.folder_ids(folder)
    faults += _check_strays(folder)
    seen: dict[str, str] = {}
    texts: dict[str, str] = {}
    for name in names:
        if (twin := seen.setdefault(name.casefold(), name)) != name:
            what = f"has the same document id as {twin}.txt but for case"
            faults.append(Fault(str(folder / f"{name}.txt"), what, "give each document an id of its own"))
        try:
            text, annotations, found = brat.read_annotations(folder, name)
        except DataError as error:
            faults += error.faults
            continue
        faults += found
        if (twin := texts.setdefault(Document(name, text).text_sha256, name)) != name:
            what = f"is the same text as {twin}.txt"
            faults.append(Fault(str(folder / f"{name}.txt"), what, "keep one of the two"))
        file, sentences = str(folder / f"{name}.ann"), split_sentences(text)
        for annotation in annotations:
            problem = span_problem(text, annotation.span, sentences)
            if problem:
                faults.append(Fault(file, f"{annotation.id} {problem[0]}", problem[1], line=annotation.line))
    return faults


def _check_strays(folder: Path) -> Iterable[Fault]:
    """Find what would be passed over: folders, and files of another kind; hidden files are left alone."""
    for path in sorted(folder.iterdir()):
        if (
            path.name not in _TABLES
            and not path.name.startswith(".")
            and (path.is_dir() or path.suffix not in _ENDINGS)
        ):
            yield Fault(str(path), "is no document", "end its name in .txt or .ann, or move it away")


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
        yield Fault(str(path), f"has no row for {name}", "add the original file's name and the SHA-256")
    for name in sorted(set(sources) - names):
        yield Fault(str(path), f"names {name}, which has no text here", "add the text or delete the row")
    for name in sorted(names & set(sources)):
        try:
            text = read_text(folder / f"{name}.txt")
        except DataError:
            continue  # reported with the folder
        if Document(name, text).text_sha256 != sources[name].sha256:
            remedy = "restore the text: a published text is never edited"
            yield Fault(str(folder / f"{name}.txt"), f"is not the text whose SHA-256 {SOURCES} gives", remedy)


def _check_same_texts(gold: Path, folder: Path) -> Iterable[Fault]:
    """Compare the texts of a pass with those of the gold, byte by byte."""
    for extra in sorted({path.name for path in folder.glob("*.txt")} - {path.name for path in gold.glob("*.txt")}):
        yield Fault(str(folder / extra), f"is not a text of {gold}", "add it there or delete it")
    for path in sorted(gold.glob("*.txt")):
        copy = folder / path.name
        if not copy.exists():
            yield Fault(str(copy), "is missing", f"copy {path} and annotate it")
        elif copy.read_bytes() != path.read_bytes():
            yield Fault(str(copy), f"differs from {path}", "restore the text and mark it again")


def measure_agreement(annotations: Path) -> dict[str, Any]:
    """Compare, for each part, its two passes with each other, and every pass over it with what was settled."""
    return {part: _measure_part(annotations, part) for part in PASSES}


def _measure_part(annotations: Path, part: str) -> dict[str, Any]:
    settled = brat.read_folder(annotations / part)
    passes = {folder.name: brat.read_folder(folder) for folder in pass_folders(annotations, part)}
    first, second = (passes[name] for name in PASSES[part])
    return {
        "between_passes": agreement.agree(first, second),
        "settled_and_pass": {name: agreement.agree(settled, documents) for name, documents in passes.items()},
    }


def format_agreement(annotations: Path) -> str:
    """Write the agreement of the passes as the content of agreement.json."""
    return json.dumps(measure_agreement(annotations), ensure_ascii=False, indent=2) + "\n"


def read_agreement(annotations: Path) -> dict[str, Any]:
    """Read agreement.json."""
    path = annotations / AGREEMENT
    try:
        figures: dict[str, Any] = json.loads(read_text(path))
    except ValueError:
        fail(path, "is not JSON", "run `python -m thidua_ner agreement`")
    return figures


def check_agreement(annotations: Path) -> list[Fault]:
    """Find whether agreement.json is what the passes give."""
    path = annotations / AGREEMENT
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == format_agreement(annotations):
        return []
    return [Fault(str(path), "is not what the passes give", "run `python -m thidua_ner agreement`")]

"""The rules of form that the files under `annotations/` keep; every broken one is a fault."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

from thidua_ner.corpus.annotations import (
    PASSES,
    SOURCES,
    AnnotatedPart,
    Annotations,
    BratFolder,
    PlannedDocument,
    SourceText,
    read_annotations,
)
from thidua_ner.corpus.pairs import check_pairs
from thidua_ner.corpus.synthetic import find_copies
from thidua_ner.corpus.tables import Table
from thidua_ner.faults import DataError, Fault
from thidua_ner.text.edges import may_begin, may_end
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import Sentence, split_sentences

_Split = Callable[[str], Sequence[Sentence]]


def read_checked_annotations(folder: Path) -> Annotations:
    """Read `annotations/`; raises DataError with every broken rule."""
    annotations = read_annotations(folder)
    if faults := check_annotations(annotations):
        raise DataError(faults)
    return annotations


def check_annotations(annotations: Annotations) -> list[Fault]:
    """Find every broken rule of form; copied text is only looked for if there is no other fault."""
    split = cache(split_sentences)  # a text is in every pass
    faults = [fault for part in annotations.parts() for fault in _check_part(annotations.folder, part, split)]
    faults += _check_pairs(annotations.pairs)
    faults += [*annotations.fixed.faults, *annotations.wild.faults]
    faults += _check_sources(annotations.sources, annotations.gold.settled)
    remedy = "add its split, event, place, page and subject"
    faults += _check_rows(annotations.plan, annotations.synthetic.settled, remedy)
    if not faults:
        faults += find_copies(annotations)
    return sorted(set(faults))


def _check_part(annotations: Path, part: AnnotatedPart, split: _Split) -> Iterator[Fault]:
    """Find the faults of a part of the corpus and of the passes over it."""
    for name in sorted(set(PASSES[part.name]) - set(part.passes)):
        yield Fault(str(annotations / "passes" / part.name / name), "does not exist", "keep both annotators' passes")
    for folder in part.folders():
        yield from _check_folder(folder, split)
    for folder in part.passes.values():
        yield from _check_same_texts(part.settled, folder)


def _check_pairs(part: AnnotatedPart) -> Iterator[Fault]:
    for document in part.settled.documents:
        yield from check_pairs(str(part.settled.path / f"{document.id}.txt"), document)


def _check_folder(folder: BratFolder, split: _Split) -> Iterator[Fault]:
    """Find the faults of a brat folder: those of reading, documents that it has twice, and spans of a wrong form."""
    yield from folder.faults
    folded: dict[str, str] = {}
    for name in folder.ids:
        if (twin := folded.setdefault(name.casefold(), name)) != name:
            what = f"has the same document id as {twin}.txt except for case"
            yield Fault(str(folder.path / f"{name}.txt"), what, "give each document a different id")
    seen: dict[str, str] = {}
    for name, annotations in folder.annotations.items():
        text = folder.texts[name] or ""
        if (twin := seen.setdefault(text, name)) != name:
            yield Fault(str(folder.path / f"{name}.txt"), f"is the same text as {twin}.txt", "keep one of the two")
        for annotation in annotations:
            if problem := span_problem(text, annotation.span, split(text)):
                file, what = str(folder.path / f"{name}.ann"), f"{annotation.id} {problem[0]}"
                yield Fault(file, what, problem[1], line=annotation.line)


def span_problem(text: str, span: Span, sentences: Sequence[Sentence]) -> tuple[str, str] | None:
    """Say which rule of the guidelines the form of a span breaks, and how to fix it; None if it keeps all."""
    surface = text[span.start : span.end]
    if surface != surface.strip():
        return f"begins or ends with white space: {surface!r}", "move the offsets inside"
    if "\n" in surface:
        return f"crosses a line break: {surface!r}", "mark one span per line, or only one of them"
    if not may_begin(surface[0]) or not (may_end(surface) or surface.endswith(".")):
        return f"begins or ends with punctuation: {surface!r}", "begin and end with a letter, a digit or %"
    if not may_end(surface):
        return f"ends with the full stop of a sentence: {surface!r}", "leave the full stop out"
    for sentence in sentences:
        if sentence.start <= span.start and span.end <= sentence.end:
            starts = {token.start for token in sentence.tokens}
            ends = {token.end for token in sentence.tokens}
            if span.start not in starts or span.end not in ends:
                return f"cuts a token: {surface!r}", "move the offsets to token boundaries"
            return None
    remedy = "correct the span, or add the abbreviation to thidua_ner/text/syllables.py"
    return f"crosses the end of a sentence: {surface!r}", remedy


def _check_same_texts(settled: BratFolder, annotated: BratFolder) -> Iterator[Fault]:
    """Find texts of a pass that differ from those of the part that it is over."""
    for name in sorted(set(annotated.texts) - set(settled.texts)):
        what = f"is not a text of {settled.path}"
        yield Fault(str(annotated.path / f"{name}.txt"), what, "add it there or delete it")
    for name, text in settled.texts.items():
        path, copy = settled.path / f"{name}.txt", annotated.path / f"{name}.txt"
        if name not in annotated.texts:
            yield Fault(str(copy), "is missing", f"copy {path} and annotate it")
        elif annotated.texts[name] != text:
            yield Fault(str(copy), f"differs from {path}", "restore the text and annotate it again")


def _check_sources(sources: Table[SourceText], gold: BratFolder) -> Iterator[Fault]:
    """Compare SOURCES.tsv with the gold texts."""
    yield from _check_rows(sources, gold, "add the original file's name and the SHA-256")
    for source in sources.rows:
        text = gold.texts.get(source.id)
        if text is not None and Document(source.id, text).text_sha256 != source.sha256:
            what = f"is not the text whose SHA-256 is in {SOURCES}"
            yield Fault(str(gold.path / f"{source.id}.txt"), what, "restore the text: a published text is never edited")


def _check_rows(table: Table[SourceText] | Table[PlannedDocument], folder: BratFolder, remedy: str) -> Iterator[Fault]:
    """Find the faults of a table that has a row per text of a folder; `remedy` is for a missing row."""
    yield from table.faults
    if table.faults:
        return
    rows = {row.id for row in table.rows}
    for name in sorted(set(folder.texts) - rows):
        yield Fault(str(table.path), f"has no row for {name}", remedy)
    for name in sorted(rows - set(folder.texts)):
        yield Fault(str(table.path), f"names {name}, which has no text here", "add the text or delete the row")

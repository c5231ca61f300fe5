"""The annotated corpus on disk: everything that the checks and the dataset need of `annotations/`, read once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.corpus.pairs import Passage, split_passages
from thidua_ner.corpus.tables import Table, read_rows
from thidua_ner.corpus.wild import WILD_PART, WILD_PASSES, Wild, read_wild
from thidua_ner.faults import DataError, Fault
from thidua_ner.files import read_text
from thidua_ner.formats.brat import Annotation, folder_ids, parse_annotations
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document

GOLD_PART, SYNTHETIC_PART, PAIRS_PART = "gold", "synthetic", "pairs"
PASSES = {
    GOLD_PART: ("first", "second"),
    SYNTHETIC_PART: ("written", "read"),
    PAIRS_PART: ("written", "read"),
    WILD_PART: WILD_PASSES,
}
"""The parts of the corpus, and for each the two annotation passes whose agreement is measured."""

SPLITS = ("train", "validation")
"""The splits of the synthetic part."""

SOURCES, PLAN, FIXED = "SOURCES.tsv", "PLAN.tsv", "FIXED.tsv"
_DOCUMENT_SUFFIXES = {".txt", ".ann"}


@dataclass(frozen=True, slots=True)
class SourceText:
    """The origin of a gold document: a row of SOURCES.tsv."""

    id: str
    original_file: str
    published_by: str
    sha256: str


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """The plan of a synthetic document: a row of PLAN.tsv."""

    id: str
    split: str
    event: str
    place: str
    page: str
    subject: str


@dataclass(frozen=True, slots=True)
class FixedPhrase:
    """A name, slogan or motto that documents may share: a row of FIXED.tsv."""

    phrase: str
    kind: str


@dataclass(frozen=True, slots=True)
class BratFolder:
    """A folder of brat files.

    `ids` are those of documents with both files. `texts` has every text, None if it cannot be read. `annotations` are
    the valid lines of each .ann file that can be read. `documents` are those whose files have no fault of format.
    """

    path: Path
    ids: tuple[str, ...]
    texts: dict[str, str | None]
    annotations: dict[str, tuple[Annotation, ...]]
    documents: tuple[Document, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class AnnotatedPart:
    """A part of the corpus: its settled annotations, and the passes over it by name."""

    name: str
    settled: BratFolder
    passes: dict[str, BratFolder]

    def folders(self) -> Iterator[BratFolder]:
        """Yield the settled annotations, then each pass."""
        yield self.settled
        yield from self.passes.values()


@dataclass(frozen=True, slots=True)
class Corpus:
    """The settled documents, sorted by id; `train` and `validation` are synthetic."""

    gold: tuple[Document, ...]
    train: tuple[Document, ...]
    validation: tuple[Document, ...]
    pairs: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Annotations:
    """The content of `annotations/`, with the faults that were found on reading it."""

    folder: Path
    gold: AnnotatedPart
    synthetic: AnnotatedPart
    pairs: AnnotatedPart
    wild: Wild
    sources: Table[SourceText]
    plan: Table[PlannedDocument]
    fixed: Table[FixedPhrase]

    def parts(self) -> tuple[AnnotatedPart, ...]:
        """Return the parts with texts, the gold first."""
        return self.gold, self.synthetic, self.pairs

    def corpus(self) -> Corpus:
        """Return the settled documents by split; raises DataError if a file that they need has a fault."""
        faults = [*(fault for part in self.parts() for fault in part.settled.faults), *self.plan.faults]
        if faults:
            raise DataError(sorted(faults))
        split = {planned.id: planned.split for planned in self.plan.rows}
        train, validation = (
            tuple(document for document in self.synthetic.settled.documents if split[document.id] == name)
            for name in SPLITS
        )
        pairs = tuple(passage for document in self.pairs.settled.documents for passage in split_passages(document))
        return Corpus(self.gold.settled.documents, train, validation, pairs)


def read_annotations(folder: Path) -> Annotations:
    """Read `annotations/`; raises DataError only if the folder of a part does not exist."""
    missing = [folder / part for part in PASSES if not (folder / part).is_dir()]
    if missing:
        remedy = "run from the project's root or name the annotations folder"
        raise DataError([Fault(str(path), "does not exist", remedy) for path in missing])
    return Annotations(
        folder=folder,
        gold=_read_part(folder, GOLD_PART),
        synthetic=_read_part(folder, SYNTHETIC_PART),
        pairs=_read_part(folder, PAIRS_PART),
        wild=read_wild(folder),
        sources=read_rows(folder / GOLD_PART / SOURCES, SourceText),
        plan=read_rows(folder / SYNTHETIC_PART / PLAN, PlannedDocument, check=_check_splits),
        fixed=read_rows(folder / SYNTHETIC_PART / FIXED, FixedPhrase, key="phrase"),
    )


def _read_part(folder: Path, name: str) -> AnnotatedPart:
    passes = sorted(path for path in (folder / "passes" / name).glob("*") if path.is_dir())
    return AnnotatedPart(
        name, _read_brat_folder(folder / name), {path.name: _read_brat_folder(path) for path in passes}
    )


def _read_brat_folder(path: Path) -> BratFolder:
    """Read every file of a folder once; what is wrong becomes a fault of the result."""
    ids, faults = folder_ids(path)
    faults += _stray_files(path)
    texts = {file.stem: _read(file, faults) for file in sorted(path.glob("*.txt"))}
    annotations: dict[str, tuple[Annotation, ...]] = {}
    documents: list[Document] = []
    for name in ids:
        text, file = texts[name], path / f"{name}.ann"
        content = None if text is None else _read(file, faults)
        if text is None or content is None:
            continue
        found, wrong = parse_annotations(str(file), content, text, tuple(ENTITY_TYPES))
        faults += wrong
        annotations[name] = tuple(found)
        if not wrong:
            documents.append(Document(name, text, tuple(annotation.span for annotation in found)))
    if not ids and not faults:
        faults.append(Fault(str(path), "has no documents", "add .txt and .ann files"))
    return BratFolder(path, tuple(ids), texts, annotations, tuple(documents), tuple(faults))


def _read(file: Path, faults: list[Fault]) -> str | None:
    """Read a file; if that fails, add the faults to the list and return None."""
    try:
        return read_text(file)
    except DataError as error:
        faults += error.faults
        return None


def _stray_files(folder: Path) -> Iterator[Fault]:
    """Find folders and files that reading would ignore; hidden ones are allowed."""
    for path in sorted(folder.iterdir()):
        ignored = path.is_dir() or path.suffix not in _DOCUMENT_SUFFIXES
        if ignored and path.name not in {SOURCES, PLAN, FIXED} and not path.name.startswith("."):
            yield Fault(str(path), "is not a document", "end its name in .txt or .ann, or move it away")


def _check_splits(path: Path, rows: list[list[str]]) -> Iterator[Fault]:
    for line, (_, split, *_) in enumerate(rows, start=2):
        if split not in SPLITS:
            yield Fault(str(path), f"has the split {split!r}", f"name one of {', '.join(SPLITS)}", line=line)

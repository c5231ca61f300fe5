"""The part `wild`: real texts of others, of which the project holds offsets, labels and hashes, never the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.corpus.tables import Table, read_rows
from thidua_ner.faults import DataError, Fault, some_of
from thidua_ner.formats.jsonl import read_standoff
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Span

WILD_PART = "wild"
WILD_SPLITS = ("validation", "test")
WILD_PASSES = ("first", "second")
WILD_SOURCES = "SOURCES.tsv"

_PLACE = re.compile(r"(?!/)(?!(?:[^:]*/)?\.\.(?:/|:|\Z))[^:]+(?::([1-9][0-9]{0,8})-([1-9][0-9]{0,8}))?")
"""A file inside a repository and, if only a part of it is meant, its first and last line."""

_SHA256 = re.compile(r"[0-9a-f]{64}")

Standoff = dict[str, tuple[Span, ...]]
"""The spans of documents by id."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the texts of a source are: a commit of a repository, and under what licence."""

    name: str
    repository: str
    commit: str
    licence: str
    annotation_licence: str
    """The licence of our offsets and labels of these texts."""
    column: str
    """The name of the leaderboard's column with these texts."""

    def has(self, document: str) -> bool:
        """Tell whether a document is of this source, by its id."""
        return document.startswith(f"{self.name}-")


ORIGINS = {
    origin.name: origin
    for origin in (
        Origin(
            "baomoi",
            "https://github.com/magizbox/scraper",
            "3387ada618569fd73517092f2215a89398d8f7ee",
            "the publishers'",
            "CC BY 4.0",
            "wild news",
        ),
        Origin(
            "ntrex",
            "https://github.com/MicrosoftTranslator/NTREX",
            "8561f6a622db9edad1217683e5c83daefd8bb2bf",
            "CC BY-SA 4.0",
            "CC BY-SA 4.0",
            "wild world",
        ),
    )
}
"""The sources of the texts, by name."""


@dataclass(frozen=True, slots=True)
class WildText:
    """Where a text is and what it is: a row of SOURCES.tsv.

    `place` is a file of the source's repository and, for a part of it, its lines: `FILE:FIRST-LAST`, from 1. The
    hash is of the text in UTF-8; that of lines has a line feed after each.
    """

    id: str
    source: str
    place: str
    split: str
    sha256: str

    @property
    def file(self) -> Path:
        """The file of the source's repository."""
        return Path(self.place.partition(":")[0])

    @property
    def lines(self) -> tuple[int, int] | None:
        """The first and the last line of the text in its file, from 1; None if it is the whole file."""
        _, part, lines = self.place.partition(":")
        first, _, last = lines.partition("-")
        return (int(first), int(last)) if part else None


@dataclass(frozen=True, slots=True)
class Wild:
    """The part `wild`: its texts, the settled spans by split, those of each pass, and the faults of their files."""

    folder: Path
    sources: Table[WildText]
    splits: dict[str, Standoff]
    passes: dict[str, Standoff]
    faults: tuple[Fault, ...]

    def rows(self, split: str) -> list[WildText]:
        """List the texts of a split."""
        return [row for row in self.sources.rows if row.split == split]


def read_wild(annotations: Path) -> Wild:
    """Read the part `wild` of `annotations/`; what is wrong becomes a fault of the result."""
    folder = annotations / WILD_PART
    faults: list[Fault] = []
    splits = {split: _read(folder / f"{split}.jsonl", faults) for split in WILD_SPLITS}
    passes = {name: _read(annotations / "passes" / WILD_PART / f"{name}.jsonl", faults) for name in WILD_PASSES}
    sources = read_rows(folder / WILD_SOURCES, WildText, check=_check_rows)
    faults += sources.faults
    found = Wild(folder, sources, splits, passes, ())
    if not faults:
        faults += _check_ids(found, annotations)
    return Wild(folder, sources, splits, passes, tuple(faults))


def _read(path: Path, faults: list[Fault]) -> Standoff:
    try:
        return read_standoff(path, tuple(ENTITY_TYPES))
    except DataError as error:
        faults += error.faults
        return {}


def _check_rows(path: Path, rows: list[list[str]]) -> Iterator[Fault]:
    """Find rows of SOURCES.tsv with an unknown source or split, or an id, a place or a hash of a wrong form."""
    for line, (name, source, place, split, sha256) in enumerate(rows, start=2):
        if source not in ORIGINS:
            yield Fault(str(path), f"has the source {source!r}", f"name one of {', '.join(ORIGINS)}", line=line)
        elif not ORIGINS[source].has(name):  # by which the scores of the sources are told apart
            yield Fault(str(path), f"has the id {name!r}", f"begin it with the source: {source}-…", line=line)
        if split not in WILD_SPLITS:
            yield Fault(str(path), f"has the split {split!r}", f"name one of {', '.join(WILD_SPLITS)}", line=line)
        found = _PLACE.fullmatch(place)
        if found is None or (found[1] and int(found[1]) > int(found[2])):
            yield Fault(str(path), f"has the place {place!r}", "write FILE, or FILE:FIRST-LAST", line=line)
        if not _SHA256.fullmatch(sha256):
            yield Fault(str(path), f"has the SHA-256 {sha256!r}", "write 64 hexadecimal digits", line=line)


def _check_ids(wild: Wild, annotations: Path) -> Iterator[Fault]:
    """Find files of spans that do not have exactly the documents of SOURCES.tsv."""
    every = {row.id for row in wild.sources.rows}
    files = {
        wild.folder / f"{split}.jsonl": ({row.id for row in wild.rows(split)}, wild.splits[split])
        for split in WILD_SPLITS
    }
    files |= {annotations / "passes" / WILD_PART / f"{name}.jsonl": (every, wild.passes[name]) for name in WILD_PASSES}
    for path, (wanted, found) in files.items():
        if missing := sorted(wanted - set(found)):
            yield Fault(str(path), f"lacks {some_of(missing)}", f"annotate them, or correct {WILD_SOURCES}")
        if unknown := sorted(set(found) - wanted):
            yield Fault(str(path), f"has {some_of(unknown)}, which {WILD_SOURCES} has not", "delete the records")

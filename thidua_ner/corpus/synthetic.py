"""The synthetic part of the corpus: its plan, and that its texts copy neither the gold nor each other."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import regex

from thidua_ner.faults import DataError, Fault
from thidua_ner.files import read_table
from thidua_ner.text.spans import Document

PLAN, FIXED = "PLAN.tsv", "FIXED.tsv"
SPLITS = ("train", "validation")
LONGEST_SHARED_RUN = 9
"""How many syllables in a row two documents may share; a fixed phrase counts as one."""

_SYLLABLE = regex.compile(r"[\p{L}\p{M}\p{N}]+")


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """What a document was to be: a row of PLAN.tsv."""

    id: str
    split: str
    event: str
    place: str
    page: str
    subject: str


class Syllable(NamedTuple):
    """A syllable or number, lower case, or a whole fixed phrase; `start` is its offset in the text."""

    text: str
    start: int


def read_plan(folder: Path) -> list[PlannedDocument]:
    """Read PLAN.tsv; DataError names the line of a malformed or repeated row."""
    rows = read_table(folder / PLAN, tuple(PlannedDocument.__dataclass_fields__))
    wrong = [
        Fault(str(folder / PLAN), f"has the split {row[1]!r}", f"name one of {', '.join(SPLITS)}", line=line)
        for line, row in enumerate(rows, start=2)
        if row[1] not in SPLITS
    ]
    if wrong:
        raise DataError(wrong)
    return [PlannedDocument(*row) for row in rows]


def check_plan(folder: Path) -> Iterator[Fault]:
    """Compare PLAN.tsv with the texts that stand beside it."""
    try:
        planned = {document.id for document in read_plan(folder)}
    except DataError as error:
        yield from error.faults
        return
    names = {text.stem for text in folder.glob("*.txt")}
    for name in sorted(names - planned):
        yield Fault(str(folder / PLAN), f"has no row for {name}", "add its split, event, place, page and subject")
    for name in sorted(planned - names):
        yield Fault(str(folder / PLAN), f"names {name}, which has no text here", "add the text or delete the row")


def check_copies(folder: Path, documents: Sequence[Document], gold: Sequence[Document]) -> Iterator[Fault]:
    """Find the runs of syllables, too long for chance, that a synthetic document shares with any other one."""
    try:
        phrases = [phrase for phrase, _ in read_table(folder / FIXED, ("phrase", "kind"))]
    except DataError as error:
        yield from error.faults
        return
    own = {document.id for document in documents}  # the gold is as it was found
    for document, other, offset, run in shared_runs([*gold, *documents], phrases):
        if document.id not in own:
            continue
        line = document.text.count("\n", 0, offset) + 1
        what = f"shares {run!r} with {other.id}"
        remedy = f"write it otherwise; only a fixed name, slogan or motto may go into {FIXED}"
        yield Fault(str(folder / f"{document.id}.txt"), what, remedy, line=line)


def shared_runs(documents: Sequence[Document], fixed: Iterable[str]) -> Iterator[tuple[Document, Document, int, str]]:
    """Yield each run that a document shares with an earlier one: both documents, its offset in the first, the run."""
    phrases = sorted((tuple(s.text for s in _syllables(phrase)) for phrase in fixed), key=len, reverse=True)
    length = LONGEST_SHARED_RUN + 1
    seen: dict[tuple[str, ...], Document] = {}
    for document in documents:
        found = list(_join_phrases(_syllables(document.text), [phrase for phrase in phrases if phrase]))
        own = [tuple(s.text for s in found[first : first + length]) for first in range(len(found) - length + 1)]
        first = 0
        while first < len(own):
            other = seen.get(own[first])
            if other is None:
                first += 1
                continue
            last = first
            while last + 1 < len(own) and seen.get(own[last + 1]) is other:
                last += 1
            run = " ".join(s.text for s in found[first : last + length])
            yield document, other, found[first].start, run
            first = last + length
        for run_of_syllables in own:
            seen.setdefault(run_of_syllables, document)


def _syllables(text: str) -> list[Syllable]:
    """Cut a text into syllables and numbers, composed and lower case; punctuation is passed over."""
    return [
        Syllable(unicodedata.normalize("NFC", match.group()).lower(), match.start())
        for match in _SYLLABLE.finditer(text)
    ]


def _join_phrases(found: Sequence[Syllable], phrases: Sequence[tuple[str, ...]]) -> Iterator[Syllable]:
    """Put one syllable in the place of each fixed phrase, the longest first."""
    starting: dict[str, list[tuple[str, ...]]] = {}
    for phrase in phrases:
        starting.setdefault(phrase[0], []).append(phrase)
    place = 0
    while place < len(found):
        here = found[place]
        phrase = next(
            (
                phrase
                for phrase in starting.get(here.text, ())
                if tuple(s.text for s in found[place : place + len(phrase)]) == phrase
            ),
            (here.text,),
        )
        yield Syllable(" ".join(phrase), here.start)
        place += len(phrase)

"""Check that the synthetic texts and the minimal pairs copy neither the gold nor each other."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import regex

from thidua_ner.corpus.annotations import FIXED, Annotations
from thidua_ner.corpus.pairs import join_texts
from thidua_ner.faults import Fault
from thidua_ner.scoring.pairs import phenomenon_of
from thidua_ner.text.characters import compose
from thidua_ner.text.spans import Document

LONGEST_SHARED_RUN = 9
"""How many consecutive syllables two documents may share; a fixed phrase counts as one."""

_SYLLABLE = regex.compile(r"[\p{L}\p{M}\p{N}]+")


class Syllable(NamedTuple):
    """A syllable or number in lower case, or a whole fixed phrase; `start` is its offset in the text."""

    text: str
    start: int


def find_copies(annotations: Annotations) -> Iterator[Fault]:
    """Find the runs of syllables, too long for chance, that a synthetic document or a pair shares with another one."""
    folder = annotations.synthetic.settled
    own = {document.id for document in folder.documents}
    pairs = {pair.id: pair for document in annotations.pairs.settled.documents for pair in join_texts(document)}
    phrases = [fixed.phrase for fixed in annotations.fixed.rows]
    # a gold document is as it was published: only a synthetic one can be rewritten
    documents = [*annotations.gold.settled.documents, *folder.documents, *pairs.values()]
    for document, other, offset, run in shared_runs(documents, phrases):
        if document.id in pairs:
            path = annotations.pairs.settled.path / f"{phenomenon_of(document.id)}.txt"
            yield Fault(str(path), f"{document.id} shares {run!r} with {other.id}", "write it differently")
        if document.id in own:
            line = document.text.count("\n", 0, offset) + 1
            remedy = f"write it differently; only a fixed name, slogan or motto may be added to {FIXED}"
            yield Fault(str(folder.path / f"{document.id}.txt"), f"shares {run!r} with {other.id}", remedy, line=line)


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
    """Split a text into syllables and numbers, composed (NFC) and in lower case; punctuation is skipped."""
    return [Syllable(compose(match.group()).lower(), match.start()) for match in _SYLLABLE.finditer(text)]


def _join_phrases(found: Sequence[Syllable], phrases: Sequence[tuple[str, ...]]) -> Iterator[Syllable]:
    """Join each fixed phrase into one syllable, given the phrases from the longest to the shortest."""
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

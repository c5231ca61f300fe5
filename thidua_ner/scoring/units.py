"""Predictions whose offsets count UTF-16 units or bytes, as other languages than Python do, instead of characters."""

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from thidua_ner.text.spans import Document, Triple

_WIDTHS: dict[str, Callable[[str], int]] = {
    "UTF-16 units": lambda character: 1 + (character > "\uffff"),
    "bytes": lambda character: len(character.encode("utf-8", "surrogatepass")),
}
"""How many units a character has."""

_FEWEST = 3
"""Fewer predictions than these may become correct by chance."""


def unit_notes(gold: Sequence[Document], predicted: Sequence[Document]) -> Iterator[str]:
    """Say in which units offsets would make many more predictions correct than characters do, if there are such.

    A few are by chance: at least 3 must be gained, and half of those that other units would move.
    """
    pairs = [pair for pair in zip(gold, predicted, strict=True) if not pair[1].triples() <= pair[0].triples()]
    as_they_are = sum(len(known.triples() & found.triples()) for known, found in pairs)
    for units, width in _WIDTHS.items():
        again = sum(len(known.triples() & _in_characters(found, width)) for known, found in pairs)
        moved = sum(_count_moved(found, width) for _, found in pairs)
        if again - as_they_are >= max(_FEWEST, moved / 2):
            gained = f"{again} instead of {as_they_are} of these predictions would be correct"
            yield f"the offsets look like {units}, not characters: read so, {gained}; convert them"


def _count_moved(document: Document, width: Callable[[str], int]) -> int:
    """Count the spans that end after the first character that is wider than one unit."""
    wide = next((place for place, character in enumerate(document.text) if width(character) > 1), len(document.text))
    return sum(end > wide for _, end, _ in document.triples())


def _in_characters(document: Document, width: Callable[[str], int]) -> frozenset[Triple]:
    """Read the offsets of spans in other units; spans that begin or end inside a character are left out."""
    units = accumulate(map(width, document.text), initial=0)
    character = {unit: place for place, unit in enumerate(units)}
    found = ((character.get(start), character.get(end), label) for start, end, label in document.triples())
    return frozenset((start, end, label) for start, end, label in found if start is not None and end is not None)

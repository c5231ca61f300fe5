"""Texts in encodings that no model can read: counted where they are tagged, told once at the end."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from thidua_ner.faults import tell
from thidua_ner.formats.texts import Record
from thidua_ner.text.encodings import recognise_legacy_encoding
from thidua_ner.text.spans import Document


@dataclass(frozen=True, slots=True)
class EncodingCount:
    """How many texts are in an encoding, and the id of the first."""

    encoding: str
    texts: int
    first: str


def count_encodings(records: Iterable[Record]) -> tuple[EncodingCount, ...]:
    """Count the texts in each encoding from before Unicode."""
    return sum_counts(
        EncodingCount(encoding, 1, record.id)
        for record in records
        if isinstance(record, Document) and (encoding := recognise_legacy_encoding(record.text))
    )


def sum_counts(counts: Iterable[EncodingCount]) -> tuple[EncodingCount, ...]:
    """Add up the counts of each encoding; the first text is that of its first count."""
    total: dict[str, EncodingCount] = {}
    for one in counts:
        before = total.get(one.encoding)
        total[one.encoding] = replace(before, texts=before.texts + one.texts) if before else one
    return tuple(total.values())


def tell_encodings(counts: Iterable[EncodingCount]) -> None:
    """Tell on the standard error which texts no model can read, once for each encoding."""
    for one in sum_counts(counts):
        what = f"{one.texts:,} text{'s' if one.texts > 1 else ''} in {one.encoding} (first: {one.first})"
        tell("tag", f"{what}, where no word is recognised; convert to Unicode and tag again")

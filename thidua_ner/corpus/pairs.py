"""The part `pairs`: a brat document per phenomenon, a passage per line, each two lines the halves of a minimal pair."""

from collections.abc import Iterator
from dataclasses import dataclass

from thidua_ner.faults import Fault
from thidua_ner.scoring.pairs import HALVES, pair_of, passage_id
from thidua_ner.text.spans import Document, Span


@dataclass(frozen=True, slots=True)
class Passage:
    """Half of a minimal pair, whose document is one line; `pair` counts from 1 in its phenomenon."""

    phenomenon: str
    pair: int
    half: str
    document: Document


def split_passages(document: Document) -> Iterator[Passage]:
    """Split the document of a phenomenon into its passages; raises ValueError if a span crosses a line break."""
    start = 0
    for number, line in enumerate(document.text.removesuffix("\n").split("\n")):
        end = start + len(line)
        spans = (Span(s.start - start, s.end - start, s.label) for s in document.spans if start <= s.start <= end)
        pair, half = number // 2 + 1, HALVES[number % 2]
        name = passage_id(document.id, pair, half)
        yield Passage(document.id, pair, half, Document(name, line, tuple(spans)))
        start = end + 1


def join_texts(document: Document) -> Iterator[Document]:
    """Join the halves of each pair of a phenomenon into one text, by the id of the pair."""
    passages = list(split_passages(document))
    for first, second in zip(passages[::2], passages[1::2], strict=False):
        yield Document(pair_of(first.document.id), f"{first.document.text}\n{second.document.text}")


def check_pairs(path: str, document: Document) -> Iterator[Fault]:
    """Find what is wrong with the lines of a phenomenon: empty ones, half a pair, or halves that do not differ."""
    if any("\n" in document.surface(span) for span in document.spans):
        return  # which is a fault of the span
    passages = list(split_passages(document))
    if len(passages) % 2:
        yield Fault(path, "has an odd number of lines", "write both halves of each pair", line=len(passages))
    for line, passage in enumerate(passages, start=1):
        if not passage.document.text.strip():
            yield Fault(path, "is an empty line", "write a passage", line=line)
    for first, second in zip(passages[::2], passages[1::2], strict=False):
        same_text = first.document.text == second.document.text
        if same_text or _entities(first.document) == _entities(second.document):
            what = f"pair {first.pair} has the same {'text' if same_text else 'entities'} in both halves"
            yield Fault(path, what, "make them differ", line=2 * first.pair)


def _entities(document: Document) -> list[tuple[str, str]]:
    return [(document.surface(span), span.label) for span in document.spans]

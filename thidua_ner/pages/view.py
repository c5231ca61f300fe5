"""Documents as HTML: gold and predicted spans on the same text, each kind of error recognisable without colour."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thidua_ner.files import write_text
from thidua_ner.scoring.pairing import KINDS, Pair, pair_spans
from thidua_ner.text.characters import replace_surrogates
from thidua_ner.text.labels import label_order
from thidua_ner.text.spans import Document, Span

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES = Path(__file__).parent / "templates"
COLOURS = 8
"""Colours that labels take in turn (after Okabe and Ito 2008, which colour-blind people can distinguish)."""

FOUND = "found"
"""The kind of a span that is not compared with gold."""

_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: "\u2421"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text that the same spans cover."""

    text: str
    gold: Span | None
    predicted: Span | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Spans that overlap one another, in pieces, with their pairing; `judged` is true if there is a gold."""

    pieces: tuple[Piece, ...]
    pairs: tuple[Pair, ...]
    judged: bool

    @property
    def kinds(self) -> list[str]:
        """The kinds of the pairs."""
        return [pair.kind for pair in self.pairs] if self.judged else [FOUND]

    @property
    def kind(self) -> str:
        """The worst of the kinds, in the order of `KINDS`."""
        return max(self.kinds, key=lambda kind: KINDS.index(kind) if kind in KINDS else 0)

    @property
    def labels(self) -> list[str]:
        """The labels of the spans, each once."""
        return list(dict.fromkeys(span.label for pair in self.pairs for span in pair if span))

    @property
    def badge(self) -> str:
        """The pairs in a few characters: −missed, +spurious, gold≠predicted, ↔ for a wrong boundary."""
        return " ".join(_badge(pair) if self.judged else self.labels[0] for pair in self.pairs)

    def describe(self, document: Document) -> str:
        """Describe the pairs in words."""
        return "; ".join(_describe(pair, document) if self.judged else self.labels[0] for pair in self.pairs)


def _badge(pair: Pair) -> str:
    gold, predicted = (span.label if span else "" for span in pair)
    signs = {
        "correct": gold,
        "missed": f"−{gold}",
        "spurious": f"+{predicted}",
        "wrong type": f"{gold}≠{predicted}",
        "wrong boundary": f"{gold}↔",
        "wrong both": f"{gold}≠{predicted}↔",
    }
    return signs[pair.kind]


def _describe(pair: Pair, document: Document) -> str:
    """Describe the gold and the predicted span of a pair."""
    sides = [
        f"{side} {span.label} “{document.surface(span)}”" + (f" ({span.score:.2f})" if span.score is not None else "")
        for side, span in zip(("gold", "predicted"), pair, strict=True)
        if span
    ]
    return f"{pair.kind}: {', '.join(dict.fromkeys(sides))}"


def cut_into_marks(document: Document, predicted: Document | None = None) -> Iterator[str | Mark]:
    """Cut a text into plain strings and marks; with `predicted`, the document's own spans are the gold."""
    judged = predicted is not None
    pairs = pair_spans(document.spans, predicted.spans) if predicted else [Pair(None, s) for s in document.spans]
    at = 0
    for own in _clusters(pairs):
        start, end = own[0].start, max(pair.end for pair in own)
        if at < start:
            yield document.text[at:start]
        yield Mark(tuple(_pieces(document, own)), tuple(own), judged)
        at = end
    if at < len(document.text):
        yield document.text[at:]


def _clusters(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Group pairs that overlap; pairs and clusters are in the order of the text."""
    clusters: list[list[Pair]] = []
    end = 0
    for pair in pairs:
        if clusters and pair.start < end:
            clusters[-1].append(pair)
        else:
            clusters.append([pair])
        end = max(end, pair.end)
    return clusters


def _pieces(document: Document, pairs: Sequence[Pair]) -> Iterator[Piece]:
    """Cut a cluster at the boundaries of its spans."""
    sides = [[span for span in side if span] for side in zip(*pairs, strict=True)]
    cuts = sorted({offset for side in sides for span in side for offset in (span.start, span.end)})
    for left, right in pairwise(cuts):
        over = (next((span for span in side if span.start <= left < span.end), None) for side in sides)
        yield Piece(document.text[left:right], *over)


def label_colours(labels: Sequence[str]) -> dict[str, int]:
    """Map each label to the number of its colour, from 0 to `COLOURS` - 1."""
    return {label: place % COLOURS for place, label in enumerate(sorted(set(labels), key=label_order))}


def page_environment() -> "Environment":
    """Make the environment of the page templates, which escapes all values."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals["view"] = cut_into_marks
    return made


def write_page(path: Path, template: "Template", values: dict[str, Any]) -> None:
    """Write a page; control characters, which HTML cannot hold, become their visible symbols (U+2400 to U+2421)."""
    page = template.render(values).translate(_CONTROLS)
    write_text(path, replace_surrogates(page))  # a path may hold lone surrogates

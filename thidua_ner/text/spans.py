"""Spans and documents: half-open character offsets into a text that never changes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from thidua_ner.text.syllables import Sentence, Token, split_sentences

Triple = tuple[int, int, str]
"""The start, end and label of a span."""


def is_label(value: object) -> bool:
    """Tell whether a value can be a label: a word without white space, or hyphens at its ends, which tags use."""
    return isinstance(value, str) and bool(value) and value == "".join(value.split()) == value.strip("-")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled stretch `text[start:end]`; `score` is a system's confidence and takes no part in equality."""

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.label} {self.start}-{self.end}"

    @property
    def triple(self) -> Triple:
        """The start, the end and the label: what makes the span what it is."""
        return self.start, self.end, self.label

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, not {self.start} and {self.end}")
        if not is_label(self.label):
            raise ValueError(f"a label is a word without white space or hyphens at its ends, not {self.label!r}")


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its spans, sorted, flat and inside the text.

    `given` holds the sentences and tokens of a source that is tokenized already; it is empty where rules find them.
    """

    id: str
    text: str
    spans: tuple[Span, ...] = ()
    given: tuple[Sentence, ...] = field(default=(), compare=False)
    _triples: frozenset[Triple] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(sorted(self.spans)))
        for left, right in pairwise(self.spans):
            if right.start < left.end:
                raise ValueError(f"the spans {left} and {right} overlap")
        if self.spans and self.spans[-1].end > len(self.text):
            raise ValueError(f"{self.spans[-1]} ends outside the text of {len(self.text)} characters")

    def surface(self, span: Span) -> str:
        """Return the characters that `span` selects."""
        return self.text[span.start : span.end]

    def triples(self) -> frozenset[Triple]:
        """Return start, end and label of each span; tuples are compared many times as fast as spans."""
        if self._triples is None:
            object.__setattr__(self, "_triples", frozenset([(s.start, s.end, s.label) for s in self.spans]))
        return self._triples or frozenset()

    def with_spans(self, spans: tuple[Span, ...]) -> "Document":
        """Return the same text with other spans."""
        return replace(self, spans=spans)

    def sentences(self) -> tuple[Sentence, ...]:
        """Return the sentences of the source, or those that rules find."""
        return self.given or split_sentences(self.text)

    @property
    def text_sha256(self) -> str:
        """The SHA-256 of the text in UTF-8: the identity of a document across formats."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def as_document(text: str | Document) -> Document:
    """Make a document of a plain text."""
    return Document("", text) if isinstance(text, str) else text


def document_of_tokens(tokens: Iterable[str], name: str = "") -> Document:
    """Make a document of one sentence from its tokens, joined with single spaces; no tokens give an empty text."""
    placed: list[Token] = []
    at = 0
    for token in tokens:
        placed.append(Token(token, at, at + len(token)))
        at += len(token) + 1
    given = (Sentence(0, at - 1, tuple(placed)),) if placed else ()
    return Document(name, " ".join(token.text for token in placed), (), given)


def fingerprint(documents: Sequence[Document]) -> str:
    """Hash the ids, texts and spans of documents, in any order (SHA-256, hexadecimal)."""
    parts = sorted(repr((d.id, d.text_sha256, [(s.start, s.end, s.label) for s in d.spans])) for d in documents)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

"""Documents and their labelled spans; offsets count characters (Unicode code points) and are half-open."""

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from thidua_ner.text.syllables import Sentence, Token, split_sentences

Triple = tuple[int, int, str]
"""The start, end and label of a span."""

_MAX_LABEL = 100


def is_label(value: object) -> bool:
    """Tell whether a value can be a label: a word of up to 100 characters that are seen, without hyphens at its ends.

    IOB2 tags use hyphens as separators.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_LABEL:
        return False
    return value.isprintable() and value == "".join(value.split()) == value.strip("-")


def is_allowed(label: object, types: Collection[str] | None) -> bool:
    """Tell whether a value is a label and, unless `types` is None, one of them."""
    return is_label(label) and (types is None or label in types)


def label_remedy(types: Collection[str] | None) -> str:
    """Say which labels may be used: those of `types`, or any word if it is None."""
    return f"use one of {', '.join(types)}" if types else "give a word without white space or hyphens at its ends"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled part `text[start:end]` of a text; equality ignores `score`, a system's confidence."""

    start: int
    end: int
    label: str
    score: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.label} {self.start}-{self.end}"

    @property
    def triple(self) -> Triple:
        """The start, the end and the label, which identify the span."""
        return self.start, self.end, self.label

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, not {self.start} and {self.end}")
        if not is_label(self.label):
            raise ValueError(f"a label is a word without white space or hyphens at its ends, not {self.label!r}")


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sort the spans of a text; raises ValueError if two overlap."""
    ordered = tuple(sorted(spans))
    for left, right in pairwise(ordered):
        if right.start < left.end:
            raise ValueError(f"the spans {left} and {right} overlap")
    return ordered


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its spans, which are sorted, do not overlap and lie inside the text; ValueError if they do not.

    `given` holds the sentences and tokens of a source that is already tokenized; if it is empty, rules find them.
    """

    id: str
    text: str
    spans: tuple[Span, ...] = ()
    given: tuple[Sentence, ...] = field(default=(), compare=False)
    _triples: frozenset[Triple] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", in_order(self.spans))
        if self.spans and self.spans[-1].end > len(self.text):
            raise ValueError(f"{self.spans[-1]} ends outside the text of {len(self.text)} characters")

    def surface(self, span: Span) -> str:
        """Return the characters of a span."""
        return self.text[span.start : span.end]

    def triples(self) -> frozenset[Triple]:
        """Return the start, end and label of each span; sets of tuples compare much faster than sets of spans."""
        if self._triples is None:
            object.__setattr__(self, "_triples", frozenset([(s.start, s.end, s.label) for s in self.spans]))
        return self._triples or frozenset()

    def with_spans(self, spans: tuple[Span, ...]) -> "Document":
        """Return the same text with other spans."""
        return replace(self, spans=spans)

    def sentences(self) -> tuple[Sentence, ...]:
        """Return the sentences that models read: those that the source gave, or that the rules of `syllables.py` find.

        A token of the source that holds white space is cut there, as the rules would: taggers read texts that way.
        """
        return tuple(map(_cut_at_spaces, self.given)) if self.given else split_sentences(self.text)

    @property
    def text_sha256(self) -> str:
        """The SHA-256 of the text in UTF-8 (hexadecimal), which identifies a document across formats."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


def _cut_at_spaces(sentence: Sentence) -> Sentence:
    """Cut the tokens of a sentence at inner white space; the usual one, without any, is returned as it is.

    White space at the edges of a token stays with its first and its last piece: a span may begin or end there.
    """
    if all(token.text.split() == [token.text] for token in sentence.tokens):
        return sentence
    pieces = (
        Token(piece[0], token.start + piece.start(), token.start + piece.end())
        for token in sentence.tokens
        for piece in re.finditer(r"\A\s*\S+(?:\s+\Z)?|\S+(?:\s+\Z)?|\A\s+\Z", token.text)
    )
    return Sentence(sentence.start, sentence.end, tuple(pieces))


def as_document(text: str | Document) -> Document:
    """Wrap a plain text in a document with an empty id; return a document as it is."""
    return Document("", text) if isinstance(text, str) else text


def document_of_tokens(tokens: Iterable[str], name: str = "") -> Document:
    """Make a document of one sentence by joining its tokens with single spaces; no tokens give an empty text."""
    placed: list[Token] = []
    at = 0
    for token in tokens:
        placed.append(Token(token, at, at + len(token)))
        at += len(token) + 1
    given = (Sentence(0, at - 1, tuple(placed)),) if placed else ()
    return Document(name, " ".join(token.text for token in placed), (), given)


def fingerprint(documents: Sequence[Document]) -> str:
    """Hash the ids, texts and spans of documents, whatever their order (SHA-256, hexadecimal)."""
    parts = sorted(repr((d.id, d.text_sha256, [(s.start, s.end, s.label) for s in d.spans])) for d in documents)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

"""How often each rule of the guidelines occurs in annotated documents, marked and left unmarked.

The patterns find places that a rule speaks of; they count, and never mark.
"""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from thidua_ner.text.spans import Document

LEAST = 10
"""How often each case must occur in the synthetic corpus."""


class Case(NamedTuple):
    """One side of a rule, with the pattern that finds it.

    `rule` is a ruling's number or an entity type. A pattern for what is `marked` reads the text with each span written
    `⟦surface⟧LABEL`; one for what is `left` unmarked reads it with each span reduced to `⟦LABEL⟧`.
    """

    rule: str
    side: str
    what: str
    pattern: re.Pattern[str]


class Count(NamedTuple):
    """How often a case occurs, and in how many documents."""

    case: Case
    occurrences: int
    documents: int


@cache
def cases() -> tuple[Case, ...]:
    """Read the cases, in the order of the guidelines."""
    table = files("thidua_ner.corpus").joinpath("coverage.tsv").read_text(encoding="utf-8")
    rows = csv.reader(table.splitlines()[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    return tuple(Case(rule, side, what, re.compile(pattern)) for rule, side, what, pattern in rows)


def coverage(documents: Sequence[Document]) -> list[Count]:
    """Count every case in the documents."""
    texts = {"marked": [_marked(d) for d in documents], "left": [_left(d) for d in documents]}
    return [_count(case, texts[case.side]) for case in cases()]


def _count(case: Case, texts: Iterable[str]) -> Count:
    """Count a case, in all and by document."""
    found = [sum(1 for _ in case.pattern.finditer(text)) for text in texts]
    return Count(case, sum(found), sum(map(bool, found)))


def _marked(document: Document) -> str:
    """Write a text with its spans as `⟦surface⟧LABEL`."""
    return _with_spans(document, lambda surface, label: f"⟦{surface}⟧{label}")


def _left(document: Document) -> str:
    """Write a text with its spans as `⟦LABEL⟧`."""
    return _with_spans(document, lambda _, label: f"⟦{label}⟧")


def _with_spans(document: Document, write: Callable[[str, str], str]) -> str:
    """Write a text with something else in the place of each span."""
    parts, end = [], 0
    for span in document.spans:
        parts += [document.text[end : span.start], write(document.surface(span), span.label)]
        end = span.end
    return "".join([*parts, document.text[end:]])

"""Count how often each rule of the guidelines occurs in annotated documents, in marked and in unmarked text.

The patterns find the places to which a rule applies; they only count, and never mark a span.
"""

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from thidua_ner.corpus.annotations import SYNTHETIC_PART
from thidua_ner.corpus.checks import read_checked_annotations
from thidua_ner.faults import Fault
from thidua_ner.text.spans import Document

LEAST = 10
"""How often each case must occur in the synthetic part."""


class Case(NamedTuple):
    """One side of a rule, with the pattern that finds it.

    `rule` is a ruling's number or an entity type. The pattern of a `marked` case is for the text with each span written
    `⟦surface⟧LABEL`, that of an unmarked case (`left`) for the text with each span replaced by `⟦LABEL⟧`.
    """

    rule: str
    side: str
    what: str
    pattern: re.Pattern[str]


class CaseCount(NamedTuple):
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


def measure_coverage(annotations: Path) -> list[CaseCount]:
    """Count every case in the synthetic part of an annotations folder; raises DataError if a rule of form is broken."""
    corpus = read_checked_annotations(annotations).corpus()
    return count_coverage([*corpus.train, *corpus.validation])


def count_coverage(documents: Sequence[Document]) -> list[CaseCount]:
    """Count every case in the documents."""
    texts = {"marked": [_marked(d) for d in documents], "left": [_left(d) for d in documents]}
    return [_count(case, texts[case.side]) for case in cases()]


def format_coverage(counts: Iterable[CaseCount]) -> str:
    """Tabulate the cases with their counts."""
    from tabulate import tabulate

    rows = [[count.case.rule, count.case.side, count.case.what, count.occurrences, count.documents] for count in counts]
    return tabulate(rows, headers=["rule", "side", "case", "occurrences", "documents"])


def rare_cases(annotations: Path, counts: Iterable[CaseCount]) -> list[Fault]:
    """Find the cases that occur less often than they must; `annotations` is the folder that the faults name."""
    return [
        Fault(
            str(annotations / SYNTHETIC_PART),
            f"has fewer than {LEAST} of {count.case.rule}: {count.case.what}",
            "add documents that have it",
        )
        for count in counts
        if count.occurrences < LEAST
    ]


def _count(case: Case, texts: Iterable[str]) -> CaseCount:
    found = [sum(1 for _ in case.pattern.finditer(text)) for text in texts]
    return CaseCount(case, sum(found), sum(map(bool, found)))


def _marked(document: Document) -> str:
    """Write each span of a text as `⟦surface⟧LABEL`."""
    return _with_spans(document, lambda surface, label: f"⟦{surface}⟧{label}")


def _left(document: Document) -> str:
    """Write each span of a text as `⟦LABEL⟧`."""
    return _with_spans(document, lambda _, label: f"⟦{label}⟧")


def _with_spans(document: Document, write: Callable[[str, str], str]) -> str:
    """Replace each span of a text by what `write` makes of its surface and label."""
    parts, end = [], 0
    for span in document.spans:
        parts += [document.text[end : span.start], write(document.surface(span), span.label)]
        end = span.end
    return "".join([*parts, document.text[end:]])

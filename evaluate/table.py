"""Scores as a table for people."""

from typing import Any

from tabulate import SEPARATING_LINE, tabulate

MOST_DOCUMENTS = 25
"""More rows than these are left to scores.json."""

_FIGURES = ("precision", "recall", "f1")


def score_table(scores: dict[str, Any]) -> str:
    """Tabulate a score record in percent: labels, averages, then documents where they are few."""
    averages = {name: scores[name] for name in ("micro", "macro", "weighted")}
    documents = scores["per_document"] if len(scores["per_document"]) <= MOST_DOCUMENTS else {}
    blocks = [_rows(group) for group in (scores["per_type"], averages, documents) if group]
    body = [row for block in blocks for row in (SEPARATING_LINE, *block)][1:]
    headers = ["", "precision", "recall", "F1", "entities"]
    align = ("left", "right", "right", "right", "right")
    return tabulate(body, headers=headers, colalign=align, disable_numparse=True)


def _rows(group: dict[str, dict[str, float]]) -> list[list[object]]:
    return [[name, *(f"{100 * row[f]:.2f}" for f in _FIGURES), row["support"]] for name, row in group.items()]

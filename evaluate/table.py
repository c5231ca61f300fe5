"""Scores as a table for people."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from tabulate import SEPARATING_LINE, tabulate

from thidua_ner.breakdown import SEEN
from thidua_ner.muc import OUTCOMES

MOST_ROWS = 25
"""Of more documents than these the scores are left to scores.json."""

_FIGURES = ("precision", "recall", "f1")


def score_table(scores: dict[str, Any]) -> str:
    """Tabulate a score record in percent: labels, averages, then documents where they are few."""
    averages = {name: scores[name] for name in ("micro", "macro", "weighted")}
    documents = scores["per_document"] if len(scores["per_document"]) <= MOST_ROWS else {}
    blocks = [_rows(group) for group in (scores["per_type"], averages, documents) if group]
    body = [row for block in blocks for row in (SEPARATING_LINE, *block)][1:]
    headers = ["", "precision", "recall", "F1", "entities"]
    align = ("left", "right", "right", "right", "right")
    return tabulate(body, headers=headers, colalign=align, disable_numparse=True)


def _rows(group: dict[str, dict[str, float]]) -> list[list[object]]:
    return [[name, *(f"{100 * row[f]:.2f}" for f in _FIGURES), row["support"]] for name, row in group.items()]


def muc_table(schemes: dict[str, dict[str, float]]) -> str:
    """Tabulate the schemes of MUC: what became of each span, and the F1 in percent."""
    rows = [[name, *(row[outcome] for outcome in OUTCOMES), f"{100 * row['f1']:.2f}"] for name, row in schemes.items()]
    headers = ["scheme", *OUTCOMES, "F1"]
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers=headers, colalign=align, disable_numparse=True)


def seeds_table(scores: Sequence[dict[str, Any]]) -> str:
    """Tabulate the mean F1 of several seeds, its standard deviation, and its range, in percent."""
    labels = list(dict.fromkeys(label for one in scores for label in one["per_type"]))
    series = {label: [one["per_type"].get(label, {"f1": 0.0})["f1"] for one in scores] for label in labels}
    series |= {"micro": [one["micro"]["f1"] for one in scores], "macro": [one["macro"]["f1"] for one in scores]}
    rows = [
        [name, *(f"{100 * figure:.2f}" for figure in (mean(f1), stdev(f1) if len(f1) > 1 else 0, min(f1), max(f1)))]
        for name, f1 in series.items()
    ]
    headers = [f"F1 of {len(scores)} seeds", "mean", "deviation", "lowest", "highest"]
    return tabulate(rows, headers=headers, colalign=("left", *["right"] * 4), disable_numparse=True)


def document_mean(row: dict[str, float]) -> str:
    """Write the mean F1 over documents with its standard deviation."""
    return f"{100 * row['f1']:.2f} ± {100 * row['f1_spread']:.2f}"


def unseen_share(groups: dict[str, dict[str, float]]) -> str:
    """Write how many mentions were not in the training data, and their F1."""
    support = {name: groups[name]["support"] if name in groups else 0 for name in SEEN}
    total, unseen = sum(support.values()), groups.get("unseen")
    return f"{support['unseen']} of {total}" + (f", F1 {100 * unseen['f1']:.2f}" if unseen else "")

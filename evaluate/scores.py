"""All figures of one set of predictions, and the files that keep them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from thidua_ner.files import write_text
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.pages.report import Scored, write_report
from thidua_ner.scoring.breakdowns import Mentions, breakdown
from thidua_ner.scoring.resampling import intervals
from thidua_ner.scoring.strict import check_against_seqeval, score, signature
from thidua_ner.text.spans import Document


def score_documents(
    gold: Sequence[Document], predicted: Sequence[Document], mentions: Mentions | None = None
) -> dict[str, Any]:
    """Score, with 95% intervals, every breakdown and a signature, and assert that seqeval gives the same."""
    scores = score(gold, predicted)
    check_against_seqeval(gold, predicted, scores)
    more = {"intervals": intervals(gold, predicted), **breakdown(gold, predicted, mentions)}
    return {**scores, **more, "signature": signature(gold)}


def write_results(
    folder: Path, gold: Sequence[Document], predicted: Sequence[Document], scores: dict[str, Any], **more: Any
) -> None:
    """Write predictions.jsonl, scores.json and report.html; `more` is what the report says beside."""
    write_predictions(folder / "predictions.jsonl", predicted)
    write_text(folder / "scores.json", json.dumps(scores, indent=2, ensure_ascii=False) + "\n")
    write_report(folder / "report.html", [Scored(str(folder), gold, predicted, scores, **more)])

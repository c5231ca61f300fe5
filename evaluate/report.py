"""Write a page about scored runs: one file that opens anywhere, offline.

python -m evaluate report runs/cpu-small
python -m evaluate report runs/documents-20 runs/documents-80 runs/documents-200 --output curve.html
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluate.chart import Chart, line_chart
from evaluate.run import read_run, training_logs
from thidua_ner.documents import read_documents, read_predictions
from thidua_ner.errors import pair_spans
from thidua_ner.faults import fail
from thidua_ner.records import some
from thidua_ner.runs import read_json
from thidua_ner.spans import Document
from thidua_ner.view import colours, environment, write_page

MOST_DOCUMENTS = 300
"""Documents that a page shows whole; of more, those with the most errors."""

_KEYS = {"micro", "per_type", "intervals", "confusion", "length", "calibration", "signature"}


@dataclass(frozen=True, slots=True)
class Scored:
    """A system's predictions with their scores, and what is known of how it was made."""

    name: str
    gold: Sequence[Document]
    predicted: Sequence[Document]
    scores: dict[str, Any]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    logs: Mapping[str, list[dict[str, float]]] = field(default_factory=dict)

    @property
    def train_documents(self) -> float | None:
        """Return how many documents a model was trained on, on average over the folds."""
        number: float | None = self.scores.get("run", {}).get("train_documents")
        return number


def write_report(path: Path, runs: Sequence[Scored]) -> None:
    """Write the page of the first run, with a table of all."""
    main = runs[0]
    pairs = sorted(zip(main.gold, main.predicted, strict=True), key=_n_errors, reverse=True)[:MOST_DOCUMENTS]
    ids = {gold.id for gold, _ in pairs}
    shown = [pair for pair in zip(main.gold, main.predicted, strict=True) if pair[0].id in ids]
    labels = [label for row in main.scores["confusion"]["type"].values() for label in row]
    pages = environment(Path(__file__).parent / "templates")
    pages.filters["percent"] = lambda fraction: f"{100 * fraction:.1f}"
    pages.filters["between"] = lambda ends: " to ".join(f"{100 * end:.1f}" for end in ends)
    values = {
        "main": main,
        "scores": {"robustness": None, **main.scores},
        "errors": sum(count for kind, count in main.scores["confusion"]["kinds"].items() if kind != "correct"),
        "warnings": _warnings(main),
        "sections": _sections(runs),
        "runs": runs,
        "curve": _learning_curve(runs),
        "shown": shown,
        "left_out": len(shown) < len(main.gold),
        "colours": colours([label for label in labels if label in main.scores["per_type"]]),
        "calibration": _calibration(main.scores["calibration"]),
        "logs": _training_charts(main.logs),
        "manifest": json.dumps(main.manifest, indent=2, ensure_ascii=False),
    }
    write_page(path, pages.get_template("report.html"), values)


def _n_errors(pair: tuple[Document, Document]) -> int:
    return sum(found.kind != "correct" for found in pair_spans(pair[0].spans, pair[1].spans))


def _warnings(run: Scored) -> list[str]:
    """Say what makes the scores worth less than they look."""
    seen = run.scores.get("trained_on") or []
    return [f"Every model was trained on the text of {some(seen)}: the scores say little of new texts"] if seen else []


def _sections(runs: Sequence[Scored]) -> list[tuple[str, str]]:
    """List the sections that the page has, for its contents."""
    has = {"runs": len(runs) > 1, "robustness": "robustness" in runs[0].scores, "training": bool(runs[0].logs)}
    titles = {
        "scores": "Scores", "runs": "Runs", "documents": "Documents", "confusion": "Confusion",
        "mentions": "Kinds of mentions", "calibration": "Calibration", "robustness": "Robustness",
        "training": "Training", "made": "How it was made",
    }  # fmt: skip
    return [(name, title) for name, title in titles.items() if has.get(name, True)]


def _learning_curve(runs: Sequence[Scored]) -> Chart | None:
    """Draw F1 by the number of training documents, where runs differ in it."""
    sizes = {run.train_documents for run in runs}
    if len(sizes) < 2 or None in sizes:
        return None
    points = sorted((run.train_documents or 0, 100 * run.scores["micro"]["f1"]) for run in runs)
    return line_chart({"micro F1": points}, "training documents", "micro F1", y_range=(0, 100))


def _calibration(found: Mapping[str, Any] | None) -> Chart | None:
    """Draw how many spans are right by their confidence, beside the diagonal."""
    if found is None:
        return None
    points = [(bin_["confidence"], bin_["accuracy"]) for bin_ in found["bins"]]
    return line_chart({"spans": points, "ideal": [(0, 0), (1, 1)]}, "confidence", "right", (0, 1), (0, 1))


def _training_charts(logs: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Chart]:
    """Draw the loss and, where it was measured, the F1 on validation, a line a fold."""
    charts = []
    for key, title in (("loss", "training loss"), ("eval_f1", "F1 on validation")):
        series = {fold: [(row["epoch"], row[key]) for row in log if key in row] for fold, log in logs.items()}
        series = {fold: points for fold, points in series.items() if len(points) > 1}
        if series:
            charts.append(line_chart(series, "epoch", title, y_range=(0, 1) if key == "eval_f1" else None))
    return charts


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders that `python -m evaluate` has scored")
    parser.add_argument("--gold", type=Path, metavar="DIR_OR_FILE", help="what they were scored on, if not their own")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the page (default: report.html in the first)")
    return parser.parse_args(arguments)


def read_scored(folder: Path, gold: Path | None) -> Scored:
    """Read what was written when a folder was scored; DataError where something is missing."""
    path = folder / "scores.json"
    if not path.is_file():
        fail(path, 0, "is missing", f"run `python -m evaluate {folder}`")
    scores = read_json(path, _KEYS)
    manifest = read_json(folder / "manifest.json", {"commit"}) if (folder / "manifest.json").is_file() else {}
    run = read_run(folder) if _has_models(folder, manifest) else None
    documents = run.test if run and gold is None else read_documents(gold or Path("annotations/gold"))
    predicted = read_predictions(folder / "predictions.jsonl", documents, scores["per_type"])
    return Scored(str(folder), documents, predicted, scores, manifest, training_logs(run) if run else {})


def _has_models(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Tell a run from a published folder, which has no models."""
    return all((folder / str(fold)).is_dir() for fold in manifest.get("folds", ["model"]))


def main(arguments: Sequence[str]) -> None:
    """Write the page of the runs that were named."""
    options = parse_arguments(arguments)
    path = options.output or options.runs[0] / "report.html"
    write_report(path, [read_scored(folder, options.gold) for folder in options.runs])
    print(path)

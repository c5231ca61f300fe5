"""Write a page about scored runs: one file that opens anywhere, offline.

python -m evaluate report runs/cpu-small
python -m evaluate report runs/documents-20 runs/documents-80 runs/documents-200 --output curve.html
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, get_args

from evaluate.run import read_run, seeds_of, training_logs
from thidua_ner.faults import fail
from thidua_ner.faults import some_of
from thidua_ner.formats.registry import labels_known, read_documents, read_predictions
from thidua_ner.pages.charts import Chart, line_chart
from thidua_ner.pages.view import colours, environment, write_page
from thidua_ner.runs.folder import read_json
from thidua_ner.scoring.pairing import pair_spans
from thidua_ner.scoring.strict import signature
from thidua_ner.scoring.tables import MOST_ROWS
from thidua_ner.text.iob2 import Repair
from thidua_ner.text.spans import Document

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
    charts = _training_charts(main.logs)
    pages = environment(Path(__file__).parent / "templates")
    pages.filters["percent"] = lambda fraction: f"{100 * fraction:.1f}"
    pages.filters["between"] = lambda ends: " to ".join(f"{100 * end:.1f}" for end in ends)
    values = {
        "main": main,
        "most_rows": MOST_ROWS,
        "scores": {"robustness": None, **main.scores},
        "errors": sum(count for kind, count in main.scores["confusion"]["kinds"].items() if kind != "correct"),
        "warnings": _warnings(main),
        "sections": _sections(runs, charts),
        "runs": runs,
        "curve": _learning_curve(runs),
        "shown": shown,
        "left_out": len(shown) < len(main.gold),
        "colours": colours([label for label in labels if label in main.scores["per_type"]]),
        "calibration": _calibration(main.scores["calibration"]),
        "logs": charts,
        "manifest": json.dumps(main.manifest, indent=2, ensure_ascii=False),
    }
    write_page(path, pages.get_template("report.html"), values)


def _n_errors(pair: tuple[Document, Document]) -> int:
    return sum(found.kind != "correct" for found in pair_spans(pair[0].spans, pair[1].spans))


def _warnings(run: Scored) -> list[str]:
    """Say what makes the scores worth less than they look."""
    seen = run.scores.get("trained_on") or []
    return (
        [f"Every model was trained on the text of {some_of(seen)}: the scores say little of new texts"] if seen else []
    )


def _sections(runs: Sequence[Scored], charts: Sequence[Chart]) -> list[tuple[str, str]]:
    """List the sections that the page has, for its contents."""
    has = {"runs": len(runs) > 1, "robustness": "robustness" in runs[0].scores, "training": bool(charts)}
    titles = {
        "scores": "Scores", "runs": "Runs", "documents": "Documents", "confusion": "Confusion",
        "mentions": "Kinds of mentions", "calibration": "Calibration", "robustness": "Robustness",
        "training": "Training", "made": "How it was made",
    }  # fmt: skip
    return [(name, title) for name, title in titles.items() if has.get(name, True)]


def _learning_curve(runs: Sequence[Scored]) -> Chart | None:
    """Draw F1 by the number of training documents, a line a config; one that has one size only is left out."""
    found: dict[str, dict[float, list[float]]] = {}
    for run in runs:
        if run.train_documents is not None:
            name = str(run.manifest.get("config", {}).get("name", "micro F1"))
            sizes = found.setdefault(name, {})
            sizes.setdefault(run.train_documents, []).append(100 * run.scores["micro"]["f1"])
    lines = {
        name: [(size, mean(f1)) for size, f1 in sorted(sizes.items())]
        for name, sizes in found.items()
        if len(sizes) > 1
    }
    return line_chart(lines, "training documents", "micro F1", y_range=(0, 100)) if lines else None


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
        series = {
            fold: [(row["epoch"], row[key]) for row in log if _is_number(row.get("epoch")) and _is_number(row.get(key))]
            for fold, log in logs.items()
        }
        series = {fold: points for fold, points in series.items() if len(points) > 1}
        if series:
            charts.append(line_chart(series, "epoch", title, y_range=(0, 1) if key == "eval_f1" else None))
    return charts


def _is_number(value: object) -> bool:
    """Tell whether a value can be drawn: a loss that has diverged cannot."""
    return type(value) in (int, float) and 0 <= value < 1e9  # type: ignore[operator]


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, help="folders that `python -m evaluate` has scored")
    parser.add_argument("--gold", type=Path, metavar="DIR_OR_FILE", help="what they were scored on, if not their own")
    parser.add_argument("--repair", choices=get_args(Repair), default="none", help="as it was scored")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the page (default: report.html in the first)")
    return parser.parse_args(arguments)


def read_scored(folder: Path, gold: Path | None, repair: Repair = "none") -> Scored:
    """Read what was written when a folder was scored; DataError where something is missing."""
    path = folder / "scores.json"
    if not path.is_file():
        fail(path, "is missing", f"run `python -m evaluate {folder}`")
    scores = read_json(path, _KEYS, f"run `python -m evaluate {folder}`")
    manifest = read_json(folder / "manifest.json", {"commit"}) if (folder / "manifest.json").is_file() else {}
    run = read_run(folder) if _has_models(folder, manifest) else None
    documents = run.test if run and gold is None else read_documents(gold or Path("annotations/gold"), None, repair)
    if scores["signature"] != signature(documents):
        fail(path, "are scores on other documents", "name those with --gold, or score the run again")
    predicted = read_predictions(folder / "predictions.jsonl", documents, labels_known(documents))
    return Scored(str(folder), documents, predicted, scores, manifest, training_logs(run) if run else {})


def _has_models(folder: Path, manifest: Mapping[str, Any]) -> bool:
    """Tell a run from a published folder, which has no models."""
    return all((folder / str(fold)).is_dir() for fold in manifest.get("folds", ["model"]))


def main(arguments: Sequence[str]) -> None:
    """Write the page of the runs that were named."""
    options = parse_arguments(arguments)
    folders = [run for folder in options.runs for run in seeds_of(folder) or [folder]]
    path = options.output or options.runs[0] / "report.html"
    runs = [read_scored(folder, options.gold, options.repair) for folder in folders]
    from jinja2 import TemplateError

    try:
        write_report(path, runs)
    except (TemplateError, TypeError, KeyError, ValueError, AttributeError) as error:  # a file was changed by hand
        fail(folders[0] / "scores.json", f"cannot be shown ({error!r})", "score the run again")
    print(path)

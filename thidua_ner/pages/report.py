"""The report of an evaluation: one HTML file that opens offline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

from thidua_ner.faults import UsageError, fail
from thidua_ner.files import format_json
from thidua_ner.pages.charts import Chart, line_chart
from thidua_ner.pages.view import label_colours, page_environment, write_page
from thidua_ner.runs.folder import RunFolder, run_folders
from thidua_ner.runs.scored import Scored, read_scored, write_scored
from thidua_ner.scoring.pairing import pair_spans
from thidua_ner.scoring.results import MAX_ROWS, Calibration
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document

MAX_HARD = 50
"""Hard mentions that a page lists."""

MAX_DOCUMENTS = 300
"""Documents that a page shows; if there are more, it shows those with the most errors."""


def report(
    runs: Sequence[Path], *, gold: Path | None = None, tags: TagReading | None = None, output: Path | None = None
) -> Path:
    """Write a report of the first scored folder, with a table of all; a folder of seeds stands for its runs.

    `gold` is what the folders were scored on, if not their own documents. Returns the page's path. Raises DataError if
    the scores of a folder are not those of its predictions.
    """
    if not runs:
        fail("report", "there is nothing to show", "name scored folders", kind=UsageError)
    path = output or RunFolder(runs[0]).report
    if path.is_dir():
        fail(path, "is a folder", "name a file with --output", kind=UsageError)
    write_report(path, [read_scored(folder, gold, tags) for folder in run_folders(runs)])
    return path


def write_results(folder: Path, scored: Scored) -> None:
    """Write all that scoring gives: the predictions, the scores and the report."""
    write_scored(scored, folder)
    write_report(RunFolder(folder).report, [scored])


def write_report(path: Path, runs: Sequence[Scored]) -> None:
    """Write the report of the first run, with a table of all."""
    main = runs[0]
    pairs = sorted(zip(main.gold, main.predicted, strict=True), key=_n_errors, reverse=True)[:MAX_DOCUMENTS]
    ids = {gold.id for gold, _ in pairs}
    shown = [pair for pair in zip(main.gold, main.predicted, strict=True) if pair[0].id in ids]
    labels = {span.label for pair in shown for document in pair for span in document.spans}
    charts = _training_charts(main.logs)
    pages = page_environment()
    pages.filters["percent"] = lambda fraction: f"{100 * fraction:.1f}"
    pages.filters["between"] = lambda ends: " to ".join(f"{100 * end:.1f}" for end in ends)
    pages.filters["training_size"] = training_size
    values = {
        "main": main,
        "hard": find_hard_mentions(runs)[:MAX_HARD],
        "max_rows": MAX_ROWS,
        "max_hard": MAX_HARD,
        "scores": main.scores,
        "boundaries": asdict(main.scores.confusion.boundary),
        "errors": sum(count for kind, count in main.scores.confusion.kinds.items() if kind != "correct"),
        "warning": main.scores.warning,
        "sections": _sections(runs, charts),
        "runs": runs,
        "curve": _learning_curve(runs),
        "shown": shown,
        "left_out": len(shown) < len(main.gold),
        "colours": label_colours([*main.scores.per_type, *labels]),
        "calibration": _calibration_chart(main.scores.calibration),
        "logs": charts,
        "manifest": format_json(main.manifest) if main.manifest else "",
    }
    write_page(path, pages.get_template("report.html"), values)


@dataclass(frozen=True, slots=True)
class HardMention:
    """A gold mention that not all runs find, with the place of its document's id and the share of runs that find it."""

    document: str
    surface: str
    label: str
    line: int
    share: float


def find_hard_mentions(runs: Sequence[Scored]) -> list[HardMention]:
    """List the gold mentions that some run misses, those that the fewest runs find first.

    Of runs that were scored on other documents than the first, nothing is counted.
    """
    first = runs[0]
    gold = [(document.id, document.text) for document in first.gold]
    same = [run for run in runs if [(document.id, document.text) for document in run.gold] == gold]
    found = [
        HardMention(
            document.id,
            document.surface(span),
            span.label,
            document.text.count("\n", 0, span.start) + 1,
            mean(float(span.triple in run.predicted[place].triples()) for run in same),
        )
        for place, document in enumerate(first.gold)
        for span in document.spans
    ]
    return sorted((one for one in found if one.share < 1), key=lambda one: one.share)


def training_size(run: Scored) -> float | None:
    """Return the mean number of training documents per fold, None if not known."""
    return run.scores.run.train_documents if run.scores.run else None


def _n_errors(pair: tuple[Document, Document]) -> int:
    return sum(found.kind != "correct" for found in pair_spans(pair[0].spans, pair[1].spans))


def _sections(runs: Sequence[Scored], charts: Sequence[Chart]) -> list[tuple[str, str]]:
    """List the ids and titles of the page's sections, for its contents."""
    has = {
        "runs": len(runs) > 1,
        "hard": len(runs) > 1,
        "pairs": runs[0].scores.pairs is not None,
        "robustness": runs[0].scores.robustness is not None,
        "training": bool(charts),
    }
    titles = {
        "scores": "Scores", "pairs": "Minimal pairs", "runs": "Runs", "hard": "Hard mentions", "documents": "Documents",
        "confusion": "Confusion", "mentions": "Kinds of mentions", "calibration": "Calibration",
        "robustness": "Robustness", "training": "Training", "made": "How it was made",
    }  # fmt: skip
    return [(name, title) for name, title in titles.items() if has.get(name, True)]


def _learning_curve(runs: Sequence[Scored]) -> Chart | None:
    """Draw F1 by the number of training documents, one line per config; a config with one size only is left out."""
    found: dict[str, dict[float, list[float]]] = {}
    for run in runs:
        size = training_size(run)
        if size is not None:
            name = run.manifest.name if run.manifest else "micro F1"
            found.setdefault(name, {}).setdefault(size, []).append(100 * run.scores.micro.f1)
    lines = {
        name: [(size, mean(f1)) for size, f1 in sorted(sizes.items())]
        for name, sizes in found.items()
        if len(sizes) > 1
    }
    return line_chart(lines, "training documents", "micro F1", y_range=(0, 100)) if lines else None


def _calibration_chart(found: Calibration | None) -> Chart | None:
    """Draw the share of correct spans by confidence, beside the diagonal."""
    if found is None:
        return None
    points = [(one.confidence, one.accuracy) for one in found.bins]
    return line_chart({"spans": points, "ideal": [(0, 0), (1, 1)]}, "confidence", "correct", (0, 1), (0, 1))


def _training_charts(logs: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Chart]:
    """Draw the loss and, if it was measured, the F1 on validation, one line per fold."""
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
    """Tell whether a value can be drawn; the loss of a diverged training cannot."""
    return type(value) in (int, float) and 0 <= value < 1e9  # type: ignore[operator]

"""Compare systems on the same documents: intervals, paired tests, corrected for their number.

python -m evaluate compare results/cpu-small/lodo/seed-1 results/phobert-tiny/lodo/seed-1
python -m evaluate compare runs/seed-1 runs/seed-2 other.jsonl --gold annotations/gold
"""

import argparse
import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from tabulate import tabulate

from thidua_ner import resampling
from thidua_ner.documents import labels_known, read_documents, read_predictions
from thidua_ner.files import write_text
from thidua_ner.resampling import UNITS, Counts, Unit
from thidua_ner.scoring import score
from thidua_ner.spans import Document


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("systems", nargs="+", type=Path, help="folders with predictions.jsonl, or predictions")
    parser.add_argument("--gold", type=Path, default=Path("annotations/gold"), metavar="DIR_OR_FILE")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args(arguments)
    if len(set(options.systems)) < 2:
        parser.error("name two systems or more")
    return options


def compare(gold: Sequence[Document], systems: dict[str, list[Document]]) -> dict[str, Any]:
    """Score systems with intervals, and test every two of them; p-values are corrected by Holm's method."""
    counts: dict[Unit, dict[str, Counts]] = {
        unit: {name: resampling.count_units(gold, predicted, unit) for name, predicted in systems.items()}
        for unit in UNITS
    }
    pairs = list(combinations(systems, 2))
    ps = {unit: [resampling.paired_test(counts[unit][a], counts[unit][b]) for a, b in pairs] for unit in UNITS}
    corrected = {unit: resampling.holm(ps[unit]) for unit in UNITS}
    f1 = {name: score(gold, predicted)["micro"]["f1"] for name, predicted in systems.items()}
    return {
        "systems": {
            name: {"f1": f1[name], "intervals": resampling.intervals(gold, predicted)}
            for name, predicted in systems.items()
        },
        "pairs": [
            {
                "systems": [a, b],
                "difference": f1[a] - f1[b],
                **{
                    unit: {
                        "interval": resampling.difference_interval(counts[unit][a], counts[unit][b]),
                        "p": ps[unit][place],
                        "p_holm": corrected[unit][place],
                    }
                    for unit in UNITS
                },
            }
            for place, (a, b) in enumerate(pairs)
        ],
        "smallest_p": {unit: resampling.smallest_p(len(next(iter(counts[unit].values())))) for unit in UNITS},
        "units": {unit: len(next(iter(counts[unit].values()))) for unit in UNITS},
    }


def show(compared: dict[str, Any]) -> None:
    """Print the systems, the pairs, and what the number of documents allows to be said."""
    _print_table(
        ["system", "micro F1", "by document", "by sentence"],
        [
            [name, _percent(row["f1"]), *(_range(row["intervals"][unit]["bca"]) for unit in UNITS)]
            for name, row in sorted(compared["systems"].items(), key=lambda item: -item[1]["f1"])
        ],
    )
    print("\n95% intervals: BCa bootstrap, 10,000 resamples\n")
    _print_table(
        ["difference", "micro F1", "by document", "p", "by sentence", "p (optimistic)"],
        [
            [
                " - ".join(pair["systems"]),
                f"{100 * pair['difference']:+.2f}",
                *(cell for unit in UNITS for cell in (_range(pair[unit]["interval"]), f"{pair[unit]['p_holm']:.4f}")),
            ]
            for pair in compared["pairs"]
        ],
    )
    several = len(compared["pairs"]) > 1
    print(f"\np: paired approximate randomisation, two-sided{', corrected by Holm' if several else ''}")
    print(
        f"{compared['units']['document']} documents cannot give a p below {compared['smallest_p']['document']:.4g}"
        f"{' before correction' if several else ''}; "
        "sentences of one document are alike, so that the p by sentence is too small"
    )


def _print_table(headers: list[str], rows: list[list[str]]) -> None:
    align = ("left", *["right"] * (len(headers) - 1))
    print(tabulate(rows, headers=headers, colalign=align, disable_numparse=True))


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


def _range(ends: Sequence[float]) -> str:
    return " to ".join(map(_percent, ends))


def _predictions_in(path: Path) -> Path:
    """Name the predictions of a run folder; any other path is predictions itself."""
    return path / "predictions.jsonl" if path.is_dir() and not any(path.glob("*.ann")) else path


def main(arguments: Sequence[str]) -> None:
    """Compare the systems that were named."""
    options = parse_arguments(arguments)
    gold = read_documents(options.gold, None)
    systems = {str(path): read_predictions(_predictions_in(path), gold, labels_known(gold)) for path in options.systems}
    compared = compare(gold, systems)
    if options.output:
        write_text(options.output, json.dumps(compared, indent=2, ensure_ascii=False) + "\n")
    show(compared)

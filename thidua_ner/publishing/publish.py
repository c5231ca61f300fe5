"""Publish finished runs: their scores and predictions, the leaderboard, the README's table, a model card.

python -m evaluate publish runs/cpu-small
python -m evaluate publish runs/three-seeds       # each seed of the folder
python -m evaluate publish                       # only rebuild the tables from results/
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluate.run import seeds_of
from thidua_ner.faults import fail
from thidua_ner.files import read_text, write_text
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.publishing.leaderboard import PROTOCOLS, Row, leaderboard, model_card, read_rows, readme_table
from thidua_ner.runs.folder import read_json
from thidua_ner.scoring.breakdowns import breakdown
from thidua_ner.scoring.strict import score

FILES = ("scores.json", "predictions.jsonl", "manifest.json")
_MARKERS = ("<!-- results -->\n", "<!-- /results -->")


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was scored: its folder, and where in results/ it belongs."""

    folder: Path
    place: Path


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluate publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, help="run folders that `python -m evaluate RUN` has scored")
    parser.add_argument("--root", type=Path, default=Path(), metavar="DIR", help="the project (default: here)")
    return parser.parse_args(arguments)


def check_run(folder: Path, root: Path) -> Run:
    """Find a run fit to be published; DataError where its figures cannot be trusted or repeated."""
    manifest = read_json(folder / "manifest.json", {"config", "commit", "seed"})
    scores = read_json(folder / "scores.json", set())
    if not isinstance(manifest["config"], dict):
        fail(folder / "manifest.json", "lacks a config", "train the run again")
    if "changes" in manifest["commit"] or manifest["commit"] == "unknown":
        fail(folder, f"was trained by the code of commit {manifest['commit']}", "commit, and train it again")
    if scores.get("trained_on") != []:
        fail(folder, "was scored on texts that its models had read, or may have", "score its own test documents")
    gold = brat.read_folder(root / "annotations/gold")
    predicted = read_predictions(folder / "predictions.jsonl", gold)
    again = score(gold, predicted)
    again |= {key: value for key, value in breakdown(gold, predicted).items() if key != "seen"}
    if {key: scores.get(key) for key in again} != json.loads(json.dumps(again)):
        fail(folder / "scores.json", "is not what its predictions score on the gold", "run `python -m evaluate RUN`")
    config = manifest["config"]
    if config["protocol"] not in PROTOCOLS:
        fail(folder, f"is a run of {config['protocol']}", f"train one of {', '.join(PROTOCOLS)}")
    place = root / "results" / config["name"] / config["protocol"] / f"seed-{manifest['seed']}"
    return Run(folder, place)


def rebuild(root: Path) -> list[Row]:
    """Write the leaderboard, the README's table and the model cards from what is in results/."""
    rows = read_rows(root / "results")
    readme = read_text(root / "README.md")
    if any(readme.count(marker) != 1 for marker in _MARKERS):
        fail(root / "README.md", "has no table of results", f"put {_MARKERS[0].strip()} and {_MARKERS[1]} around one")
    before, _, rest = readme.partition(_MARKERS[0])
    _, _, after = rest.partition(_MARKERS[1])
    write_text(root / "README.md", before + _MARKERS[0] + readme_table(rows) + "\n" + _MARKERS[1] + after)
    configs = sorted(path.stem for path in (root / "configs").glob("*.yaml"))
    write_text(root / "results/LEADERBOARD.md", leaderboard(rows, configs))
    for row in rows:
        write_text(root / "results" / row.system / row.protocol / "README.md", model_card(row))
    return rows


def main(arguments: Sequence[str]) -> None:
    """Publish the runs that were named, all or none, and rebuild the tables."""
    options = parse_arguments(arguments)
    folders = [run for folder in options.runs for run in seeds_of(folder) or [folder]]
    runs = [check_run(folder, options.root) for folder in folders]
    for run in runs:
        run.place.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(run.folder / name, run.place / name)
        print(f"{run.folder} -> {run.place}")
    rows = rebuild(options.root)
    print(f"{len(rows)} rows: {options.root / 'results/LEADERBOARD.md'}, {options.root / 'README.md'}, a card each")

"""Train the model or models of a config.

python -m train configs/cpu-small.yaml
python -m train configs/cpu-small.yaml --set seed=2 --output runs/seed-2
python -m train configs/cpu-small.yaml --protocol lodo-cantho-2022-07
python -m train configs/cpu-small.yaml --seeds 1,2,3 --output runs/three-seeds
python -m train configs/cpu-small.yaml --set data='{format: conll, train: train.conll, test: test.conll}'
torchrun --nproc-per-node 2 -m train configs/cpu-small.yaml
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from thidua_ner.faults import fail, run_program
from thidua_ner.files import write_text

if TYPE_CHECKING:
    from train.config import BaselineConfig, Config
    from train.data import Fold


def parse_arguments() -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="a YAML file, as in configs/")
    parser.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override keys of the config"
    )
    parser.add_argument(
        "--protocol", help="transfer, lodo or lodo+synthetic (five folds each), or one fold such as lodo-cantho-2022-07"
    )
    parser.add_argument("--seeds", type=_seeds, metavar="N,N,…", help="a run for each seed, in seed-N/ of the folder")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the run folder (default: runs/<name>)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    start.add_argument("--dry-run", action="store_true", help="show config, data and expected time; write no run")
    options = parser.parse_args()
    for override in options.set:
        if "=" not in override.lstrip("="):
            parser.error(f"--set {override}: write key=value, for example training.epochs=10")
    return options


def _seeds(text: str) -> list[int]:
    """Read the seeds of the command line: whole numbers, each once."""
    seeds = [int(part) if part.isdecimal() else -1 for part in text.split(",")]
    if len(set(seeds)) < len(seeds) or not all(0 <= seed < 2**32 for seed in seeds):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds; write, for example, 1,2,3")
    return seeds


def prepare_folder(folder: Path, manifest: dict[str, Any], resume: bool) -> None:
    """Make room for a run: go on with the same one, move an old one aside, never touch what is no run."""
    if folder.exists() and not folder.is_dir():
        fail(folder, "is a file", "name another --output")
    old = _old_manifest(folder)
    if folder.exists() and any(folder.iterdir()) and old is None:
        fail(folder, "exists and is not a run", "name another --output, or move it away")
    if resume and old:
        remedy = "train without --resume, or into another --output"
        if changed := list(_differences(old["config"], manifest["config"])):
            fail(folder, f"is a run of another config ({', '.join(changed)})", remedy)
        if old["data_fingerprint"] != manifest["data_fingerprint"]:
            fail(folder, "is a run of other data", remedy)
        return
    if old:
        aside = folder.with_name(f"{folder.name}.old")
        if _old_manifest(aside):
            shutil.rmtree(aside)
        folder.rename(aside)
        print(f"{folder}: the run that was here is now {aside}", file=sys.stderr)
    # the manifest comes first: it is what tells a run from any other folder
    write_text(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "config.yaml", yaml.safe_dump(manifest["config"], sort_keys=False, allow_unicode=True))


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Name the keys of two configs that differ, with both values."""
    for key in sorted(old.keys() | new.keys()):
        before, now = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(now, dict):
            yield from _differences(before, now, f"{prefix}{key}.")
        elif before != now:
            yield f"{prefix}{key}: {before}, not {now}"


def _old_manifest(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of the run that is in a folder, if one is."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_run = isinstance(manifest, dict) and {"thidua_ner", "config", "data_fingerprint", "folds"} <= set(manifest)
    return manifest if is_run else None


def show_plan(config: "Config | BaselineConfig", folds: Sequence["Fold"], n_seeds: int) -> None:
    """Print the resolved config, the data of each fold, and how long training them would take."""
    from tabulate import tabulate

    from train.config import BaselineConfig
    from train.fold import seconds_an_update

    print(yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True))
    rows, total = [], 0.0
    for fold in folds:
        updates, seconds = (0, 0.0) if isinstance(config, BaselineConfig) else seconds_an_update(fold, config)
        total += updates * seconds
        sizes = (len(fold.sentences), len(fold.train_documents), len(fold.validation), len(fold.test), updates)
        rows.append([fold.name, *sizes, _duration(updates * seconds)])
    columns = ["sentences", "training", "validation", "test", "updates", "time"]
    print(tabulate(rows, headers=["fold", *columns], colalign=("left", *["right"] * len(columns))))
    if isinstance(config, BaselineConfig):
        print("\nno run was written; the time of a baseline is not estimated")
        return
    time = _duration(n_seeds * total) + (f" for {n_seeds} seeds" if n_seeds > 1 else "")
    print(f"\nabout {time} on this machine, from a short trial of each fold; no run was written")


def _duration(seconds: float) -> str:
    """Write seconds as minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def main() -> None:
    """Train every fold that is not finished yet, for each seed."""
    options = parse_arguments()
    from train.config import load_config  # its checker is an extra, whose absence `run_program` explains

    protocol = [f"protocol={options.protocol}"] if options.protocol else []
    config = load_config(options.config, [*options.set, *protocol])
    folder = options.output or Path("runs") / config.name
    from train.data import load_folds  # takes seconds to import: faults of the config are told before

    folds = load_folds(config)
    if options.dry_run:
        show_plan(config, folds, n_seeds=len(options.seeds or [config.seed]))
        return
    if not options.seeds:
        train_run(options.config, config, folds, folder, resume=options.resume)
        return
    if _old_manifest(folder):
        fail(folder, "is a run of one seed", "name another --output for --seeds, or move it away")
    for place, seed in enumerate(options.seeds):
        seeded = config.model_copy(update={"seed": seed})
        after = len(options.seeds) - place - 1
        train_run(options.config, seeded, folds, folder / f"seed-{seed}", resume=options.resume, runs_after=after)
    print(f"{folder}: {len(options.seeds)} seeds; now: python -m evaluate {folder}")


def train_run(
    path: Path,
    config: "Config | BaselineConfig",
    folds: Sequence["Fold"],
    folder: Path,
    *,
    resume: bool,
    runs_after: int = 0,
) -> None:
    """Train the folds of one seed that are not finished yet; `runs_after` more seeds follow."""
    from thidua_ner.runs.folder import FINISHED
    from train.fold import train_fold, updates_needed
    from train.processes import processes

    _check(path, config)
    if processes().is_main_process:
        prepare_folder(folder, _manifest(config, folds), resume)
    processes().wait_for_everyone()
    updates = [updates_needed(fold, config) for fold in folds]
    for number, fold in enumerate(folds, start=1):
        finished = (folder / fold.name / FINISHED).exists()
        tell(f"{folder}, fold {number} of {len(folds)}, {fold.name}: {len(fold.sentences)} sentences", finished)
        if not finished:
            train_fold(fold, config, folder / fold.name, ahead=sum(updates[number:]) + runs_after * sum(updates))
    if processes().is_main_process:
        print(f"{folder}: {len(folds)} model{'s' if len(folds) > 1 else ''}; now: python -m evaluate {folder}")


def _check(path: Path, config: "Config | BaselineConfig") -> None:
    """Refuse, before a run has begun, what could not be trained."""
    from thidua_ner.models.encoders import find_encoder
    from train.config import BaselineConfig
    from train.processes import n_processes, processes

    if isinstance(config, BaselineConfig):
        return
    if config.training.batch_size % n_processes():
        what = (
            f"training.batch_size: {config.training.batch_size} sentences cannot be shared by {n_processes()} processes"
        )
        fail(path, what, "set a multiple of them")
    if processes().is_main_process and config.scratch is None:
        find_encoder(config.encoder, config.vocabulary)


def _manifest(config: "Config | BaselineConfig", folds: Sequence["Fold"]) -> dict[str, Any]:
    """Describe a run before it begins."""
    from thidua_ner.runs.manifest import make_manifest
    from thidua_ner.text.spans import fingerprint

    documents = dict.fromkeys(d for fold in folds for d in (*fold.train_documents, *fold.validation, *fold.test))
    return {
        **make_manifest(config.model_dump(), fingerprint(list(documents))),
        "folds": [fold.name for fold in folds],
    }


def tell(title: str, finished: bool) -> None:
    """Announce a fold, once for all processes."""
    from train.processes import processes

    if processes().is_main_process:
        print(f"{title}, finished before" if finished else title, file=sys.stderr)


if __name__ == "__main__":
    run_program(main)

"""Train the model or models of a config.

python -m train configs/phobert-tiny.yaml
python -m train configs/phobert-tiny.yaml --set seed=2 --output runs/phobert-tiny-2
python -m train configs/phobert-tiny.yaml --protocol lodo-cantho-2022-07
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import yaml

from thidua_ner.faults import fail, run_program
from thidua_ner.files import read_text, write_text
from train.config import Config, load_config


def parse_arguments() -> argparse.Namespace:
    """Read the command line; usage errors exit 2."""
    parser = argparse.ArgumentParser(
        prog="python -m train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, help="a YAML file, as in configs/")
    parser.add_argument(
        "--set", action="extend", nargs="+", default=[], metavar="KEY=VALUE", help="override keys of the config"
    )
    parser.add_argument("--protocol", help="lodo (five folds), default, or one fold such as lodo-cantho-2022-07")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the run folder (default: runs/<name>)")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    return parser.parse_args()


def prepare_folder(folder: Path, config: Config, resume: bool) -> None:
    """Make room for a run: go on with the same one, replace an old one, never touch what is no run."""
    resolved = yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)
    old = folder / "config.yaml"
    if resume and old.exists() and read_text(old) != resolved:
        fail(
            old, 0, "is of another config than this one", "resume with the same config, or train into another --output"
        )
    if not resume and folder.exists():
        if any(folder.iterdir()) and not old.exists():
            fail(folder, 0, "exists and is not a run", "name another --output, or move it away")
        shutil.rmtree(folder)
    write_text(old, resolved)


def main() -> None:
    """Train every fold of the protocol that is not finished yet."""
    options = parse_arguments()
    protocol = [f"protocol={options.protocol}"] if options.protocol else []
    config = load_config(options.config, [*options.set, *protocol])
    folder = options.output or Path("runs") / config.name
    # the libraries below take seconds to import: faults of the config are told before
    from thidua_ner.manifest import make_manifest
    from thidua_ner.scoring import fingerprint
    from train.data import load_folds
    from train.fold import FINISHED, train_fold

    folds = load_folds(config.data, config.protocol)
    prepare_folder(folder, config, options.resume)
    documents = {d.id: d for fold in folds for d in (*fold.train_documents, *fold.validation, *fold.test)}
    manifest = make_manifest(config.model_dump(), fingerprint(list(documents.values())))
    manifest["folds"] = [fold.name for fold in folds]
    write_text(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    for number, fold in enumerate(folds, start=1):
        title = f"fold {number} of {len(folds)}, {fold.name}: {len(fold.sentences)} sentences"
        if (folder / fold.name / FINISHED).exists():
            print(f"{title}, finished before", file=sys.stderr)
            continue
        print(title, file=sys.stderr)
        train_fold(fold, config, folder / fold.name)
    print(f"{folder}: {len(folds)} model{'s' if len(folds) > 1 else ''}; now: python -m evaluate {folder}")


if __name__ == "__main__":
    run_program(main)

"""Train on growing parts of the synthetic documents, and score each model on validation and on the gold.

python -m benchmarks.learning_curve
python -m benchmarks.learning_curve --documents 10 40 --seed 2

Smaller sets are parts of larger ones, drawn with the seed. Models are kept in runs/learning-curve/, and a model that
already exists there is not trained again.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from thidua_ner.runs.folder import FoldFolder
from thidua_ner.scoring.results import Scores
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import load_tagger
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document
from train.config import load_config
from train.data import load_folds
from train.fold import train_fold
from train.folds import Fold, tag_sentences


def part_of(fold: Fold, size: int, seed: int) -> Fold:
    """Keep `size` of a fold's training documents."""
    drawn = random.Random(seed).sample(fold.train_documents, len(fold.train_documents))[:size]  # noqa: S311
    return replace(fold, sentences=tuple(tag_sentences(drawn)), train_documents=tuple(drawn))


def scores_of(folder: Path, documents: Sequence[Document]) -> Scores:
    """Score the model in a fold's folder."""
    return score(documents, list(load_tagger(folder).tag_many(documents)))


def main() -> None:
    """Print one row of F1 per number of documents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[10, 20, 40, 80, 140], metavar="N")
    parser.add_argument("--config", type=Path, default=Path("configs/cpu-small.yaml"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the config")
    parser.add_argument("--output", type=Path, default=Path("runs/learning-curve"), metavar="DIR")
    options = parser.parse_args()
    config = load_config(options.config, ["protocol=transfer", f"seed={options.seed}", *options.set])
    (whole,) = load_folds(config)
    rows = []
    for size in options.documents:
        fold = part_of(whole, size, options.seed)
        folder = options.output / f"{size}-seed-{options.seed}"
        print(f"{size} documents: {len(fold.sentences)} sentences", flush=True)
        if not FoldFolder(folder).is_finished:
            train_fold(fold, config, FoldFolder(folder))
        validation, test = (scores_of(folder, documents) for documents in (fold.validation, fold.test))
        figures = [validation.micro.f1, test.micro.f1]
        figures += [test.per_type[label].f1 for label in ENTITY_TYPES]
        rows.append([size, len(fold.sentences), *(100 * figure for figure in figures)])
        headers = ["documents", "sentences", "validation", "gold", *ENTITY_TYPES]
        print(tabulate(rows, headers=headers, floatfmt=".1f"), flush=True)


if __name__ == "__main__":
    main()

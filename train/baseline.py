"""The baseline of a fold: a CRF is trained, the others are only named."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from thidua_ner.baselines.crf import train_crf
from thidua_ner.baselines.folder import crf_path, save_baseline
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import load_tagger
from train.config import BaselineConfig, CrfConfig
from train.folds import Fold
from train.record import Outcome


def train_fold_crf(sentences: Iterable[tuple[Sequence[str], Sequence[str]]], crf: CrfConfig, folder: Path) -> None:
    """Train a CRF on sentences (tokens and their tags), and write it to the folder of its model."""
    train_crf(sentences, crf_path(folder), c1=crf.c1, c2=crf.c2, max_iterations=crf.max_iterations)


def train_baseline(fold: Fold, config: BaselineConfig, folder: Path) -> Outcome:
    """Write a fold's baseline to `folder`, and score it on the validation documents if there are any."""
    if config.crf is not None:
        sentences = (([token.text for token in sentence.tokens], sentence.tags) for sentence in fold.sentences)
        train_fold_crf(sentences, config.crf, folder)
    save_baseline(folder, config.baseline, fold.tags)
    if not fold.validation:
        return Outcome(None)
    return Outcome(score(fold.validation, list(load_tagger(folder).tag_many(fold.validation))).micro)

"""One fold to one baseline: a CRF learns its weights, the others learn nothing."""

from pathlib import Path
from typing import Any

from thidua_ner.baselines import crf
from thidua_ner.baselines import taggers as baselines
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import load_tagger
from train.config import BaselineConfig
from train.data import Fold


def train_baseline(fold: Fold, config: BaselineConfig, folder: Path) -> dict[str, Any]:
    """Make a fold's baseline in `folder`, and tell how it does on the validation documents, if there are any."""
    if config.crf is not None:
        pairs = [([token.text for token in sentence.tokens], sentence.tags) for sentence in fold.sentences]
        crf.fit(pairs, folder / baselines.CRF_FILE, **config.crf.model_dump())
    baselines.save(folder, config.baseline, fold.tags)
    told: dict[str, Any] = {"validation": None}
    if fold.validation:
        told["validation"] = score(fold.validation, list(load_tagger(folder).tag_many(fold.validation)))["micro"]
    if config.crf is None:
        # nothing was learnt from these documents: it has read none of their texts
        told |= {"train_documents": {}, "train_traces": [], "train_sentences": 0}
        # rules have seen no mention; which ones a shipped tagger has seen is not known
        told["train_mentions"] = [] if config.baseline == "rules" else None
    return told

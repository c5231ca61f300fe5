"""What is recorded of the training of a fold."""

from collections.abc import Sequence
from dataclasses import dataclass

from thidua_ner.runs.contamination import all_fingerprints
from thidua_ner.runs.folder import FoldCeilings, FoldRecord
from thidua_ner.scoring.ceilings import segmentation_ceiling
from thidua_ner.scoring.results import Score
from thidua_ner.text.spans import Document
from thidua_ner.text.words import SEGMENTERS
from train.config import BaselineConfig, Config
from train.folds import Fold


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the training of a fold went; `validation` is None without validation documents, the rest for baselines."""

    validation: Score | None
    updates: int | None = None
    train_loss: float | None = None


def make_record(fold: Fold, config: Config | BaselineConfig, outcome: Outcome, *, seconds: float) -> FoldRecord:
    """Describe what a model was trained on, and how that went."""
    is_trained = isinstance(config, Config) or config.crf is not None
    read = fold.train_documents if is_trained else ()
    segmenter = SEGMENTERS[config.segmenter if isinstance(config, Config) else "none"]
    return FoldRecord(
        fold=fold.name,
        seed=config.seed,
        train_documents={document.id: document.text_sha256 for document in read},
        train_traces=tuple(sorted(all_fingerprints(read))),
        train_mentions=_mentions(config, read),
        test_documents=tuple(document.id for document in fold.test),
        train_sentences=len(fold.sentences) if is_trained else 0,
        segmentation_ceiling=FoldCeilings(
            train=segmentation_ceiling(fold.train_documents, segmenter),
            test=segmentation_ceiling(fold.test, segmenter),
        ),
        updates=outcome.updates,
        train_loss=outcome.train_loss,
        validation=outcome.validation,
        seconds=seconds,
    )


def _mentions(config: Config | BaselineConfig, read: Sequence[Document]) -> tuple[str, ...] | None:
    """List the surfaces of the mentions that were read; those that a shipped tagger has read are not known."""
    if isinstance(config, BaselineConfig) and config.baseline == "underthesea":
        return None
    return tuple(sorted({document.surface(span) for document in read for span in document.spans}))

"""One fold to one model."""

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import set_seed

from thidua_ner.files import write_text
from thidua_ner.formats.jsonl import format_json_lines, write_documents
from thidua_ner.models.checkpoints import Checkpoint, blank_model
from thidua_ner.models.encoders import load_encoder
from thidua_ner.models.scratch import learn_phobert_vocabulary, phobert_tokenizer, small_roberta
from thidua_ner.runs.contamination import traces_of
from thidua_ner.runs.folder import FINISHED
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.tagger import Tagger
from thidua_ner.text.spans import Document
from thidua_ner.text.words import SEGMENTERS, Word, ceiling, segment, split_at_entities
from train.baseline import train_baseline
from train.batches import Examples, Reading
from train.config import BaselineConfig, Config
from train.data import Fold
from train.processes import processes
from train.trainer import epochs_needed, fit, updates_per_epoch

_TIMED_UPDATES = 8


def train_fold(fold: Fold, config: Config | BaselineConfig, folder: Path, ahead: int = 0) -> None:
    """Train a fold's model into `folder/model`, going on from the last whole checkpoint there.

    Every process of a data-parallel run calls this; the main one writes. `ahead` counts the updates of the folds that
    come after this one, for the time that is shown.
    """
    started = time.monotonic()
    if isinstance(config, BaselineConfig):
        learnt = train_baseline(fold, config, folder / "model")
    else:
        learnt = _train_encoder(fold, config, folder, ahead)
    if processes().is_main_process:
        write_documents(folder / "test.jsonl", fold.test)
        record = {**_record(fold, config), **learnt, "seconds": round(time.monotonic() - started, 1)}
        write_text(folder / FINISHED, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    processes().wait_for_everyone()


def _train_encoder(fold: Fold, config: Config, folder: Path, ahead: int) -> dict[str, Any]:
    """Fine-tune an encoder, write its checkpoint and its log, and tell how that went."""
    set_seed(config.seed)
    checkpoint, examples = _prepare(fold, config, folder / "model")
    validator = _validator(checkpoint, fold.validation)
    log = fit(checkpoint, examples, config, folder / "checkpoints", validator, ahead=ahead)
    checkpoint.model.eval()
    if processes().is_main_process:
        checkpoint.save(folder / "model")
        write_text(folder / "train_log.jsonl", format_json_lines(log))
    return {
        "updates": log[-1]["step"],
        "train_loss": log[-1]["train_loss"],
        "validation": _validate(checkpoint, fold.validation) if fold.validation else None,
    }


def updates_needed(fold: Fold, config: Config | BaselineConfig) -> int:
    """Count the updates of a fold's training; a baseline has none."""
    if isinstance(config, BaselineConfig):
        return 0
    n_examples = len(fold.sentences)
    return epochs_needed(config.training, n_examples) * updates_per_epoch(config.training, n_examples)


def seconds_an_update(fold: Fold, config: Config) -> tuple[int, float]:
    """Count the updates of a fold and time a few of them, on a model that is thrown away."""
    set_seed(config.seed)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, examples = _prepare(fold, config, Path(folder))
        taken = []
        for updates in (1, 1, 1 + _TIMED_UPDATES):  # the very first one is slower
            started = time.monotonic()
            fit(checkpoint, examples, config, Path(folder), max_updates=updates)
            taken.append(time.monotonic() - started)
    seconds = max(taken[2] - taken[1], 0.0) / _TIMED_UPDATES
    return updates_needed(fold, config), seconds


def _prepare(fold: Fold, config: Config, folder: Path) -> tuple[Checkpoint, Examples]:
    """Segment and encode the training sentences, and make the model that is to learn them."""
    segmenter = SEGMENTERS[config.segmenter]
    words = [split_at_entities(segment(s.tokens, segmenter), s.tags) for s in fold.sentences]
    checkpoint = _fresh_checkpoint(fold, words, config, folder)
    readings = [
        Reading(tuple(word.text for word in own), tuple(sentence.tags[word.first] for word in own))
        for sentence, own in zip(fold.sentences, words, strict=True)
    ]
    return checkpoint, Examples(readings, checkpoint, config.training.mention_replacement)


def _fresh_checkpoint(fold: Fold, words: Sequence[Sequence[Word]], config: Config, folder: Path) -> Checkpoint:
    """Load the encoder, or learn a vocabulary from the fold's training sentences and make one."""
    if config.scratch is None:
        with processes().main_process_first():  # which may have to build it
            model, tokenizer = load_encoder(
                config.encoder, config.vocabulary, fold.tags, config.dropout, config.attention_dropout
            )
        return Checkpoint(model, tokenizer, fold.tags, config.segmenter)
    size = config.scratch
    with processes().main_process_first():
        if processes().is_main_process:
            learn_phobert_vocabulary((word.text for sentence in words for word in sentence), size.merges, folder)
    tokenizer = phobert_tokenizer(folder)
    description = small_roberta(tokenizer, **size.model_dump(exclude={"merges"}))
    model = blank_model(description, fold.tags, config.dropout, config.attention_dropout)
    return Checkpoint(model, tokenizer, fold.tags, config.segmenter)


def _validator(checkpoint: Checkpoint, documents: Sequence[Document]) -> Any:
    """Make the function that scores the model on the validation documents, where the fold has any."""
    return (lambda: _validate(checkpoint, documents)["f1"]) if documents else None


def _validate(checkpoint: Checkpoint, documents: Sequence[Document]) -> dict[str, float]:
    """Score the validation documents and leave the model in the mode that it was in."""
    was_training = checkpoint.model.training
    checkpoint.model.eval()
    predicted = list(Tagger([checkpoint]).tag_many(documents))
    checkpoint.model.train(was_training)
    micro: dict[str, float] = score(documents, predicted)["micro"]
    return micro


def _record(fold: Fold, config: Config | BaselineConfig) -> dict[str, Any]:
    """Tell what the model was trained on."""
    segmenter = SEGMENTERS["none" if isinstance(config, BaselineConfig) else config.segmenter]
    return {
        "fold": fold.name,
        "seed": config.seed,
        "train_documents": {document.id: document.text_sha256 for document in fold.train_documents},
        "train_traces": sorted(traces_of(fold.train_documents)),
        "train_mentions": sorted({d.surface(span) for d in fold.train_documents for span in d.spans}),
        "test_documents": [document.id for document in fold.test],
        "train_sentences": len(fold.sentences),
        "segmentation_ceiling": {
            "train": ceiling(fold.train_documents, segmenter),
            "test": ceiling(fold.test, segmenter),
        },
    }

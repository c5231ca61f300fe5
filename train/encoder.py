"""The encoder of a fold: prepared, fine-tuned, scored on the validation documents and saved."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import set_seed

from thidua_ner.files import write_text
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.models.checkpoints import Checkpoint, blank_model, check_trial, writing
from thidua_ner.models.encoders import load_encoder
from thidua_ner.models.pretrained import CheckpointSource
from thidua_ner.models.scratch import learn_phobert_vocabulary, phobert_tokenizer, small_roberta
from thidua_ner.runs.folder import FoldFolder
from thidua_ner.scoring.results import Score
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.product import join_crf
from thidua_ner.tagging.tagger import Tagger, TagModel
from thidua_ner.text.spans import Document
from thidua_ner.text.words import SEGMENTERS, Word, segment, split_at_entities
from train.baseline import train_fold_crf
from train.batches import Examples
from train.config import Config
from train.folds import Fold
from train.processes import is_main_process, main_process_first
from train.readings import Reading
from train.record import Outcome
from train.respelling import respelt_once
from train.trainer import Validate, train_checkpoint
from train.updates import updates_needed

_TIMED_UPDATES = 8


def train_encoder(fold: Fold, config: Config, folder: FoldFolder, *, updates_ahead: int) -> Outcome:
    """Fine-tune an encoder, continuing from the last whole checkpoint, and write the model and the log.

    A CRF of the config is trained last. The validation documents are scored with both.
    """
    set_seed(config.seed)
    checkpoint, examples = _prepare(fold, config, folder.model)
    validate = _validator(checkpoint, fold.validation)
    log = train_checkpoint(
        checkpoint, examples, config, folder.checkpoints, validate=validate, updates_ahead=updates_ahead
    )
    checkpoint.model.eval()
    with main_process_first():
        if is_main_process():
            _write_model(checkpoint, fold, config, folder.model)
            write_text(folder.log, format_json_lines(log))
    model = join_crf(checkpoint, folder.model)
    validation = _score_validation(model, fold.validation) if fold.validation else None
    return Outcome(validation, updates=int(log[-1]["step"]), train_loss=log[-1]["train_loss"])


def estimate_seconds(fold: Fold, config: Config) -> float:
    """Estimate how long a fold's training takes, from a few updates of a model that is thrown away."""
    set_seed(config.seed)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint, examples = _prepare(fold, config, Path(folder))
        taken = []
        for updates in (1, 1, 1 + _TIMED_UPDATES):  # the very first one is slower
            started = time.monotonic()
            train_checkpoint(checkpoint, examples, config, Path(folder), max_updates=updates)
            taken.append(time.monotonic() - started)
    return updates_needed(fold, config) * max(taken[2] - taken[1], 0.0) / _TIMED_UPDATES


def _prepare(fold: Fold, config: Config, folder: Path) -> tuple[Checkpoint, Examples]:
    """Segment and encode the training sentences, and make the model to be trained on them."""
    segmenter = SEGMENTERS[config.segmenter]
    words = [split_at_entities(segment(s.tokens, segmenter), s.tags) for s in fold.sentences]
    checkpoint = _fresh_checkpoint(fold, words, config, folder)
    readings = [
        Reading(tuple(word.text for word in own), tuple(sentence.tags[word.first] for word in own), sentence.document)
        for sentence, own in zip(fold.sentences, words, strict=True)
    ]
    training = config.training
    return checkpoint, Examples(readings, checkpoint, training.mention_replacement, dict(training.spelling or {}))


def _fresh_checkpoint(fold: Fold, words: Sequence[Sequence[Word]], config: Config, folder: Path) -> Checkpoint:
    """Load the encoder, or learn a vocabulary from the fold's training sentences and make one with random weights."""
    if config.scratch is None:
        with main_process_first():  # which may have to build it
            model, tokenizer = load_encoder(
                config.encoder, config.vocabulary, fold.tags, config.dropout, config.attention_dropout
            )
        source = CheckpointSource(config.encoder)
        with source.reading():
            checkpoint = Checkpoint(model, tokenizer, fold.tags, config.segmenter)
        check_trial(source, checkpoint.probabilities, fold.tags)
        return checkpoint
    size = config.scratch
    with main_process_first():
        if is_main_process():
            with writing(folder):
                learn_phobert_vocabulary((word.text for sentence in words for word in sentence), size.merges, folder)
    tokenizer = phobert_tokenizer(folder)
    description = small_roberta(tokenizer, **size.model_dump(exclude={"merges"}))
    model = blank_model(description, fold.tags, config.dropout, config.attention_dropout)
    return Checkpoint(model, tokenizer, fold.tags, config.segmenter)


def _validator(checkpoint: Checkpoint, documents: Sequence[Document]) -> Validate | None:
    """Make the function that scores the model on the validation documents, if there are any."""

    def validate() -> float:
        was_training = checkpoint.model.training
        checkpoint.model.eval()
        f1 = _score_validation(checkpoint, documents).f1
        checkpoint.model.train(was_training)
        return f1

    return validate if documents else None


def _score_validation(model: TagModel, documents: Sequence[Document]) -> Score:
    """Score the validation documents."""
    return score(documents, list(Tagger([model]).tag_many(documents))).micro


def _write_model(checkpoint: Checkpoint, fold: Fold, config: Config, folder: Path) -> None:
    """Write the checkpoint and, if the config has one, train its CRF and write it beside.

    The CRF reads every sentence as it is and, if the encoder learns other spellings, some in another one too.
    """
    if config.crf is None:
        checkpoint.save(folder)
        return
    checkpoint.model.config.crf_weight = config.crf.weight
    checkpoint.save(folder)
    readings = [Reading(tuple(token.text for token in s.tokens), s.tags, s.document) for s in fold.sentences]
    if spelling := config.training.spelling:
        generator = torch.Generator().manual_seed(config.seed)
        readings = [*readings, *respelt_once(readings, dict(spelling), generator)]
    train_fold_crf(((reading.words, reading.tags) for reading in readings), config.crf, folder)

"""One fold to one model."""

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import ProgressCallback, Trainer, TrainingArguments, set_seed
from transformers.utils import logging as transformers_logging

from thidua_ner.encoders import RobertaSize, learn_phobert_tokenizer, small_roberta
from thidua_ner.files import write_text
from thidua_ner.models import MASKED, Checkpoint, new_checkpoint
from thidua_ner.records import format_json_lines, write_documents
from thidua_ner.scoring import score
from thidua_ner.spans import Document
from thidua_ner.tagger import Tagger
from thidua_ner.traces import traces_of
from thidua_ner.words import SEGMENTERS, Word, ceiling, segment, split_at_entities
from train.batches import ShiftingCollator
from train.config import Config
from train.data import Fold, TaggedSentence
from train.progress import QuietProgress

FINISHED = "fold.json"
"""Written last: a fold folder that has it is complete."""


def train_fold(fold: Fold, config: Config, folder: Path) -> dict[str, Any]:
    """Train a fold's model into `folder/model`, going on from the last whole checkpoint there; return its record."""
    started = time.monotonic()
    transformers_logging.disable_progress_bar()  # of writing weights; the Trainer's own bar stays
    set_seed(config.seed)
    segmenter = SEGMENTERS[config.segmenter]
    words = [split_at_entities(segment(s.tokens, segmenter), s.tags) for s in fold.sentences]
    checkpoint = _fresh_checkpoint(fold, words, config, folder / "model")
    examples = _examples(fold.sentences, words, checkpoint)
    log = _fit(checkpoint, examples, config, folder / "checkpoints")
    checkpoint.model.eval()
    checkpoint.save(folder / "model")
    write_text(folder / "train_log.jsonl", format_json_lines(log))
    write_documents(folder / "test.jsonl", fold.test)
    record = {
        "fold": fold.name,
        "seed": config.seed,
        "train_documents": {document.id: document.text_sha256 for document in fold.train_documents},
        "train_traces": sorted(traces_of(fold.train_documents)),
        "test_documents": [document.id for document in fold.test],
        "train_sentences": len(fold.sentences),
        "updates": log[-1]["step"],
        "train_loss": log[-1]["train_loss"],
        "segmentation_ceiling": {
            "train": ceiling(fold.train_documents, segmenter),
            "test": ceiling(fold.test, segmenter),
        },
        "validation": _validate(checkpoint, fold.validation),
        "seconds": round(time.monotonic() - started, 1),
    }
    write_text(folder / FINISHED, json.dumps(record, indent=2) + "\n")
    return record


def _fresh_checkpoint(fold: Fold, words: Sequence[Sequence[Word]], config: Config, folder: Path) -> Checkpoint:
    """Learn the vocabulary from the fold's training sentences and make a model with random weights."""
    size = config.scratch
    spellings = (word.text for sentence in words for word in sentence)
    tokenizer = learn_phobert_tokenizer(spellings, size.merges, folder)
    description = small_roberta(tokenizer, RobertaSize(**size.model_dump(exclude={"merges"})))
    return new_checkpoint(description, tokenizer, fold.tags, config.segmenter)


def _examples(
    sentences: Sequence[TaggedSentence], words: Sequence[Sequence[Word]], checkpoint: Checkpoint
) -> list[dict[str, list[int]]]:
    """Encode sentences; the class of a word stands at its first subword."""
    encoder = checkpoint.subword_encoder()
    examples = []
    for sentence, own in zip(sentences, words, strict=True):
        classes = [checkpoint.tags.index(sentence.tags[word.first]) for word in own]
        for window in encoder.encode([word.text for word in own]):
            labels = [MASKED] * len(window.input_ids)
            for place, head in enumerate(window.heads):
                labels[head] = classes[window.first_word + place]
            examples.append({"input_ids": window.input_ids, "labels": labels})
    return examples


def _fit(
    checkpoint: Checkpoint, examples: list[dict[str, list[int]]], config: Config, folder: Path
) -> list[dict[str, float]]:
    """Train in place with the `transformers` Trainer and return its log."""
    training = config.training
    updates = -(-len(examples) // training.batch_size)
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        learning_rate=training.learning_rate,
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        save_strategy="steps",
        save_steps=updates * training.checkpoint_every,
        save_total_limit=1,
        logging_steps=updates,
        seed=config.seed,
        report_to="none",
        remove_unused_columns=False,
        dataloader_pin_memory=False,
    )
    trainer = Trainer(
        model=checkpoint.model,
        args=arguments,
        train_dataset=examples,
        data_collator=ShiftingCollator.for_checkpoint(checkpoint, training.position_shift),
        processing_class=checkpoint.tokenizer,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(QuietProgress)
    trainer.train(resume_from_checkpoint=_last_whole_checkpoint(folder))
    return list(trainer.state.log_history)


def _last_whole_checkpoint(folder: Path) -> str | None:
    """Find the last checkpoint that was written to its end, and delete those that were not."""
    whole: list[tuple[int, str]] = []
    for path in folder.glob("checkpoint-*"):
        try:
            state = json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))  # written last
            whole.append((int(state["global_step"]), str(path)))
        except (OSError, ValueError, KeyError):
            shutil.rmtree(path)
    return max(whole)[1] if whole else None


def _validate(checkpoint: Checkpoint, documents: Sequence[Document]) -> dict[str, float] | None:
    """Score the validation documents, where the fold has any."""
    if not documents:
        return None
    predicted = list(Tagger([checkpoint]).tag_many(documents))
    micro: dict[str, float] = score(documents, predicted)["micro"]
    return micro

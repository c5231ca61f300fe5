"""Time our training against the stock token-classification recipe, on the same sentences, epochs and device.

python -m benchmarks.training
python -m benchmarks.training --rounds 5 --copies 6
python -m benchmarks.training --encoder FOLDER     # both start from this checkpoint, with its whole vocabulary

Both train on a GPU if there is one, ours in bfloat16 if the device computes in it, the stock recipe in float32.

The stock recipe is the `transformers` Trainer with its own settings: the whole vocabulary, float32, batches drawn at
random and padded to their longest sentence. Ours is configs/cpu-small.yaml as `python -m train` runs it, but
without mention replacement. Both start from the same encoder and read the gold sentences, repeated a few times. They
alternate, one epoch each; loading and the first epoch of each are not counted.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from tabulate import tabulate
from transformers import DataCollatorForTokenClassification, ProgressCallback, Trainer, TrainingArguments, set_seed

from thidua_ner.formats import brat
from thidua_ner.models.checkpoints import Checkpoint
from thidua_ner.models.encoders import load_encoder
from thidua_ner.runs.manifest import processor_name
from thidua_ner.text.labels import TAGS
from train.batches import Examples
from train.config import Config, load_config
from train.folds import tag_sentences
from train.readings import Reading
from train.trainer import precision_used, train_checkpoint
from train.updates import updates_per_epoch

Turn = Callable[[], object]
"""Trains for one epoch."""


def read_gold(copies: int) -> list[Reading]:
    """Read the gold sentences, `copies` times each."""
    sentences = tag_sentences(brat.read_folder(Path("annotations/gold")))
    return [Reading(tuple(t.text for t in s.tokens), s.tags) for s in sentences] * copies


def our_turn(config: Config, readings: list[Reading], folder: Path) -> Turn:
    """Prepare our training as a turn."""
    model, tokenizer = load_encoder(config.encoder, config.vocabulary, TAGS, config.dropout, config.attention_dropout)
    checkpoint = Checkpoint(model, tokenizer, TAGS, config.segmenter)
    examples = Examples(readings, checkpoint)
    updates = updates_per_epoch(config.training, len(examples))
    return lambda: train_checkpoint(checkpoint, examples, config, folder, max_updates=updates)


def stock_turn(config: Config, readings: list[Reading], folder: Path) -> Turn:
    """Prepare the stock recipe, with the same batch size and learning rate, as a turn."""
    model, tokenizer = load_encoder(config.encoder, "full", TAGS)
    examples = Examples(readings, Checkpoint(model, tokenizer, TAGS, config.segmenter))

    def turn() -> object:
        arguments = TrainingArguments(
            output_dir=str(folder),
            num_train_epochs=1,
            per_device_train_batch_size=config.training.batch_size,
            learning_rate=config.training.learning_rate,
            save_strategy="no",
            report_to="none",
            use_cpu=not torch.cuda.is_available(),
            remove_unused_columns=False,
            dataloader_pin_memory=False,
        )
        collator = DataCollatorForTokenClassification(tokenizer)
        trainer = Trainer(model=model, args=arguments, train_dataset=examples, data_collator=collator)
        trainer.remove_callback(ProgressCallback)
        return trainer.train()

    return turn


def time_turns(turns: dict[str, Turn], rounds: int) -> dict[str, list[float]]:
    """Run the turns alternately; return the seconds of each, without a first round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, turn in turns.items():
            started = time.perf_counter()
            turn()
            taken = time.perf_counter() - started
            print(f"round {number} of {rounds}, {name}: {taken:.1f} s", flush=True)
            if number:
                seconds[name].append(taken)
    return seconds


def main() -> None:
    """Print the sentences per second of both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="counted epochs of each")
    parser.add_argument("--copies", type=int, default=3, help="times that the 84 gold sentences are repeated")
    parser.add_argument("--encoder", help="a checkpoint to start from instead of the packaged one")
    options = parser.parse_args()
    overrides = [f"encoder={options.encoder}", "vocabulary=full"] if options.encoder else []
    config = cast("Config", load_config(Path("configs/cpu-small.yaml"), overrides))
    readings = read_gold(options.copies)
    set_seed(config.seed)
    with tempfile.TemporaryDirectory() as folder:
        turns = {
            "ours": our_turn(config, readings, Path(folder)),
            "stock": stock_turn(config, readings, Path(folder)),
        }
        seconds = time_turns(turns, options.rounds)
    rows = [[name, len(readings) / statistics.median(taken), min(taken), max(taken)] for name, taken in seconds.items()]
    headers = ["training", "sentences/s", "fastest s", "slowest s"]
    print(f"\n{tabulate(rows, headers=headers, floatfmt='.1f')}")
    ratios = [stock / ours for ours, stock in zip(seconds["ours"], seconds["stock"], strict=True)]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()
    print(f"\n{device}, torch {torch.__version__}, ours in {precision_used(config.training)}")
    print(f"ours is {statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()

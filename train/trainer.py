"""The `transformers` Trainer with our batches, learning rates, loss and F1."""

import math
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    PreTrainedModel,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.utils import logging as transformers_logging

from thidua_ner.faults import fail
from thidua_ner.models.checkpoints import MASKED, Checkpoint, writing
from train.batches import Examples, LengthSampler, ShiftingCollator
from train.checkpoints import (
    checkpoint_path,
    delete_old_checkpoints,
    last_whole_checkpoint,
    newest_update,
    seal_checkpoint,
)
from train.config import Config, TrainingConfig
from train.dropout import use_byte_dropout
from train.processes import is_main_process, main_process_first, n_processes, tell_once, wait_for_everyone
from train.progress import QuietProgress
from train.updates import epochs_needed, updates_per_epoch

MOST_SUBWORDS = 512
"""What a CPU reads at once, padding included; it bounds the memory of a batch."""

_KERNEL_CACHES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256", "LRU_CACHE_CAPACITY": "64"}
"""How many kernels torch caches on a CPU: each shape of batch has its own, and 1024 of them fill a gigabyte."""

Validate = Callable[[], float]
"""Returns the current F1 of the model on the validation documents."""


class TaggerTrainer(Trainer):  # type: ignore[misc]
    """Trains a token classifier; `validate` replaces the Trainer's own evaluation."""

    def __init__(
        self, *, head_learning_rate: float | None, layer_decay: float, validate: Validate | None, **arguments: Any
    ) -> None:
        super().__init__(compute_loss_func=token_loss, **arguments)
        self._head_learning_rate, self._layer_decay = head_learning_rate, layer_decay
        self._validate = validate

    def _get_train_sampler(self, train_dataset: Examples | None = None) -> LengthSampler:
        examples: Examples = train_dataset or self.train_dataset
        return LengthSampler(examples, self.args.train_batch_size * self.args.world_size, self.args.seed)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make the optimizer: a lower rate for each layer further down, and one of its own for the head."""
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        factors = layer_factors(self.model, self._layer_decay)
        for group in list(optimizer.param_groups):
            by_rate: dict[float, list[nn.Parameter]] = {}
            for parameter in group["params"]:
                by_rate.setdefault(self._rate(group["lr"], factors.get(id(parameter))), []).append(parameter)
            (group["lr"], group["params"]), *others = by_rate.items()
            for rate, parameters in others:
                optimizer.add_param_group({**group, "params": parameters, "lr": rate})
        return optimizer

    def _rate(self, rate: float, factor: float | None) -> float:
        """Give the learning rate of a parameter of the encoder or, without a factor, of the head."""
        return (self._head_learning_rate or rate) if factor is None else rate * factor

    def training_step(
        self, model: nn.Module, inputs: dict[str, Tensor], num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Run forward and backward; a CPU takes a batch of long sentences in parts, whose gradients add up."""
        rows, length = inputs["input_ids"].shape
        at_once = max(1, MOST_SUBWORDS // length)
        if rows <= at_once or n_processes() > 1 or torch.cuda.is_available():
            whole: Tensor = super().training_step(model, inputs, num_items_in_batch)
            return whole
        parts = [
            {name: values[first : first + at_once] for name, values in inputs.items()}
            for first in range(0, rows, at_once)
        ]
        losses = [super(TaggerTrainer, self).training_step(model, part, num_items_in_batch) for part in parts]
        return torch.stack(losses).sum()

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the validation documents."""
        assert self._validate is not None  # noqa: S101
        metrics = {"eval_f1": self._validate()}
        self.log(metrics)
        # the callbacks may ask the Trainer to stop
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _save_checkpoint(self, model: nn.Module, trial: None) -> None:
        """Write a checkpoint, and seal it when every process has written its part."""
        folder = Path(self.args.output_dir)
        path = checkpoint_path(folder, self.state.global_step)
        with writing(path):
            super()._save_checkpoint(model, trial)
            wait_for_everyone()
            if is_main_process():
                seal_checkpoint(path)
                delete_old_checkpoints(folder)

    def _load_best_model(self) -> None:
        """Load the best model from where the checkpoints are now: the folder may have been moved since."""
        path = checkpoint_path(Path(self.args.output_dir), self.state.best_global_step)
        self.state.best_model_checkpoint = str(path)
        super()._load_best_model()


class EarlyStopping(TrainerCallback):  # type: ignore[misc]
    """Stops when the F1 has not got better for some epochs, which the log tells, so that a resumed run stops too."""

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def is_over(self, state: TrainerState) -> bool:
        """Tell whether the last epochs of a log have brought nothing better."""
        scores = [row["eval_f1"] for row in state.log_history if "eval_f1" in row]
        return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= self._patience

    def on_evaluate(self, _: TrainingArguments, state: TrainerState, control: TrainerControl, **__: Any) -> None:
        """Ask the Trainer to stop."""
        control.should_training_stop |= self.is_over(state)


def layer_factors(model: PreTrainedModel, decay: float) -> dict[int, float]:
    """Give each parameter of an encoder, by its `id`, the factor of its learning rate.

    It is 1 in the last layer, `decay` times as much in each layer below, and once more in the embeddings.
    """
    encoder = model.base_model
    depth = model.config.num_hidden_layers
    stacks = (part for part in encoder.modules() if isinstance(part, nn.ModuleList) and len(part) == depth)
    layers: Sequence[nn.Module] = list(next(stacks, nn.ModuleList()))
    factors = {id(parameter): decay ** len(layers) for parameter in encoder.parameters()}
    for below, layer in enumerate(reversed(layers)):
        factors |= {id(parameter): decay**below for parameter in layer.parameters()}
    return factors


def token_loss(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
    """Average the cross-entropy over the words of an update, on all processes."""
    logits = outputs["logits"].float().flatten(0, 1)
    total = nn.functional.cross_entropy(logits, labels.flatten(), ignore_index=MASKED, reduction="sum")
    return total / (num_items_in_batch if num_items_in_batch is not None else (labels != MASKED).sum())


def native_bf16() -> bool:
    """Tell whether the device that trains computes in bfloat16, rather than only storing it."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _uses_bf16(training: TrainingConfig) -> bool:
    return training.precision == "bf16" or (training.precision == "auto" and native_bf16())


def precision_used(training: TrainingConfig) -> str:
    """Name the precision of the training on this machine; `accelerate launch` may lower the config's `fp32`."""
    if _uses_bf16(training):
        return "bf16"
    launched = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")  # which the Trainer obeys
    return "fp32" if launched == "no" else launched


def train_checkpoint(
    checkpoint: Checkpoint,
    examples: Examples,
    config: Config,
    folder: Path,
    *,
    validate: Validate | None = None,
    max_updates: int | None = None,
    updates_ahead: int = 0,
) -> list[dict[str, float]]:
    """Train a model in place, continuing from the last whole checkpoint in `folder`, and return the log.

    With `max_updates` the training is a trial: it stops there and writes no checkpoint. `updates_ahead` counts the
    updates of the trainings that follow, for the remaining time that is shown.
    """
    transformers_logging.disable_progress_bar()  # of writing weights; the Trainer's own bar stays
    training = config.training
    if n_processes() > 1:
        examples.fill_up(training.batch_size)
    if not torch.cuda.is_available():
        for name, capacity in _KERNEL_CACHES.items():
            os.environ.setdefault(name, capacity)  # read when the first kernel is compiled
        use_byte_dropout(checkpoint.model)
        checkpoint.model.set_attn_implementation("eager")  # the fused kernels are slow backward in bfloat16
    stopping = EarlyStopping(training.patience) if training.patience and validate and max_updates is None else None
    trainer = TaggerTrainer(
        head_learning_rate=training.head_learning_rate,
        layer_decay=training.layer_decay,
        validate=validate,
        model=checkpoint.model,
        args=_arguments(config, len(examples), folder, stopping is not None, max_updates),
        train_dataset=examples,
        eval_dataset=[] if stopping else None,  # required, but not read: `evaluate` scores documents
        data_collator=ShiftingCollator.for_checkpoint(checkpoint, training.position_shift),
        processing_class=checkpoint.tokenizer,
        callbacks=[stopping] if stopping else None,
    )
    trainer.remove_callback(ProgressCallback)
    if max_updates is not None:
        _train(trainer, folder, stopping)
        return list(trainer.state.log_history)
    progress = QuietProgress(updates_ahead)
    trainer.add_callback(progress)
    with _stop_told(trainer, folder), closing(progress):
        _train(trainer, folder, stopping)
    return with_mean_loss(trainer.state.log_history)


@contextmanager
def _stop_told(trainer: TaggerTrainer, folder: Path) -> Iterator[None]:
    """Say at which update a training was interrupted, and which one its newest checkpoint is of."""
    try:
        yield
    except KeyboardInterrupt:
        at = f"at update {trainer.state.global_step} of {trainer.state.max_steps}"
        kept = newest_update(folder)
        checkpoint = f"its newest checkpoint is that of update {kept}" if kept else "it has no checkpoint yet"
        where = at if trainer.state.global_step else "before its first update"
        tell_once(folder.parent, f"stopped {where}; {checkpoint}")
        raise


def _train(trainer: TaggerTrainer, folder: Path, stopping: EarlyStopping | None) -> None:
    """Train from the last whole checkpoint of a folder; raises DataError if its state holds code."""
    with main_process_first():  # it deletes damaged checkpoints
        last = last_whole_checkpoint(folder)
    if last and stopping:
        state = TrainerState.load_from_json(str(last / "trainer_state.json"))
        if stopping.is_over(state):
            trainer.args.num_train_epochs = state.epoch  # only the best model is left to load
    try:
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    except pickle.UnpicklingError:  # torch reads weights and numbers only
        fail(str(last), "has a state that is damaged or holds code", "delete this folder and resume the training")


def with_mean_loss(log: Sequence[dict[str, float]]) -> list[dict[str, float]]:
    """Replace the `train_loss` at the end of a log by the mean over all updates.

    That of the Trainer is the mean over those since it was last resumed.
    """
    rows = [row for row in log if "loss" in row]
    before = [0.0, *(row["step"] for row in rows)]
    total = sum(row["loss"] * (row["step"] - first) for row, first in zip(rows, before, strict=False))
    return [*log[:-1], {**log[-1], "train_loss": total / before[-1]}]


def _arguments(
    config: Config, n_examples: int, folder: Path, stops_early: bool, max_updates: int | None
) -> TrainingArguments:
    """Translate a config for the Trainer; checkpoints are written at the ends of epochs."""
    training = config.training
    updates = updates_per_epoch(training, n_examples)
    epochs_between = 1 if stops_early else math.ceil(training.checkpoint_every / updates)
    best = {"load_best_model_at_end": True, "metric_for_best_model": "f1", "greater_is_better": True}
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs_needed(training, n_examples),
        max_steps=-1 if max_updates is None else max_updates,
        per_device_train_batch_size=training.batch_size // n_processes(),
        learning_rate=training.learning_rate,
        lr_scheduler_type="linear" if training.schedule == "linear" else "constant_with_warmup",
        warmup_steps=training.warmup,
        weight_decay=training.weight_decay,
        optim="adamw_torch_fused",
        bf16=_uses_bf16(training),
        save_strategy="steps" if max_updates is None else "no",
        save_steps=updates * epochs_between,
        eval_strategy="steps" if stops_early else "no",
        eval_steps=updates,
        logging_steps=updates,
        seed=config.seed,
        ddp_find_unused_parameters=False,
        use_cpu=not torch.cuda.is_available(),
        report_to="tensorboard" if training.tensorboard else "none",
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        **(best if stops_early else {}),
    )
    # otherwise a process uses all GPUs that it sees, and its batches are as many times as large
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments

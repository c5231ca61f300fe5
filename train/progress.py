"""The Trainer's progress bar with the loss beside it, and no lines in between."""

from typing import Any

from transformers import ProgressCallback


class QuietProgress(ProgressCallback):  # type: ignore[misc]
    """Shows the last loss at the end of the bar instead of printing every log record."""

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """Put the loss of the last epoch at the end of the bar."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix(loss=f"{float(logs['loss']):.3f}")

"""The Trainer's progress bar with the loss at its end, and no lines in between."""

from typing import Any

from tqdm import tqdm
from transformers import ProgressCallback


class QuietProgress(ProgressCallback):  # type: ignore[misc]
    """Shows the last loss at the end of the bar instead of printing every log record.

    If other trainings follow, it shows the remaining time of all of them too.
    """

    def __init__(self, updates_ahead: int = 0) -> None:
        """Take the number of updates of the trainings that follow."""
        super().__init__()
        self._updates_ahead = updates_ahead

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """Put the loss of the last epoch at the end of the bar."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix({"loss": f"{float(logs['loss']):.3f}", **self._remaining()})

    def close(self) -> None:
        """End the line of the bar, which a training that fails leaves open."""
        if self.training_bar is not None:
            self.training_bar.close()

    def _remaining(self) -> dict[str, str]:
        """Estimate the time of this training and those that follow, from the rate of this one."""
        rate = self.training_bar.format_dict["rate"]
        if not self._updates_ahead or not rate:
            return {}
        updates = self.training_bar.total - self.training_bar.n + self._updates_ahead
        return {"all folds": f"{tqdm.format_interval(updates / rate)} left"}

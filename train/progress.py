"""The Trainer's progress bar with the loss beside it, and no lines in between."""

from typing import Any

from tqdm import tqdm
from transformers import ProgressCallback


class QuietProgress(ProgressCallback):  # type: ignore[misc]
    """Shows the last loss at the end of the bar instead of printing every log record.

    Where other folds come after this one, it shows the time that is left for all.
    """

    def __init__(self, ahead: int = 0) -> None:
        """Take the number of updates that come after this training's own."""
        super().__init__()
        self._ahead = ahead

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """Put the loss of the last epoch at the end of the bar."""
        if self.training_bar is not None and logs and "loss" in logs:
            self.training_bar.set_postfix({"loss": f"{float(logs['loss']):.3f}", **self._left()})

    def _left(self) -> dict[str, str]:
        """Tell how long this fold and those after it will take, by the rate of this one."""
        rate = self.training_bar.format_dict["rate"]
        if not self._ahead or not rate:
            return {}
        updates = self.training_bar.total - self.training_bar.n + self._ahead
        return {"all folds": f"{tqdm.format_interval(updates / rate)} left"}

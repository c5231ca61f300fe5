"""An encoder and a CRF as one model, the product of their probabilities (a logarithmic opinion pool; Heskes, 1998)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thidua_ner.baselines.folder import crf_path, load_crf
from thidua_ner.faults import fail
from thidua_ner.runs.folder import model_config_path, read_model_config

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from thidua_ner.tagging.tagger import TagModel

_FLOOR = 1e-12
"""The least probability that counts: a tag that one model excludes is unlikely, not impossible."""


class Product:
    """Two models as one: the weighted geometric mean of their probabilities, normalised for each word."""

    def __init__(self, encoder: "TagModel", crf: "TagModel", weight: float) -> None:
        """Take two models that read the same words and have the same tags; `weight` is the exponent of the second."""
        self._encoder, self._crf, self._weight = encoder, crf, weight
        self.tags, self.segmenter = encoder.tags, encoder.segmenter

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> "list[NDArray[np.float64]]":
        """Compute the tag probabilities of each sentence, words by tags."""
        pairs = zip(self._encoder.probabilities(sentences), self._crf.probabilities(sentences), strict=True)
        return [self._joined(encoder, crf) for encoder, crf in pairs]

    def _joined(self, encoder: "NDArray[np.float64]", crf: "NDArray[np.float64]") -> "NDArray[np.float64]":
        import numpy as np

        product = np.maximum(encoder, _FLOOR) ** (1 - self._weight) * np.maximum(crf, _FLOOR) ** self._weight
        normalised: NDArray[np.float64] = product / product.sum(-1, keepdims=True)
        return normalised


def join_crf(model: "TagModel", folder: Path) -> "TagModel":
    """Join a model with the CRF in its folder, if its `config.json` gives one a weight.

    Raises DataError if the CRF is missing or damaged.
    """
    weight = read_model_config(folder).crf_weight
    if weight is None:
        return model
    if not crf_path(folder).exists():
        what = f"is missing, the CRF to which {model_config_path(folder).name} gives a weight (crf_weight)"
        fail(crf_path(folder), what, "copy the whole folder of the model, or train it again")
    return Product(model, load_crf(folder), weight)

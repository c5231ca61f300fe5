"""The folder of a baseline: a `config.json` like a checkpoint's, whose `model_type` names it, and a CRF's model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from thidua_ner.baselines.crf import CrfModel
from thidua_ner.baselines.foreign import underthesea_spans
from thidua_ner.baselines.rules import find_spans
from thidua_ner.files import write_json
from thidua_ner.runs.folder import model_config_path, model_type, read_model_config
from thidua_ner.text.spans import Document, Span, as_document

Baseline = Literal["rules", "crf", "underthesea"]
"""The baselines, by the `model_type` of their `config.json`."""

CRF: Baseline = "crf"

CRF_FILE = "model.crfsuite"
"""The file of a CRF's model, in the folder of a baseline or beside the encoder that it joins."""


class SpanFinder:
    """A tagger that calls a function to find the spans of a document."""

    def __init__(self, find: Callable[[Document], tuple[Span, ...]]) -> None:
        self._find = find

    def tag(self, text: str) -> Document:
        """Find the spans of a text."""
        return next(self.tag_many([text]))

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Find the spans of each text of a stream, in order."""
        for document in map(as_document, texts):
            yield document.with_spans(self._find(document))


FINDERS: dict[str, Callable[[Document], tuple[Span, ...]]] = {
    "rules": lambda document: find_spans(document.text),
    "underthesea": underthesea_spans,
}
"""The baselines that are not trained, by name."""


def is_baseline(folder: Path) -> bool:
    """Tell whether a model's folder holds a baseline instead of an encoder."""
    return model_type(folder) in get_args(Baseline)


def crf_path(folder: Path) -> Path:
    """Return the path of a CRF's model in its folder."""
    return folder / CRF_FILE


def save_baseline(folder: Path, baseline: Baseline, tags: Sequence[str]) -> None:
    """Write the `config.json` of a baseline with the tags of its training data."""
    config = {"model_type": baseline, "id2label": dict(enumerate(tags)), "segmenter": "none"}
    write_json(model_config_path(folder), config)


def load_crf(folder: Path) -> CrfModel:
    """Read a CRF from its folder; raises DataError if it is damaged."""
    return CrfModel(crf_path(folder), read_model_config(folder).tags)

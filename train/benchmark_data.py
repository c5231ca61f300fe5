"""The benchmark's own dataset: the folds of its protocols, each of which is a configuration of the dataset."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thidua_ner.faults import fail, some_of
from thidua_ner.files import read_text
from thidua_ner.protocols import select_folds
from thidua_ner.text.spans import Document, Span
from train.folds import Fold, tag_sentences
from train.loading import load_splits
from train.yaml_text import load_yaml

if TYPE_CHECKING:
    import datasets

_REBUILD = "run `thidua-ner build`"
_FENCE = "---\n"
"""The line before and after the header of a dataset card."""


def load_protocol(data: str, protocol: str) -> list[Fold]:
    """Read the folds of a protocol, or the one fold that is named, from a dataset folder.

    Raises UsageError if the dataset has no such fold, and DataError if it cannot be loaded.
    """
    chosen = select_folds(protocol, configuration_names(data))
    # `datasets` cannot tell a rebuilt folder from the one that is in its cache
    with tempfile.TemporaryDirectory() as cache:
        return list(_load_folds(data, chosen, cache))


def configuration_names(data: str) -> list[str]:
    """List the configurations of a dataset folder, as the header of its card names them."""
    card = Path(data) / "README.md"
    if not card.is_file() or not (content := read_text(card)).startswith(_FENCE):
        fail(data, "is not a dataset folder", f"{_REBUILD}, or correct the config's `data`")
    header = load_yaml(card, "\n" + content.split(_FENCE, 2)[1])  # so that lines are those of the file
    try:
        return [str(configuration["config_name"]) for configuration in header["configs"]]
    except (KeyError, TypeError):
        fail(card, "names no configurations in its header", _REBUILD)


def _load_folds(data: str, chosen: Mapping[str, str], cache: str) -> Iterator[Fold]:
    """Load the configurations of folds, given by the fold's name."""
    whole = load_splits(data, "documents", cache=cache, remedy=_REBUILD)
    documents = {row["id"]: _document(data, row) for split in whole.values() for row in split}
    for fold, configuration in chosen.items():
        splits = load_splits(data, configuration, cache=cache, remedy=_REBUILD)
        if "train" not in splits:
            fail(data, f"the configuration {configuration!r} has no split `train`", _REBUILD)
        if unknown := {name for split in splits.values() for name in split["doc_id"]} - set(documents):
            fail(data, f"the configuration {configuration!r} has sentences of {some_of(sorted(unknown))}", _REBUILD)
        yield _fold(fold, splits, documents)


def _document(data: str, row: Mapping[str, Any]) -> Document:
    """Turn a row into a document; raises DataError if its entities are not spans of its text."""
    try:
        return Document(row["id"], row["text"], tuple(Span(e["start"], e["end"], e["label"]) for e in row["entities"]))
    except ValueError as error:
        fail(data, f"{row['id']}: {error}", _REBUILD)


def _fold(name: str, splits: "datasets.DatasetDict", documents: Mapping[str, Document]) -> Fold:
    """Turn the splits of a configuration into a fold."""
    tags = tuple(splits["train"].features["ner_tags"].feature.names)

    def of(split: str) -> tuple[Document, ...]:
        return tuple(documents[i] for i in dict.fromkeys(splits[split]["doc_id"])) if split in splits else ()

    return Fold(name, tags, tuple(tag_sentences(of("train"))), of("train"), of("validation"), of("test"))

"""The dataset as folds: sentences to train on, whole documents to validate and test on."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from thidua_ner.faults import fail
from thidua_ner.files import read_text
from thidua_ner.spans import Document, Span
from thidua_ner.syllables import Token


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """The tokens of a sentence, in its own offsets, with a tag each."""

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """One model's data; `train_documents` are the documents that the sentences were cut from."""

    name: str
    tags: tuple[str, ...]
    sentences: tuple[TaggedSentence, ...]
    train_documents: tuple[Document, ...]
    validation: tuple[Document, ...]
    test: tuple[Document, ...]


def load_folds(data: str, protocol: str) -> list[Fold]:
    """Read the folds of a protocol: the dataset's configuration of that name, or all that begin with it."""
    card = Path(data) / "README.md"
    if not card.is_file() or not read_text(card).startswith("---"):
        fail(data, 0, "is not a dataset folder", "run `python -m thidua_ner build`, or correct the config's `data`")
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:  # `datasets` cannot tell a rebuilt folder from the one it has cached
        try:
            return _load_folds(data, protocol, cache)
        except (datasets.exceptions.DatasetsError, OSError, ValueError, KeyError) as error:
            fail(data, 0, f"cannot be loaded ({str(error).splitlines()[0]})", "run `python -m thidua_ner build`")


def _load_folds(data: str, protocol: str, cache: str) -> list[Fold]:
    def load(name: str) -> datasets.DatasetDict:
        return datasets.load_dataset(data, name, cache_dir=cache, keep_in_memory=True)

    names = datasets.get_dataset_config_names(data)
    splits = {name: load(name) for name in names if name == protocol or name.startswith(f"{protocol}-")}
    trainable = [name for name, split in splits.items() if "train" in split]
    if not trainable:
        known = "lodo, " + ", ".join(name for name in names if name not in ("gold", "documents"))
        fail(data, 0, f"has no protocol {protocol!r} with a training split", f"use one of {known}")
    documents = {row["id"]: _document(row) for split in load("documents").values() for row in split}
    return [_fold(name, splits[name], documents) for name in trainable]


def _document(row: dict[str, Any]) -> Document:
    return Document(row["id"], row["text"], tuple(Span(e["start"], e["end"], e["label"]) for e in row["entities"]))


def _fold(name: str, splits: datasets.DatasetDict, documents: dict[str, Document]) -> Fold:
    """Turn a configuration's splits into a fold."""
    tags = tuple(splits["train"].features["ner_tags"].feature.names)

    def of(split: str) -> tuple[Document, ...]:
        return tuple(documents[i] for i in dict.fromkeys(splits[split]["doc_id"])) if split in splits else ()

    return Fold(
        name, tags, tuple(_sentence(r, tags) for r in splits["train"]), of("train"), of("validation"), of("test")
    )


def _sentence(row: dict[str, Any], tags: Sequence[str]) -> TaggedSentence:
    tokens = map(Token, row["tokens"], row["token_starts"], row["token_ends"])
    return TaggedSentence(tuple(tokens), tuple(tags[index] for index in row["ner_tags"]))

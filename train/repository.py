"""Dataset repositories, on disk or on the hub: the benchmark's own with its protocols, and other people's."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets

from thidua_ner.faults import fail
from thidua_ner.files import read_text
from thidua_ner.formats import conll
from thidua_ner.text import iob2
from thidua_ner.text.spans import Document, Span
from train.config import HubData
from train.data import Fold, labels_of, tag_sentences

TRANSFER = "transfer"
"""The protocol whose configuration is the dataset's default."""

_LOADING_FAULTS = (datasets.exceptions.DatasetsError, OSError, ValueError, KeyError, RuntimeError)
_TOKEN_COLUMNS, _TAG_COLUMNS = ("tokens", "words"), ("ner_tags", "tags", "labels")


def load_protocol(data: str, protocol: str) -> list[Fold]:
    """Read the folds of a protocol: the benchmark's configuration of that name, or all that begin with it."""
    card = Path(data) / "README.md"
    if not card.is_file() or not read_text(card).startswith("---"):
        fail(data, "is not a dataset folder", "run `python -m thidua_ner build`, or correct the config's `data`")
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:  # `datasets` cannot tell a rebuilt folder from the one it has cached
        try:
            return _load_protocol(data, protocol, cache)
        except _LOADING_FAULTS as error:
            fail(data, f"cannot be loaded ({_first_line(error)})", "run `python -m thidua_ner build`")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or repr(error)).partition("\n")[0]


def _load_protocol(data: str, protocol: str, cache: str) -> list[Fold]:
    def load(name: str) -> datasets.DatasetDict:
        return datasets.load_dataset(data, name, cache_dir=cache, keep_in_memory=True)

    names = datasets.get_dataset_config_names(data)
    configurations = {TRANSFER: "default"} if protocol == TRANSFER else {name: name for name in names}
    splits = {
        name: load(configuration)
        for name, configuration in configurations.items()
        if name == protocol or name.startswith(f"{protocol}-")
    }
    trainable = [name for name, split in splits.items() if "train" in split]
    if not trainable:
        single = [name for name in names if name.startswith("lodo")]
        known = ", ".join([TRANSFER, "lodo", "lodo+synthetic", *single])
        fail(data, f"has no protocol {protocol!r} with a training split", f"use one of {known}")
    documents = {row["id"]: _document(row) for split in load("documents").values() for row in split}
    return [_fold(name, splits[name], documents) for name in trainable]


def _document(row: dict[str, Any]) -> Document:
    return Document(row["id"], row["text"], tuple(Span(e["start"], e["end"], e["label"]) for e in row["entities"]))


def _fold(name: str, splits: datasets.DatasetDict, documents: dict[str, Document]) -> Fold:
    """Turn a configuration's splits into a fold."""
    tags = tuple(splits["train"].features["ner_tags"].feature.names)

    def of(split: str) -> tuple[Document, ...]:
        return tuple(documents[i] for i in dict.fromkeys(splits[split]["doc_id"])) if split in splits else ()

    return Fold(name, tags, tuple(tag_sentences(of("train"))), of("train"), of("validation"), of("test"))


def load_splits(data: HubData) -> dict[str, list[Document]]:
    """Read the splits of any dataset of tokens and tags; each row is a document of one sentence."""
    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory() as cache:
        try:
            own_cache = cache if Path(data.dataset).exists() else None  # the hub's datasets stay in the user's cache
            loaded = datasets.load_dataset(data.dataset, data.config, cache_dir=own_cache, keep_in_memory=True)
        except _LOADING_FAULTS as error:
            remedy = "name a folder or, with a network, a dataset of the hub; and one of its configurations as `config`"
            fail(data.dataset, f"cannot be loaded ({_first_line(error)})", remedy)
        if "train" not in loaded:
            fail(data.dataset, f"has no split `train`, only {', '.join(loaded)}", "name another `config`")
        splits = {split: _documents(data, split, rows) for split, rows in loaded.items()}
    known = labels_of(splits["train"])
    if not known:
        fail(data.dataset, "split train has no entity", "check that its tags are IOB2: O, B-LABEL, I-LABEL")
    for split, documents in splits.items():
        if unknown := sorted(set(labels_of(documents)) - set(known)):
            what = f"split {split} has the labels {', '.join(unknown)}, which the training split lacks"
            fail(data.dataset, what, "correct its tags, or train on data that has them")
    return splits


def _documents(data: HubData, split: str, rows: datasets.Dataset) -> list[Document]:
    """Turn rows of tokens and tags into documents; DataError names the first faulty row."""
    tokens, tags = (
        next((name for name in names if name in rows.column_names), "") for names in (_TOKEN_COLUMNS, _TAG_COLUMNS)
    )
    if not tokens or not tags:
        remedy = f"name the tokens {' or '.join(_TOKEN_COLUMNS)} and the tags {' or '.join(_TAG_COLUMNS)}"
        fail(data.dataset, f"split {split} has the columns {', '.join(rows.column_names)}", remedy)
    names = getattr(getattr(rows.features[tags], "feature", None), "names", None)
    return [
        _tagged(data, f"{split}, row {number}", row[tokens], row[tags], names) for number, row in enumerate(rows, 1)
    ]


def _tagged(
    data: HubData, place: str, tokens: Sequence[str], tags: Sequence[Any], names: Sequence[str] | None
) -> Document:
    """Turn one row into a document."""
    if not names and not all(isinstance(tag, str) for tag in tags):
        fail(data.dataset, f"{place}: the tags are numbers without names", "declare them as ClassLabel")
    if not tokens or not all(isinstance(token, str) and token.strip() for token in tokens):
        fail(data.dataset, f"{place}: a token is empty, or there is none", "delete it")
    document = conll.from_tokens(tokens)
    try:
        written = [names[tag] if names else tag for tag in tags]
        spans = iob2.decode(written, document.given[0].tokens, data.repair)
    except (ValueError, IndexError) as error:
        fail(data.dataset, f"{place}: {error}", "correct the tags (IOB2), or set `repair: conlleval`")
    return Document(place, document.text, tuple(spans), document.given)

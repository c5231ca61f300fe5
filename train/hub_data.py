"""Any dataset of tokens and tags that `datasets` can load, from a folder or from the hub."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thidua_ner.faults import fail
from thidua_ner.text import iob2
from thidua_ner.text.spans import Document, document_of_tokens
from train.config import HubData
from train.folds import Fold, labels_of, whole_fold
from train.loading import load_splits

if TYPE_CHECKING:
    import datasets

_TOKEN_COLUMNS, _TAG_COLUMNS = ("tokens", "words"), ("ner_tags", "tags", "labels")
_REMEDY = "name a folder or, with a network, a dataset of the hub; and one of its configurations as `config`"


def load_hub_dataset(data: HubData) -> Fold:
    """Read the splits of a dataset, each row a document of one sentence.

    Raises DataError if it cannot be loaded, if a row is faulty, or if another split has labels that the training split
    lacks.
    """
    splits = _load_splits(data)
    known = labels_of(splits["train"])
    if not known:
        fail(data.dataset, "split train has no entity", "check that its tags are IOB2: O, B-LABEL, I-LABEL")
    for split, documents in splits.items():
        if unknown := sorted(set(labels_of(documents)) - set(known)):
            what = f"split {split} has the labels {', '.join(unknown)}, which the training split lacks"
            fail(data.dataset, what, "correct its tags, or train on data that has them")
    return whole_fold(splits)


def _load_splits(data: HubData) -> dict[str, list[Document]]:
    """Load every split."""
    with tempfile.TemporaryDirectory() as cache:
        own_cache = cache if Path(data.dataset).exists() else None  # the hub's datasets stay in the user's cache
        loaded = load_splits(data.dataset, data.config, cache=own_cache, remedy=_REMEDY)
        if "train" not in loaded:
            fail(data.dataset, f"has no split `train`, only {', '.join(loaded)}", "name another `config`")
        return {split: _documents(data, split, rows) for split, rows in loaded.items()}


def _documents(data: HubData, split: str, rows: "datasets.Dataset") -> list[Document]:
    """Turn rows of tokens and tags into documents; raises DataError with the first faulty row."""
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
    """Turn one row into a document; `names` are those of the tags if these are numbers."""
    if not names and not all(isinstance(tag, str) for tag in tags):
        fail(data.dataset, f"{place}: the tags are numbers without names", "declare them as ClassLabel")
    if not tokens or not all(isinstance(token, str) and token.strip() for token in tokens):
        fail(data.dataset, f"{place}: a token is empty, or there is none", "delete it")
    document = document_of_tokens(tokens, place)
    try:
        written = [names[tag] if names else tag for tag in tags]
        spans = iob2.decode(written, document.given[0].tokens, data.repair)
    except (ValueError, IndexError) as error:
        fail(data.dataset, f"{place}: {error}", "correct the tags (IOB2), or set `repair: conlleval`")
    return document.with_spans(tuple(spans))

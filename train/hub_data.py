"""Any dataset of tokens and tags that `datasets` can load, from a folder or from the hub."""

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from thidua_ner.faults import DataError, Fault, fail, some_of
from thidua_ner.text import iob2, schemes
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document, document_of_tokens, is_label, label_remedy
from train.config import HubData
from train.folds import Fold, labels_of, whole_fold
from train.loading import load_splits
from train.processes import tell_once

if TYPE_CHECKING:
    import datasets

_TOKEN_COLUMNS, _TAG_COLUMNS = ("tokens", "words"), ("ner_tags", "tags", "labels")
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing"),
}
"""The names of splits that are known, by their use."""

_REMEDY = "name a folder or, with a network, a dataset of the hub; and one of its configurations as `config`"
_MAX_FAULTS = 20
"""Faulty rows of a split that are told."""


class _TaggedRow(NamedTuple):
    """A row of a dataset: where it stands, its tokens and the strings that tag them."""

    place: str
    tokens: Sequence[str]
    tags: list[str]


def load_hub_dataset(data: HubData) -> Fold:
    """Read the splits of a dataset, each row a document of one sentence.

    Raises DataError if it cannot be loaded, has a faulty row, or has no entity to train on.
    """
    splits = _load_splits(data)
    if not labels_of(splits["train"]):
        fail(data.dataset, "split train has no entity", "check that its tags are IOB2: O, B-LABEL, I-LABEL")
    return whole_fold(splits, {split: f"{data.dataset}, {split}" for split in splits})


def _load_splits(data: HubData) -> dict[str, list[Document]]:
    """Load the splits that are used."""
    with tempfile.TemporaryDirectory() as cache:
        own_cache = cache if Path(data.dataset).exists() else None  # the hub's datasets stay in the user's cache
        loaded = load_splits(data.dataset, data.config, cache=own_cache, remedy=_REMEDY)
        chosen = _choose_splits(data, loaded)
        return {split: _documents(data, name, loaded[name]) for split, name in chosen.items()}


def _choose_splits(data: HubData, loaded: Collection[str]) -> dict[str, str]:
    """Choose the split for each use, by the names of the config or those that are known; tell which are left out."""
    if data.splits:
        chosen = {split: name for split, name in data.splits.model_dump().items() if name}
        if unknown := [name for name in chosen.values() if name not in loaded]:
            fail(data.dataset, f"has no split {unknown[0]!r}", f"name some of {', '.join(loaded)}")
    else:
        known = {split: [name for name in names if name in loaded] for split, names in _SPLITS.items()}
        chosen = {split: names[0] for split, names in known.items() if names}
    remedy = "name them as `splits: {train: …, validation: …, test: …}`"
    if "train" not in chosen:
        fail(data.dataset, f"has no split `train`, only {', '.join(loaded)}", f"{remedy}, or name another `config`")
    if left_out := [name for name in loaded if name not in chosen.values()]:
        tell_once(data.dataset, f"the splits {some_of(left_out)} are not used; {remedy} to use them")
    return chosen


def _documents(data: HubData, split: str, rows: "datasets.Dataset") -> list[Document]:
    """Turn rows of tokens and tags into documents; raises DataError with the faulty rows."""
    tokens, tags = (
        next((name for name in names if name in rows.column_names), "") for names in (_TOKEN_COLUMNS, _TAG_COLUMNS)
    )
    if not tokens or not tags:
        remedy = f"name the tokens {' or '.join(_TOKEN_COLUMNS)} and the tags {' or '.join(_TAG_COLUMNS)}"
        fail(data.dataset, f"split {split} has the columns {', '.join(rows.column_names)}", remedy)
    values = getattr(rows.features[tags], "feature", None)
    names = getattr(values, "names", None)
    if not names and str(getattr(values, "dtype", "")).startswith(("int", "uint")):
        fail(data.dataset, f"split {split}: the tags are numbers without names", "declare them as ClassLabel")
    found: list[_TaggedRow] = []
    faults: list[Fault] = []
    for index in range(len(rows)):
        place = f"{split}, row {index + 1}"
        try:
            row = rows[index]
            found.append(_TaggedRow(place, _words(row[tokens]), _tags(row[tags], names)))
        except ValueError as error:  # UnicodeDecodeError is one
            faults.append(Fault(data.dataset, f"{place}: {error}", "correct or delete the row"))
    if faults:
        raise DataError(_first(faults))
    return _tagged(data, split, found)


def _first(faults: list[Fault]) -> list[Fault]:
    """Keep the first faults, and say how many more there are."""
    if len(faults) <= _MAX_FAULTS:
        return faults
    rest = Fault(faults[0].file, f"{len(faults) - _MAX_FAULTS} more rows are faulty", "correct or delete them")
    return [*faults[:_MAX_FAULTS], rest]


def _words(tokens: Any) -> list[str]:
    """Check the tokens of a row; raises ValueError with the number of the first that is none."""
    if not isinstance(tokens, list) or not tokens:
        raise ValueError("there are no tokens")
    for number, token in enumerate(tokens, start=1):
        if not isinstance(token, str) or not token.strip():
            shown = "null" if token is None else repr(token) if token else "empty"
            raise ValueError(f"token {number} is {shown}")
    return tokens


def _tags(tags: Any, names: Sequence[str] | None) -> list[str]:
    """Write the tags of a row as strings, numbers by their `names`; raises ValueError with the first fault."""
    if not isinstance(tags, list):
        raise ValueError("its tags are null" if tags is None else f"its tags are {tags!r:.40}")
    written: list[str] = []
    for number, tag in enumerate(tags, start=1):
        if tag is None:
            raise ValueError(f"tag {number} is null")
        if isinstance(tag, str):
            written.append(tag)
        elif not names:
            raise ValueError(f"tag {number} is {tag!r:.40}, not a string")
        elif not 0 <= tag < len(names):
            raise ValueError(f"tag {number} is {tag}, but the names are those of 0 to {len(names) - 1}")
        else:
            written.append(names[tag])
    return written


def _tagged(data: HubData, split: str, rows: Sequence[_TaggedRow]) -> list[Document]:
    """Turn the rows of a split into documents; raises DataError with the rows whose tags cannot be read."""
    strings = {tag for row in rows for tag in row.tags}
    if unfit := sorted(tag for tag in strings if tag[1:2] == "-" and not is_label(tag[2:])):
        fail(data.dataset, f"split {split} has the unknown label {unfit[0][2:]!r}", label_remedy(None))
    if strange := sorted(tag for tag in strings if not schemes.has_prefix(tag)):
        place = next(row.place for row in rows if strange[0] in row.tags)
        what = f"{place}: {strange[0]!r} is not an IOB2 tag ({schemes.why_no_tag(strange[0])})"
        fail(data.dataset, what, "write O, B-LABEL or I-LABEL")
    try:
        scheme = schemes.scheme_of(strings)
    except ValueError as error:
        fail(data.dataset, f"split {split}: {error}", "write IOB2, BIOES or BILOU")
    reading = TagReading(data.repair)
    faults: list[Fault] = []
    documents: list[Document] = []
    for row in rows:
        document = document_of_tokens(row.tokens, row.place)
        try:
            if data.repair == "none" and (places := schemes.unclosed(row.tags, scheme)):
                raise ValueError(f"{row.tags[places[0]]} is not followed by the rest of its entity")
            legal = reading.read(schemes.to_iob2(row.tags, scheme))
            documents.append(document.with_spans(tuple(iob2.decode(legal, document.given[0].tokens))))
        except ValueError as error:
            remedy = f"correct the tags ({scheme})" + (", or set `repair: conlleval`" if _repairable(row) else "")
            faults.append(Fault(data.dataset, f"{row.place}: {error}", remedy))
    if faults:
        raise DataError(_first(faults))
    if data.repair != "none":
        tell_once(f"{data.dataset}, {split}", f"{data.repair} has changed {reading.changed:,} tags")
    return documents


def _repairable(row: _TaggedRow) -> bool:
    """Tell whether a policy of repair could read the row: it has a tag for each token."""
    return len(row.tokens) == len(row.tags)

"""Data in CoNLL files: a file per split."""

from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.formats import conll
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document
from train.config import ConllData
from train.folds import Fold, labels_of, whole_fold
from train.processes import tell_once


def load_conll(data: ConllData) -> Fold:
    """Read the files of a dataset; raises DataError if one is damaged, or the training file has no entity."""
    named = {"train": data.train, "validation": data.validation, "test": data.test}
    places = {split: path for split, path in named.items() if path}
    splits = {split: _read(path, data) for split, path in places.items()}
    if not labels_of(splits["train"]):
        fail(data.train, "has no entity", "check that its tags are IOB2: O, B-LABEL, I-LABEL")
    return whole_fold(splits, places)


def _read(path: str, data: ConllData) -> list[Document]:
    """Read a file, and tell how many of its tags were repaired."""
    tags = TagReading(data.repair, data.tag_column)
    documents = conll.read_file(Path(path), tags=tags)
    if data.repair != "none":
        tell_once(path, f"{data.repair} has changed {tags.changed:,} tags")
    return documents

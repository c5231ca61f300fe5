"""Data in CoNLL files: a file per split."""

from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.formats import conll
from train.config import ConllData
from train.folds import Fold, labels_of, whole_fold


def load_conll(data: ConllData) -> Fold:
    """Read the files of a dataset; raises DataError if another file has labels that the training file lacks."""
    train = conll.read_file(Path(data.train), None, data.repair)
    labels = labels_of(train)
    if not labels:
        fail(data.train, "has no entity", "check that its tags are IOB2: O, B-LABEL, I-LABEL")
    others = {
        split: conll.read_file(Path(path), labels, data.repair)
        for split, path in (("validation", data.validation), ("test", data.test))
        if path
    }
    return whole_fold({"train": train, **others})

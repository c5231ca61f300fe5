"""Data as folds: sentences to train on, whole documents to validate and test on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.formats import conll
from thidua_ner.text import iob2
from thidua_ner.text.labels import iob2_tags
from thidua_ner.text.spans import Document
from thidua_ner.text.syllables import Token
from train.config import ConllData, HubData, RunConfig

WHOLE = "all"
"""The name of the only fold of data that comes with its own splits."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """The tokens of a sentence with a tag each; `document` is the number of its document among the training ones."""

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]
    document: int


@dataclass(frozen=True, slots=True)
class Fold:
    """One model's data; `train_documents` are the documents that the sentences were cut from."""

    name: str
    tags: tuple[str, ...]
    sentences: tuple[TaggedSentence, ...]
    train_documents: tuple[Document, ...]
    validation: tuple[Document, ...]
    test: tuple[Document, ...]


def load_folds(config: RunConfig) -> list[Fold]:
    """Read the folds of a config: a protocol of the benchmark, or the one fold of other data."""
    if isinstance(config.data, ConllData):
        return [_conll_fold(config.data)]
    from train.repository import load_protocol, load_splits  # `datasets` takes seconds to import

    if isinstance(config.data, HubData):
        return [whole_fold(load_splits(config.data))]
    return load_protocol(config.data, config.protocol)


def _conll_fold(data: ConllData) -> Fold:
    """Read the files of a data set in CoNLL format; DataError where one has labels that the training file lacks."""
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


def whole_fold(splits: dict[str, list[Document]]) -> Fold:
    """Make the fold of data with splits of its own; its tags are the labels of the training split."""
    train = splits["train"]
    tags = iob2_tags(tuple(labels_of(train)))
    validation, test = (tuple(splits.get(split, ())) for split in ("validation", "test"))
    return Fold(WHOLE, tags, tuple(tag_sentences(train)), tuple(train), validation, test)


def labels_of(documents: Sequence[Document]) -> list[str]:
    """List the labels of documents in the order of the alphabet."""
    return sorted({span.label for document in documents for span in document.spans})


def tag_sentences(documents: Sequence[Document]) -> list[TaggedSentence]:
    """Tag every sentence of documents."""
    tagged = []
    for number, document in enumerate(documents):
        for sentence in document.sentences():
            inside = [span for span in document.spans if sentence.start <= span.start < sentence.end]
            tagged.append(TaggedSentence(sentence.tokens, tuple(iob2.encode(inside, sentence.tokens)), number))
    return tagged

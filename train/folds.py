"""What a model is trained on: folds of sentences to train on, and of whole documents to validate and test on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thidua_ner.faults import some_of
from thidua_ner.text import iob2
from thidua_ner.text.labels import iob2_tags
from thidua_ner.text.spans import Document
from thidua_ner.text.syllables import Token
from train.processes import tell_once

WHOLE = "all"
"""The name of the only fold of data that comes with its own splits."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """The tokens of a sentence with a tag each; `document` is the index of its document in the training documents."""

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]
    document: int


@dataclass(frozen=True, slots=True)
class Fold:
    """The data of one model; `sentences` are those of `train_documents`."""

    name: str
    tags: tuple[str, ...]
    sentences: tuple[TaggedSentence, ...]
    train_documents: tuple[Document, ...]
    validation: tuple[Document, ...]
    test: tuple[Document, ...]


def whole_fold(splits: Mapping[str, Sequence[Document]], places: Mapping[str, str]) -> Fold:
    """Make the fold of data that has the splits train, validation and test; its labels are those of the first.

    Labels that only the others have are told, with the place of their split: no model can find them.
    """
    train = splits["train"]
    tags = iob2_tags(tuple(labels_of(train)))
    for split in splits.keys() - {"train"}:
        tell_unknown_labels(places[split], splits[split], train)
    validation, test = (tuple(splits.get(split, ())) for split in ("validation", "test"))
    return Fold(WHOLE, tags, tuple(tag_sentences(train)), tuple(train), validation, test)


def tell_unknown_labels(place: str, documents: Sequence[Document], train: Sequence[Document]) -> None:
    """Tell which labels of documents the training documents lack."""
    if unknown := sorted(set(labels_of(documents)) - set(labels_of(train))):
        tell_once(place, f"has labels that the training data lacks, and no model can find: {some_of(unknown)}")


def labels_of(documents: Sequence[Document]) -> list[str]:
    """List the labels of documents in alphabetical order."""
    return sorted({span.label for document in documents for span in document.spans})


def tag_sentences(documents: Sequence[Document]) -> list[TaggedSentence]:
    """Tag every sentence of documents."""
    tagged = []
    for number, document in enumerate(documents):
        for sentence in document.sentences():
            inside = [span for span in document.spans if sentence.start <= span.start < sentence.end]
            tagged.append(TaggedSentence(sentence.tokens, tuple(iob2.encode(inside, sentence.tokens)), number))
    return tagged

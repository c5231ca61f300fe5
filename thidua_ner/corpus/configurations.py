"""The files of the dataset and its configurations: the folds of the benchmark's protocols, and the gold by itself."""

from collections.abc import Sequence

from thidua_ner.corpus.annotations import GOLD_PART, PAIRS_PART, Corpus
from thidua_ner.corpus.wild import WILD_PART, WILD_SPLITS
from thidua_ner.protocols import PROTOCOLS, Protocol
from thidua_ner.text.spans import Document

SYNTHETIC_TRAIN, SYNTHETIC_VALIDATION = "synthetic-train", "synthetic-validation"

WHOLE_DOCUMENTS = {"test": GOLD_PART, "train": SYNTHETIC_TRAIN, "validation": SYNTHETIC_VALIDATION}
"""The configuration of whole documents: the file of each split, by the name of the split."""

OTHERS = {
    "documents": {split: f"documents/{file}" for split, file in WHOLE_DOCUMENTS.items()},
    PAIRS_PART: {"test": f"{PAIRS_PART}/test"},
    WILD_PART: {split: f"{WILD_PART}/{split}" for split in WILD_SPLITS},
}
"""The configurations whose rows are not sentences: the path of each split's file, without its suffix."""

Splits = dict[str, list[str]]
"""The files of sentences of each split, by the name of the split; a file is a gold document or a synthetic split."""

Configurations = dict[str, Splits]
"""The splits of each configuration of sentences, by name."""

Files = dict[str, tuple[Document, ...]]
"""The documents of each file, by the file's name."""


def document_files(corpus: Corpus) -> Files:
    """Return the documents of each file of whole documents."""
    return {GOLD_PART: corpus.gold, SYNTHETIC_TRAIN: corpus.train, SYNTHETIC_VALIDATION: corpus.validation}


def sentence_files(corpus: Corpus) -> Files:
    """Return the documents of each file of sentences."""
    gold = {document.id: (document,) for document in corpus.gold}
    return {**gold, SYNTHETIC_TRAIN: corpus.train, SYNTHETIC_VALIDATION: corpus.validation}


def configurations(gold: Sequence[str]) -> Configurations:
    """List the configurations of sentences, given the ids of the gold documents."""
    default, *folds = (
        (protocol.configuration_of(fold), _splits(protocol, test, gold))
        for protocol in PROTOCOLS.values()
        for fold, test in zip(protocol.folds(gold), _tests(protocol, gold), strict=True)
    )
    return dict([default, (GOLD_PART, {"test": list(gold)}), *folds])


def _tests(protocol: Protocol, gold: Sequence[str]) -> list[list[str]]:
    """List the documents that each fold of a protocol is scored on."""
    return [[name] for name in gold] if protocol.leaves_one_out else [list(gold)]


def _splits(protocol: Protocol, test: list[str], gold: Sequence[str]) -> Splits:
    others = [name for name in gold if name not in test]
    if not protocol.synthetic:
        return {"train": others, "test": test}
    return {"train": [SYNTHETIC_TRAIN, *others], "validation": [SYNTHETIC_VALIDATION], "test": test}

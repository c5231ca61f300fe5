"""The statistics of the dataset: sizes of its parts, and which test mentions the training text has too."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from thidua_ner.corpus.annotations import Corpus
from thidua_ner.corpus.configurations import Configurations, document_files, sentence_files
from thidua_ner.corpus.wild import ORIGINS, WILD_SPLITS, Wild
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document
from thidua_ner.text.spelling import normalise_surface
from thidua_ner.version import __version__

_Mentions = dict[str, list[str]]
"""The normalised surface of every mention, by label."""


@dataclass(frozen=True, slots=True)
class DocumentStatistics:
    """The size of a document."""

    characters: int
    sentences: int
    tokens: int
    entities: int
    entities_by_type: dict[str, int]


@dataclass(frozen=True, slots=True)
class PartStatistics:
    """The size of a part of the corpus, and of each document by id; surfaces are distinct if their normal forms are."""

    documents: int
    characters: int
    sentences: int
    tokens: int
    entities: int
    entities_by_type: dict[str, int]
    distinct_surfaces_by_type: dict[str, int]
    per_document: dict[str, DocumentStatistics]


@dataclass(frozen=True, slots=True)
class SeenCounts:
    """How many test mentions are in the training text with the same label, and how many are not."""

    seen: int
    unseen: int


@dataclass(frozen=True, slots=True)
class PairsStatistics:
    """The size of the minimal pairs: of each half of a pair, a passage, and the pairs of each phenomenon."""

    passages: int
    tokens: int
    entities: int
    entities_by_type: dict[str, int]
    pairs_by_phenomenon: dict[str, int]
    mentions_in_training: SeenCounts


@dataclass(frozen=True, slots=True)
class StandoffStatistics:
    """The size of the annotations of a split, or of a source in it, whose texts the project does not hold."""

    documents: int
    entities: int
    entities_by_type: dict[str, int]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many test mentions of a configuration are in its training text: in total and by label."""

    seen: int
    unseen: int
    by_type: dict[str, SeenCounts]


@dataclass(frozen=True, slots=True)
class Statistics:
    """All statistics of the dataset: the content of stats.json.

    `parts` are by the name of the file of documents; `sentences_by_config` are by configuration and split;
    `mention_overlap` is by configuration; `wild` is by split and source.
    """

    version: str
    parts: dict[str, PartStatistics]
    sentences_by_config: dict[str, dict[str, int]]
    mention_overlap: dict[str, Overlap]
    pairs: PairsStatistics
    wild: dict[str, dict[str, StandoffStatistics]]


def compute_statistics(corpus: Corpus, configurations: Configurations, wild: Wild) -> Statistics:
    """Compute the statistics of the dataset."""
    parts = {name: _count_part(documents) for name, documents in document_files(corpus).items()}
    counts = {name: document for part in parts.values() for name, document in part.per_document.items()}
    files = sentence_files(corpus)
    sentences = {name: sum(counts[d.id].sentences for d in documents) for name, documents in files.items()}
    mentions = {name: _mentions(documents) for name, documents in files.items()}
    return Statistics(
        version=__version__,
        parts=parts,
        sentences_by_config={
            name: {split: sum(sentences[file] for file in own) for split, own in splits.items()}
            for name, splits in configurations.items()
        },
        mention_overlap={
            name: _overlap(mentions, splits["train"], splits["test"])
            for name, splits in configurations.items()
            if "train" in splits
        },
        pairs=_count_pairs(corpus),
        wild={split: _count_standoff(wild, split) for split in WILD_SPLITS},
    )


def _count_pairs(corpus: Corpus) -> PairsStatistics:
    documents = [passage.document for passage in corpus.pairs]
    pairs = {(passage.phenomenon, passage.pair) for passage in corpus.pairs}
    counted = _count_part(documents)
    overlap = _overlap({"train": _mentions(corpus.train), "test": _mentions(documents)}, ["train"], ["test"])
    return PairsStatistics(
        passages=len(documents),
        tokens=counted.tokens,
        entities=counted.entities,
        entities_by_type=counted.entities_by_type,
        pairs_by_phenomenon=dict(sorted(Counter(phenomenon for phenomenon, _ in pairs).items())),
        mentions_in_training=SeenCounts(overlap.seen, overlap.unseen),
    )


def _count_standoff(wild: Wild, split: str) -> dict[str, StandoffStatistics]:
    """Count the annotations of a split by source."""
    found: dict[str, StandoffStatistics] = {}
    for source in ORIGINS:
        ids = [row.id for row in wild.rows(split) if row.source == source]
        labels = Counter(span.label for name in ids for span in wild.splits[split][name])
        by_type = {label: labels[label] for label in ENTITY_TYPES}
        found[source] = StandoffStatistics(len(ids), labels.total(), by_type)
    return found


def _count_part(documents: Sequence[Document]) -> PartStatistics:
    """Count a part of the corpus, in total and by document."""
    per_document = {document.id: _count_document(document) for document in documents}
    return PartStatistics(
        documents=len(documents),
        characters=sum(counts.characters for counts in per_document.values()),
        sentences=sum(counts.sentences for counts in per_document.values()),
        tokens=sum(counts.tokens for counts in per_document.values()),
        entities=sum(counts.entities for counts in per_document.values()),
        entities_by_type=_by_type(documents),
        distinct_surfaces_by_type={label: len(set(found)) for label, found in _mentions(documents).items()},
        per_document=per_document,
    )


def _count_document(document: Document) -> DocumentStatistics:
    sentences = document.sentences()
    return DocumentStatistics(
        characters=len(document.text),
        sentences=len(sentences),
        tokens=sum(len(sentence.tokens) for sentence in sentences),
        entities=len(document.spans),
        entities_by_type=_by_type([document]),
    )


def _by_type(documents: Sequence[Document]) -> dict[str, int]:
    counts = Counter(span.label for document in documents for span in document.spans)
    return {label: counts[label] for label in ENTITY_TYPES}


def _mentions(documents: Sequence[Document]) -> _Mentions:
    found: _Mentions = {label: [] for label in ENTITY_TYPES}
    for document in documents:
        for span in document.spans:
            found[span.label].append(normalise_surface(document.surface(span)))
    return found


def _overlap(mentions: Mapping[str, _Mentions], train: Sequence[str], test: Sequence[str]) -> Overlap:
    """Count the mentions of test files that the training files have with the same label."""
    by_type: dict[str, SeenCounts] = {}
    for label in ENTITY_TYPES:
        known = {surface for file in train for surface in mentions[file][label]}
        is_seen = [surface in known for file in test for surface in mentions[file][label]]
        by_type[label] = SeenCounts(seen=sum(is_seen), unseen=len(is_seen) - sum(is_seen))
    return Overlap(
        seen=sum(counts.seen for counts in by_type.values()),
        unseen=sum(counts.unseen for counts in by_type.values()),
        by_type=by_type,
    )

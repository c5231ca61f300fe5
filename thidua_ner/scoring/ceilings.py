"""The ceiling of a word segmentation: the most spans that a tagger of whole words can find."""

from collections.abc import Sequence
from dataclasses import dataclass

from thidua_ner.text.spans import Document
from thidua_ner.text.words import Segmenter, segment


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The number of gold spans, how many of them the segmentation leaves reachable, and the highest possible recall."""

    entities: int
    reachable: int
    recall: float


def reachable_spans(document: Document, segmenter: Segmenter) -> int:
    """Count the spans that begin and end on word boundaries."""
    starts: set[int] = set()
    ends: set[int] = set()
    for sentence in document.sentences():
        for word in segment(sentence.tokens, segmenter):
            starts.add(sentence.tokens[word.first].start)
            ends.add(sentence.tokens[word.last - 1].end)
    return sum(span.start in starts and span.end in ends for span in document.spans)


def segmentation_ceiling(documents: Sequence[Document], segmenter: Segmenter) -> Ceiling:
    """Measure how many gold spans a word segmentation leaves reachable; without spans the recall is 0."""
    total = sum(len(document.spans) for document in documents)
    reached = sum(reachable_spans(document, segmenter) for document in documents)
    return Ceiling(total, reached, reached / total if total else 0.0)

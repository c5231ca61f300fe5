"""Models to spans: the one way from a text to its entities."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from thidua_ner.baselines import taggers as baselines
from thidua_ner.faults import fail
from thidua_ner.runs.folder import models_of, read_json
from thidua_ner.text import iob2
from thidua_ner.text.chunks import Stretch, cut, join
from thidua_ner.text.spans import Document, Span, as_document
from thidua_ner.text.syllables import Sentence, Token
from thidua_ner.text.words import SEGMENTERS, Word, segment

Probabilities = NDArray[np.float64]
"""Words by tags."""

Runtime = Literal["torch", "torch-bf16", "onnx", "onnx-int8"]
"""What computes the probabilities of an encoder; 16-bit floats and 8-bit weights are faster and may change a span."""

_TOGETHER = 16_384
"""Tokens that are tagged together: their sentences, sorted by length, make even batches."""

_Item = TypeVar("_Item")


class Model(Protocol):
    """Gives each word of a sentence the probabilities of its tags."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The IOB2 tags, in the order of the probabilities."""

    @property
    def segmenter(self) -> str:
        """The name of the word segmentation that it reads."""

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list[Probabilities]:
        """Compute the probabilities of the words of many sentences."""


class AnyTagger(Protocol):
    """Gives texts the spans that it finds in them."""

    def tag(self, text: str) -> Document:
        """Tag one text."""

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Tag a stream of texts or documents, in its order."""


class Tagger:
    """Tags texts with one model, or with several whose probabilities are averaged word by word."""

    def __init__(self, models: Sequence[Model]) -> None:
        """Take models of the same tags and segmenter."""
        self._models = models
        self.tags = models[0].tags
        self.segmenter = SEGMENTERS[models[0].segmenter]

    @staticmethod
    def load(path: Path | str, runtime: Runtime = "torch") -> AnyTagger:
        """Read the models of a run, of one fold of it, or a checkpoint or baseline; DataError where it is none.

        The runtimes of ONNX read what `python -m thidua_ner export` wrote.
        """
        return load_tagger(*models_of(Path(path)), runtime=runtime)

    def tag(self, text: str) -> Document:
        """Find the spans of a text, each with the mean probability of its tags as its score."""
        return next(self.tag_many([text]))

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Find the spans of each text, some thousand words at a time.

        The stream keeps its order and may be endless: no more than those words, or one text, are in memory.
        """
        documents = ((document, document.sentences()) for document in map(as_document, texts))
        for together in _grouped(documents, lambda pair: sum(len(sentence.tokens) for sentence in pair[1])):
            yield from self._tag_together(together)

    def _tag_together(self, documents: Sequence[tuple[Document, tuple[Sentence, ...]]]) -> Iterator[Document]:
        """Tag documents, each with its sentences, in batches that they share."""
        tagged = self._tag_sentences([sentence for _, own in documents for sentence in own])
        for document, own in documents:
            spans: list[Span] = []
            for sentence in own:
                spans += self._spans(sentence, *next(tagged))
            yield document.with_spans(tuple(spans))

    def _tag_sentences(self, sentences: Sequence[Sentence]) -> Iterator[tuple[Sequence[Word], Probabilities]]:
        """Yield the words of each sentence with the probabilities of their tags."""
        stretches = [cut(len(sentence.tokens)) for sentence in sentences]
        tagged = self._tag_stretches(
            sentence.tokens[part.start : part.stop]
            for sentence, parts in zip(sentences, stretches, strict=True)
            for part in parts
        )
        for parts in stretches:
            yield join([Stretch(part.start, *next(tagged)) for part in parts])

    def _tag_stretches(self, stretches: Iterable[Sequence[Token]]) -> Iterator[tuple[Sequence[Word], Probabilities]]:
        """Yield the words of stretches and the probabilities of their tags, some thousand words at a time."""
        for together in _grouped(stretches, len):
            words = [segment(tokens, self.segmenter) for tokens in together]
            yield from zip(words, self._probabilities(words), strict=True)

    def _spans(self, sentence: Sentence, words: Sequence[Word], probabilities: Probabilities) -> Iterator[Span]:
        """Decode a sentence's legal tag sequence and score its spans."""
        tags = iob2.best_legal(np.log(probabilities + 1e-12), self.tags)
        units = [
            Token(word.text, sentence.tokens[word.first].start, sentence.tokens[word.last - 1].end) for word in words
        ]
        chosen = [row[self.tags.index(tag)] for row, tag in zip(probabilities, tags, strict=True)]
        starts = [unit.start for unit in units]
        for span in iob2.decode(tags, units):
            inside = chosen[bisect_left(starts, span.start) : bisect_left(starts, span.end)]
            yield Span(span.start, span.end, span.label, round(float(np.mean(inside)), 6))

    def _probabilities(self, sentences: Sequence[Sequence[Word]]) -> list[Probabilities]:
        """Average the models' tag probabilities of every word of every sentence."""
        spellings = [[word.text for word in words] for words in sentences]
        found = [model.probabilities(spellings) for model in self._models]
        return [sum(rows[1:], start=rows[0]) / len(rows) for rows in zip(*found, strict=True)]


def _grouped(items: Iterable[_Item], size: Callable[[_Item], int]) -> Iterator[list[_Item]]:
    """Cut a stream into groups of so many tokens, or a few more; what has none counts as one."""
    group: list[_Item] = []
    total = 0
    for item in items:
        group.append(item)
        total += max(size(item), 1)
        if total >= _TOGETHER:
            yield group
            group, total = [], 0
    if group:
        yield group


def load_tagger(*folders: Path, runtime: Runtime = "torch") -> AnyTagger:
    """Read the models of a run, checkpoints or baselines; DataError where one does not fit the first."""
    kinds = {_kind(folder) for folder in folders}
    if len(kinds) > 1:
        fail(folders[-1], f"is another kind of model than {folders[0]}", "name models of one run")
    (kind,) = kinds
    if kind in baselines.FINDERS:
        return baselines.SpanFinder(baselines.FINDERS[kind])
    if kind == baselines.CRF:
        models: list[Model] = [baselines.load_crf(folder) for folder in folders]
    elif runtime.startswith("torch"):
        from thidua_ner.models.checkpoints import load_checkpoint

        models = [load_checkpoint(folder, half=runtime == "torch-bf16") for folder in folders]
    else:
        from thidua_ner.models.onnx import FOLDER, OnnxModel

        models = [OnnxModel(folder / FOLDER, runtime) for folder in folders]
    for folder, model in zip(folders, models, strict=True):
        if (model.tags, model.segmenter) != (models[0].tags, models[0].segmenter):
            fail(folder, f"has other tags or another segmenter than {folders[0]}", "name models of one run")
    return Tagger(models)


def _kind(folder: Path) -> str:
    """Read what kind of model is in a folder; what is missing or damaged is told when it is loaded."""
    path = folder / "config.json"
    return str(read_json(path, set()).get("model_type")) if path.is_file() else ""

"""Taggers: from texts to spans, whatever the model."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from thidua_ner.baselines.folder import CRF, FINDERS, SpanFinder, is_baseline, load_crf
from thidua_ner.faults import UsageError, fail
from thidua_ner.runs.folder import model_folders, model_type, onnx_folder
from thidua_ner.tagging.product import join_crf
from thidua_ner.text import iob2
from thidua_ner.text.chunks import Chunk, chunk_ranges, join_chunks
from thidua_ner.text.edges import find_edges, may_end
from thidua_ner.text.labels import ENTITY_TYPES, OUTSIDE
from thidua_ner.text.schemes import find_scheme
from thidua_ner.text.spans import Document, Span, as_document
from thidua_ner.text.syllables import Sentence, Token
from thidua_ner.text.words import SEGMENTERS, Word, segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Probabilities = NDArray[np.float64]

Runtime = Literal["torch", "torch-bf16", "onnx", "onnx-int8"]
"""What computes an encoder's probabilities; 16-bit floats and 8-bit weights are faster and may change spans."""

_GROUP_TOKENS, _GPU_GROUP_TOKENS = 16_384, 131_072
"""Tokens that are tagged together: enough sentences to make batches of similar length."""

_Item = TypeVar("_Item")


class TagModel(Protocol):
    """A model that gives the probabilities of the tags of each word."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, in the order of the columns of the probabilities, in a scheme of `text/schemes.py`."""

    @property
    def segmenter(self) -> str:
        """The name of the word segmentation that the model reads."""

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> "list[Probabilities]":
        """Compute the probabilities of the tags: for each sentence, an array of shape (words, tags)."""


class AnyTagger(Protocol):
    """An object that finds spans in texts."""

    def tag(self, text: str) -> Document:
        """Find the spans of a text."""

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Find the spans of each text of a stream, in its order."""


class Tagger:
    """Tags texts with one model, or with several whose probabilities are averaged word by word."""

    def __init__(self, models: Sequence[TagModel], group_tokens: int = _GROUP_TOKENS) -> None:
        """Take models with the same tags and the same word segmentation, and how many tokens are tagged together."""
        self._models = models
        self._group_tokens = group_tokens
        self.tags = models[0].tags
        self._scheme = find_scheme(self.tags)
        # those of other labels may mark punctuation
        self._has_rules = {tag[2:] for tag in self.tags if tag != OUTSIDE} == set(ENTITY_TYPES)
        self.segmenter = SEGMENTERS[models[0].segmenter]

    def tag(self, text: str) -> Document:
        """Find the spans of a text; the score of each is the mean probability of its tags."""
        return next(self.tag_many([text]))

    def tag_many(self, texts: Iterable[str | Document]) -> Iterator[Document]:
        """Find the spans of each text, several thousand words at a time.

        Results are in the order of the stream, which may be endless: only those words, or one text, are in memory.
        """
        documents = ((document, document.sentences()) for document in map(as_document, texts))
        for group in _grouped(documents, lambda pair: sum(len(own.tokens) for own in pair[1]), self._group_tokens):
            yield from self._tag_group(group)

    def _tag_group(self, documents: Sequence[tuple[Document, tuple[Sentence, ...]]]) -> Iterator[Document]:
        """Tag documents, given with their sentences, in shared batches."""
        tagged = self._tag_sentences([sentence for _, own in documents for sentence in own])
        for document, own in documents:
            spans: list[Span] = []
            for sentence in own:
                spans += self._spans(document.text, sentence, *next(tagged))
            yield document.with_spans(tuple(spans))

    def _tag_sentences(self, sentences: Sequence[Sentence]) -> "Iterator[tuple[Sequence[Word], Probabilities]]":
        """Yield the words of each sentence with the probabilities of their tags."""
        ranges = [chunk_ranges(len(sentence.tokens)) for sentence in sentences]
        tagged = self._tag_chunks(
            sentence.tokens[part.start : part.stop]
            for sentence, parts in zip(sentences, ranges, strict=True)
            for part in parts
        )
        for parts in ranges:
            yield join_chunks([Chunk(part.start, *next(tagged)) for part in parts])

    def _tag_chunks(self, chunks: Iterable[Sequence[Token]]) -> "Iterator[tuple[Sequence[Word], Probabilities]]":
        """Yield the words of each chunk with the probabilities of their tags, several thousand words at a time."""
        for group in _grouped(chunks, len, self._group_tokens):
            words = [segment(tokens, self.segmenter) for tokens in group]
            yield from zip(words, self._probabilities(words), strict=True)

    def _spans(
        self, text: str, sentence: Sentence, words: Sequence[Word], probabilities: "Probabilities"
    ) -> Iterator[Span]:
        """Decode the best legal tag sequence of a sentence; a span's score is the mean probability of its tags."""
        import numpy as np

        edges = None
        if self._has_rules:
            begins, ends = find_edges(sentence.tokens)
            edges = [begins[word.first] for word in words], [ends[word.last - 1] for word in words]
        path = iob2.best_path(np.log(probabilities + 1e-12), self.tags, self._scheme.may_follow, edges)
        tags = self._scheme.as_iob2([self.tags[index] for index in path])
        units = [
            Token(word.text, sentence.tokens[word.first].start, sentence.tokens[word.last - 1].end) for word in words
        ]
        chosen = probabilities[range(len(path)), path]
        starts = [unit.start for unit in units]
        for span in iob2.decode(tags, units):
            first, last = bisect_left(starts, span.start), bisect_left(starts, span.end)
            if self._has_rules and not may_end(text[span.start : span.end]):  # in a quote that it does not open
                while last > first and not may_end(text[units[last - 1].start : units[last - 1].end]):
                    last -= 1
            if last > first:
                score = round(float(np.mean(chosen[first:last])), 6)
                yield Span(span.start, units[last - 1].end, span.label, score)

    def _probabilities(self, sentences: Sequence[Sequence[Word]]) -> "list[Probabilities]":
        """Average the models' tag probabilities of every word of every sentence."""
        spellings = [[word.text for word in words] for words in sentences]
        found = [model.probabilities(spellings) for model in self._models]
        return [sum(rows[1:], start=rows[0]) / len(rows) for rows in zip(*found, strict=True)]


def _grouped(items: Iterable[_Item], size: Callable[[_Item], int], most: int) -> Iterator[list[_Item]]:
    """Cut a stream into groups of `most` tokens or a few more; an item without tokens counts as one."""
    group: list[_Item] = []
    total = 0
    for item in items:
        group.append(item)
        total += max(size(item), 1)
        if total >= most:
            yield group
            group, total = [], 0
    if group:
        yield group


def load_tagger(*paths: Path | str, runtime: Runtime = "torch", device: str | None = None) -> AnyTagger:
    """Load a run, one of its folds, a checkpoint or a baseline; probabilities of several models are averaged.

    The ONNX runtimes read what `thidua-ner export` wrote. An encoder runs on the device, by default on a GPU if there
    is one; torch names it (`cpu`, `cuda`, `cuda:1`). Raises DataError if a path is none of these, if a model is
    damaged, or if the models have different tags, and UsageError for models of different kinds or an absent device.
    """
    folders = [folder for path in paths for folder in model_folders(Path(path))]
    if not folders:
        fail(
            "load_tagger",
            "there is no model to load",
            "name a run, a fold, a checkpoint or a baseline",
            kind=UsageError,
        )
    kinds = {model_type(folder) for folder in folders}
    if len(kinds) > 1:
        what = f"is not the same kind of model as {folders[0]}"
        fail(folders[-1], what, "name models of one run", kind=UsageError)
    (kind,) = kinds
    place = choose_device(folders, runtime, device)
    if kind in FINDERS:
        return SpanFinder(FINDERS[kind])
    loaded = _load_models(kind, folders, runtime, place)
    models = [join_crf(model, folder) for model, folder in zip(loaded, folders, strict=True)]
    for folder, model in zip(folders, models, strict=True):
        if (model.tags, model.segmenter) != (models[0].tags, models[0].segmenter):
            fail(folder, f"has different tags or a different segmenter than {folders[0]}", "name models of one run")
    return Tagger(models, _GROUP_TOKENS if place == "cpu" else _GPU_GROUP_TOKENS)


def choose_device(folders: Sequence[Path], runtime: Runtime, device: str | None, *, on_cluster: bool = False) -> str:
    """Return the device that runs models: `cpu` for baselines and ONNX Runtime, else what was named or is found.

    The GPUs of a cluster are not known here and have to be named. Raises UsageError for a device that cannot be used.
    """
    baseline = next((model_type(folder) for folder in folders if is_baseline(folder)), "")
    own = baseline or ("" if runtime.startswith("torch") else f"the runtime {runtime}")
    if own and device not in {None, "auto", "cpu"}:
        fail(f"device {device}", f"{own} runs on the CPU only", "name no device", kind=UsageError)
    if own or device == "cpu":
        return "cpu"
    if not on_cluster:
        from thidua_ner.models.devices import find_device

        return find_device(device or "auto")
    if device not in {None, "auto", "cuda"}:
        remedy = "name cuda, and each worker gets a GPU or a part of one, or cpu"
        fail(f"device {device}", "cannot be chosen on a cluster", remedy, kind=UsageError)
    return "cuda" if device == "cuda" else "cpu"


def _load_models(kind: str, folders: Sequence[Path], runtime: Runtime, device: str) -> Sequence[TagModel]:
    """Load models of one kind."""
    if kind == CRF:
        return [load_crf(folder) for folder in folders]
    if runtime.startswith("torch"):
        from thidua_ner.models.checkpoints import load_checkpoint

        return [load_checkpoint(folder, half=runtime == "torch-bf16", device=device) for folder in folders]
    from thidua_ner.models.onnx import OnnxModel

    return [OnnxModel(onnx_folder(folder), runtime) for folder in folders]

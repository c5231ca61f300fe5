"""Checkpoints to spans: the one way from a text to its entities."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from thidua_ner import iob2
from thidua_ner.faults import fail
from thidua_ner.models import Checkpoint, load_checkpoint
from thidua_ner.spans import Document, Span
from thidua_ner.subwords import Window, best_windows
from thidua_ner.syllables import Sentence, Token
from thidua_ner.words import SEGMENTERS, Word, segment

Probabilities = NDArray[np.float64]
"""Words by tags."""

_BATCH, _TOGETHER = 32, 512
"""Windows in a batch, and sentences that are sorted by length into batches."""


class Tagger:
    """Tags texts with one checkpoint, or with several whose probabilities are averaged word by word."""

    def __init__(self, checkpoints: Sequence[Checkpoint]) -> None:
        """Take checkpoints of the same tags and segmenter."""
        self._checkpoints = checkpoints
        self._encoders = [checkpoint.subword_encoder() for checkpoint in checkpoints]
        self.tags = checkpoints[0].tags
        self.segmenter = SEGMENTERS[checkpoints[0].segmenter]

    @classmethod
    def load(cls, *folders: Path) -> "Tagger":
        """Read checkpoints; DataError where one does not fit the first."""
        checkpoints = [load_checkpoint(folder) for folder in folders]
        for folder, checkpoint in zip(folders, checkpoints, strict=True):
            if (checkpoint.tags, checkpoint.segmenter) != (checkpoints[0].tags, checkpoints[0].segmenter):
                fail(folder, 0, f"has other tags or another segmenter than {folders[0]}", "name checkpoints of one run")
        return cls(checkpoints)

    def tag(self, text: str) -> tuple[Span, ...]:
        """Find the spans of a text, each with the mean probability of its tags as its score."""
        return next(self.tag_many([Document("", text)])).spans

    def tag_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Give each document the spans that are found in its text, some hundred sentences at a time."""
        waiting: list[tuple[Document, tuple[Sentence, ...]]] = []
        n_sentences = 0
        for document in documents:
            waiting.append((document, document.sentences()))
            n_sentences += len(waiting[-1][1])
            if n_sentences >= _TOGETHER:
                yield from self._tag_together(waiting)
                waiting, n_sentences = [], 0
        yield from self._tag_together(waiting)

    def _tag_together(self, documents: Sequence[tuple[Document, tuple[Sentence, ...]]]) -> Iterator[Document]:
        """Tag documents, each with its sentences, in batches that they share."""
        words = [segment(sentence.tokens, self.segmenter) for _, own in documents for sentence in own]
        tagged = zip(words, self._probabilities(words), strict=True)
        for document, own in documents:
            spans: list[Span] = []
            for sentence in own:
                spans += self._spans(sentence, *next(tagged))
            yield document.with_spans(tuple(spans))

    def _spans(self, sentence: Sentence, words: Sequence[Word], probabilities: Probabilities) -> Iterator[Span]:
        """Decode a sentence's legal tag sequence and score its spans."""
        tags = iob2.best_legal(np.log(probabilities + 1e-12), self.tags)
        units = [
            Token(word.text, sentence.tokens[word.first].start, sentence.tokens[word.last - 1].end) for word in words
        ]
        chosen = [row[self.tags.index(tag)] for row, tag in zip(probabilities, tags, strict=True)]
        for span in iob2.decode(tags, units):
            inside = [p for unit, p in zip(units, chosen, strict=True) if span.start <= unit.start < span.end]
            yield Span(span.start, span.end, span.label, float(np.mean(inside)))

    def _probabilities(self, sentences: Sequence[Sequence[Word]]) -> list[Probabilities]:
        """Average the checkpoints' tag probabilities of every word of every sentence."""
        total = [np.zeros((len(words), len(self.tags))) for words in sentences]
        for checkpoint, encoder in zip(self._checkpoints, self._encoders, strict=True):
            windows = [encoder.encode([word.text for word in words]) for words in sentences]
            flat = iter(_head_probabilities(checkpoint, [w for own in windows for w in own]))
            for sum_of_rows, own in zip(total, windows, strict=True):
                rows = [next(flat) for _ in own]
                for word, (window, place) in enumerate(best_windows(own, len(sum_of_rows))):
                    sum_of_rows[word] += rows[window][place]
        return [rows / len(self._checkpoints) for rows in total]


def _head_probabilities(checkpoint: Checkpoint, windows: Sequence[Window]) -> list[Probabilities]:
    """Run windows through a model, in batches of like length; one row a word head."""
    model, padding = checkpoint.model, checkpoint.tokenizer.pad_token_id
    found: dict[int, Probabilities] = {}
    order = sorted(range(len(windows)), key=lambda index: len(windows[index].input_ids))
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        width = len(windows[batch[-1]].input_ids)
        ids = torch.full((len(batch), width), padding)
        mask = torch.zeros_like(ids)
        for row, index in enumerate(batch):
            length = len(windows[index].input_ids)
            ids[row, :length] = torch.tensor(windows[index].input_ids)
            mask[row, :length] = 1
        with torch.inference_mode():
            logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
        rows = logits.double().softmax(-1).cpu().numpy()
        for row, index in enumerate(batch):
            found[index] = rows[row, windows[index].heads]
    return [found[index] for index in range(len(windows))]

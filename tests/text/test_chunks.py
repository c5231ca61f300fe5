"""Sentences cut into chunks: no word is lost, and no chunk boundary changes a span."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from thidua_ner.formats import brat
from thidua_ner.tagging.tagger import Tagger, load_tagger
from thidua_ner.text import chunks
from thidua_ner.text.chunks import Chunk, chunk_ranges, join_chunks
from thidua_ner.text.labels import TAGS
from thidua_ner.text.words import Word


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_TOKENS", 64)
    monkeypatch.setattr(chunks, "SHARED_TOKENS", 32)


@given(n=st.integers(0, 20_000))
def test_chunks_cover_a_sentence_and_overlap(n):
    parts = chunk_ranges(n)
    assert [token for part in parts[:1] for token in part[:1]] == [0][:n]
    assert parts[-1].stop == n
    assert all(len(part) <= chunks.CHUNK_TOKENS for part in parts)
    assert all(left.stop - right.start == chunks.SHARED_TOKENS for left, right in pairwise(parts))
    assert len(parts) == 1 or n > chunks.CHUNK_TOKENS


def chunk_of(part, ends):
    """Cut the tokens of a chunk into words at some of them; the row of a word names its chunk."""
    inner = sorted({0, len(part), *(end - part.start for end in ends if end in part)})
    words = [Word(("a",) * (b - a), a, b) for a, b in pairwise(inner)]
    return Chunk(part.start, words, np.array([[part.start, word.first + part.start] for word in words]))


@given(n=st.integers(1, 400), ends=st.sets(st.integers(0, 400)), others=st.sets(st.integers(0, 400), max_size=3))
def test_words_are_joined_in_order_each_once(n, ends, others):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_TOKENS", 64)
        patch.setattr(chunks, "SHARED_TOKENS", 32)
        parts = chunk_ranges(n)
        words, rows = join_chunks(
            [chunk_of(part, ends | (others if index % 2 else set())) for index, part in enumerate(parts)]
        )
    assert len(words) == len(rows)
    assert words[0].first == 0
    assert words[-1].last == n
    assert all(left.last == right.first for left, right in pairwise(words))
    assert all(len(word.syllables) == word.last - word.first for word in words)
    spans = {part.start: part for part in parts}
    assert all(
        first <= word.first and word.last <= spans[start].stop for word, (start, first) in zip(words, rows, strict=True)
    )
    if not others and all(any(right.start < e < left.stop for e in ends) for left, right in pairwise(parts)):
        assert {word.first for word in words} <= {0, *ends}  # no word was split


def test_no_model_is_given_more_than_a_chunk():
    class Recorder:
        tags = TAGS
        segmenter = "none"
        longest = 0

        def probabilities(self, sentences):
            self.longest = max(self.longest, *map(len, sentences))
            return [np.ones((len(words), len(TAGS))) / len(TAGS) for words in sentences]

    recorder = Recorder()
    assert Tagger([recorder]).tag("Huế, " * 50_000).text
    assert recorder.longest == chunks.CHUNK_TOKENS


@pytest.mark.usefixtures("short")
def test_seams_change_no_span(model, monkeypatch):
    tagger = load_tagger(model)
    text = " ".join(document.text for document in brat.read_folder(ROOT / "annotations/gold"))
    text = " ".join(text.replace(".", ",").split())
    cut_up = tagger.tag(text)
    monkeypatch.setattr(chunks, "CHUNK_TOKENS", 1_000_000)
    whole = tagger.tag(text)
    assert len(cut_up.sentences()) < 10
    assert [span.triple for span in cut_up.spans] == [span.triple for span in whole.spans]
    np.testing.assert_allclose([s.score for s in cut_up.spans], [s.score for s in whole.spans], atol=1e-3)
    assert len(whole.spans) > 100

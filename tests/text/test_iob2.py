import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import documents
from thidua_ner.text.iob2 import best_path, decode, encode, follows, repair_tags
from thidua_ner.text.labels import TAGS
from thidua_ner.text.spans import Span
from thidua_ner.text.syllables import Token, tokenize

TOKENS = tokenize("a b c d")


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O O O", []),
        ("B-X O O O", [(0, 1, "X")]),
        ("B-X I-X O O", [(0, 3, "X")]),
        ("B-X B-X O O", [(0, 1, "X"), (2, 3, "X")]),
        ("B-X I-X B-Y I-Y", [(0, 3, "X"), (4, 7, "Y")]),
        ("O O O B-X", [(6, 7, "X")]),
        ("B-X I-X I-X I-X", [(0, 7, "X")]),
    ],
)
def test_legal_sequences_go_both_ways(tags, spans):
    expected = [Span(*span) for span in spans]
    assert decode(tags.split(), TOKENS) == expected
    assert encode(expected, TOKENS) == tags.split()


@pytest.mark.parametrize(
    ("tags", "conlleval", "discard"),
    [
        ("I-X O O O", "B-X O O O", "O O O O"),
        ("O I-X I-X O", "O B-X I-X O", "O O O O"),
        ("B-X I-Y I-Y O", "B-X B-Y I-Y O", "B-X O O O"),
        ("B-X O I-X B-X", "B-X O B-X B-X", "B-X O O B-X"),
    ],
)
def test_repair_is_a_named_policy(tags, conlleval, discard):
    with pytest.raises(ValueError, match="continues nothing"):
        decode(tags.split(), TOKENS)
    assert repair_tags(tags.split(), "conlleval") == conlleval.split()
    assert repair_tags(tags.split(), "discard") == discard.split()


@pytest.mark.parametrize("tag", ["X", "B-", "S-X", "b-X", ""])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(ValueError, match="is not an IOB2 tag"):
        repair_tags([tag], "conlleval")


@pytest.mark.parametrize("span", [Span(0, 2, "X"), Span(1, 3, "X"), Span(6, 8, "X")])
def test_spans_off_token_boundaries_are_refused(span):
    with pytest.raises(ValueError, match="token boundaries"):
        encode([span], TOKENS)


def test_wrong_lengths_and_overlaps_are_refused():
    with pytest.raises(ValueError, match="3 tags for 4 tokens"):
        decode(["O"] * 3, TOKENS)
    with pytest.raises(ValueError, match="overlaps"):
        encode([Span(0, 3, "X"), Span(2, 5, "X")], TOKENS)


@given(documents())
def test_spans_survive_the_round_trip(document):
    tokens = tokenize(document.text)
    assert tuple(decode(encode(document.spans, tokens), tokens)) == document.spans


@given(st.lists(st.sampled_from(TAGS), max_size=20), st.sampled_from(["conlleval", "discard"]))
def test_repaired_tags_are_legal_and_legal_tags_unchanged(tags, policy):
    repaired = repair_tags(tags, policy)
    tokens = [Token("x", 2 * i, 2 * i + 1) for i in range(len(tags))]
    assert encode(decode(repaired, tokens), tokens) == repaired
    if all(follows(tag, previous) for tag, previous in zip(tags, ["O", *tags], strict=False)):
        assert repaired == tags


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_best_legal_is_the_best_of_all_legal_sequences(length, random):
    tags = ("O", "B-X", "I-X", "B-Y", "I-Y")
    scores = np.array([[random.uniform(-5, 0) for _ in tags] for _ in range(length)])
    legal = (
        path
        for path in product(range(5), repeat=length)
        if all(follows(tags[b], tags[a]) for a, b in zip((0, *path), path, strict=False))
    )
    found = tuple(best_path(scores, tags, follows))
    totals = {path: sum(scores[i, t] for i, t in enumerate(path)) for path in legal}
    assert totals[found] == pytest.approx(max(totals.values()))


def test_edges_of_spans_take_linear_time():
    scores = np.zeros((50_000, 13))
    scores[:, 2] = 1.0  # I- everywhere, which may begin nowhere
    never = [False] * len(scores)
    started = time.process_time()
    assert set(best_path(scores, TAGS, follows, (never, never))) == {0}
    assert time.process_time() - started < 5


def test_best_legal_of_nothing_is_nothing():
    assert best_path(np.zeros((0, 13)), TAGS, follows) == []

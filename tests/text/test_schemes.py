"""Tagging schemes: which sequences each allows, and the spans that they stand for."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thidua_ner.text.iob2 import best_path, decode, follows
from thidua_ner.text.labels import TAGS
from thidua_ner.text.schemes import find_scheme
from thidua_ner.text.syllables import Token

IO = ("O", "I-PER", "I-LOC")
IOB1 = ("O", "B-PER", "I-PER", "I-LOC")
BIOES = ("O", "B-PER", "I-PER", "E-PER", "S-PER", "S-LOC")
BILOU = ("O", "B-PER", "I-PER", "L-PER", "U-PER", "U-LOC")


def test_the_scheme_is_found_by_its_tags():
    names = [find_scheme(tags).name for tags in (TAGS, IO, IOB1, BIOES, BILOU)]
    assert names == ["IOB2", "IO", "IOB1", "BIOES", "BILOU"]


def is_legal(tags, scheme):
    """Tell whether a sequence is allowed, by reading it from its first to its last tag."""
    pairs = zip(("O", *tags), (*tags, "O"), strict=True)
    return all(scheme.may_follow(tag, previous) for previous, tag in pairs)


@pytest.mark.parametrize("tags", [IO, IOB1, BIOES, BILOU])
@given(scores=st.lists(st.lists(st.integers(-9, 9), min_size=6, max_size=6), min_size=1, max_size=4))
def test_the_best_sequence_is_the_best_of_all_legal_ones(tags, scores):
    table, scheme = np.array(scores, dtype=float)[:, : len(tags)], find_scheme(tags)
    path = best_path(table, tags, scheme.may_follow)
    legal = [
        columns
        for columns in product(range(len(tags)), repeat=len(table))
        if is_legal([tags[column] for column in columns], scheme)
    ]
    totals = {columns: sum(table[row, column] for row, column in enumerate(columns)) for columns in legal}
    assert totals[tuple(path)] == max(totals.values())
    written = scheme.as_iob2([tags[column] for column in path])
    assert all(follows(tag, previous) for previous, tag in zip(("O", *written), written, strict=False))


@pytest.mark.parametrize("tags", [TAGS[:5], IO, IOB1, BIOES, BILOU])
@given(length=st.integers(1, 4), random=st.randoms(use_true_random=False))
def test_the_best_path_begins_and_ends_no_span_where_none_may(tags, length, random):
    scheme = find_scheme(tags)
    scores = np.array([[random.uniform(-5, 0) for _ in tags] for _ in range(length)])
    begins, ends = ([random.random() < 0.5 for _ in range(length)] for _ in range(2))
    tokens = [Token("x", place, place + 1) for place in range(length)]

    def is_allowed(path):
        chosen = [tags[index] for index in path]
        return is_legal(chosen, scheme) and all(
            begins[span.start] and ends[span.end - 1] for span in decode(scheme.as_iob2(chosen), tokens)
        )

    totals = {
        path: sum(scores[i, t] for i, t in enumerate(path))
        for path in product(range(len(tags)), repeat=length)
        if is_allowed(path)
    }
    found = tuple(best_path(scores, tags, scheme.may_follow, (begins, ends)))
    assert totals[found] == pytest.approx(max(totals.values()))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-PER E-PER S-PER O B-PER I-PER E-PER", "B-PER I-PER B-PER O B-PER I-PER I-PER"),
        ("U-PER B-PER L-PER O U-LOC", "B-PER B-PER I-PER O B-LOC"),
        ("I-PER I-PER O I-LOC I-PER", "B-PER I-PER O B-LOC B-PER"),
        ("I-PER B-PER I-PER I-LOC", "B-PER B-PER I-PER B-LOC"),
    ],
)
def test_sequences_are_written_in_iob2(tags, expected):
    scheme = find_scheme(next(known for known in (IO, IOB1, BIOES, BILOU) if set(tags.split()) <= set(known)))
    assert scheme.as_iob2(tags.split()) == expected.split()

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import documents
from thidua_ner.text.spans import Document, Span, as_document, document_of_tokens, fingerprint

TOKEN = st.text(min_size=1, max_size=6) | st.sampled_from(["Công", "28/7", "e\u0301", "🙂", "a b", "."])


@pytest.mark.parametrize(("start", "end", "label"), [(-1, 2, "X"), (2, 2, "X"), (3, 2, "X"), (0, 1, ""), (0, 1, "A B")])
def test_bad_spans_are_refused(start, end, label):
    with pytest.raises(ValueError, match=r"span needs|label is"):
        Span(start, end, label)


def test_score_takes_no_part_in_equality():
    assert Span(0, 1, "X", 0.5) == Span(0, 1, "X", 0.9)
    assert len({Span(0, 1, "X", 0.5), Span(0, 1, "X")}) == 1


def test_document_sorts_its_spans():
    assert Document("d", "abcdef", (Span(3, 4, "X"), Span(0, 2, "Y"))).spans == (Span(0, 2, "Y"), Span(3, 4, "X"))


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ((Span(0, 2, "X"), Span(1, 3, "Y")), "overlap"),
        ((Span(0, 2, "X"), Span(0, 2, "X")), "overlap"),
        ((Span(0, 5, "X"), Span(1, 2, "Y")), "overlap"),
        ((Span(4, 7, "X"),), "outside"),
    ],
)
def test_document_refuses_overlap_and_offsets_outside(spans, message):
    with pytest.raises(ValueError, match=message):
        Document("d", "abcdef", spans)


def test_touching_spans_are_flat():
    assert len(Document("d", "5%6", (Span(0, 2, "X"), Span(2, 3, "X"))).spans) == 2


@given(st.lists(TOKEN, max_size=12))
def test_tokens_of_a_document_come_back(tokens):
    document = document_of_tokens(tokens, "d")
    assert (document.id, document.text, document.spans) == ("d", " ".join(tokens), ())
    assert [token.text for sentence in document.given for token in sentence.tokens] == tokens
    assert len(document.given) == bool(tokens)
    for sentence in document.given:
        assert (sentence.start, sentence.end) == (0, len(document.text))
        assert [document.text[token.start : token.end] for token in sentence.tokens] == tokens
        assert all(right.start == left.end + 1 for left, right in pairwise(sentence.tokens))
        pieces = [token for token in document.sentences()[0].tokens if token.text.strip()]
        assert [token.text.strip() for token in pieces] == document.text.split()
        assert {token.start for token in sentence.tokens} <= {token.start for token in document.sentences()[0].tokens}


def test_a_text_becomes_a_document_and_a_document_stays_one():
    document = Document("d", "Huế", (Span(0, 3, "LOC"),))
    assert as_document("Huế") == Document("", "Huế")
    assert as_document(document) is document


@given(documents("a"), documents("b"))
def test_a_fingerprint_ignores_order_and_nothing_else(left, right):
    print_of_both = fingerprint([left, right])
    assert fingerprint([right, left]) == print_of_both
    changed = [
        Document("c", right.text, right.spans),
        Document("b", f"{right.text}.", right.spans),
        right.with_spans(right.spans[1:] if right.spans else (Span(0, 1, "ORG"),)),
    ]
    assert all(fingerprint([left, other]) != print_of_both for other in changed)
    assert fingerprint([left]) != print_of_both


def test_a_fingerprint_ignores_scores():
    documents_ = [Document("d", "Huế", (Span(0, 3, "LOC", score),)) for score in (None, 0.5)]
    assert fingerprint(documents_[:1]) == fingerprint(documents_[1:])

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from nervaluate import Evaluator
from seqscore.encoding import get_encoding
from seqscore.model import AnnotatedSequence
from seqscore.scoring import compute_scores

from tests.conftest import ROOT
from tests.strategies import scored_pairs
from thidua_ner.files import to_json
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_documents, read_predictions
from thidua_ner.scoring.muc import muc_schemes
from thidua_ner.scoring.results import Score
from thidua_ner.scoring.strict import check_against_seqeval, score, score_tags, scoring_tokens, signature, tag_pair
from thidua_ner.scoring.tables import MUC_OUTCOMES
from thidua_ner.text import iob2
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.spans import Document, Span, fingerprint

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_triples(tmp_path, path):
    case = json.loads(path.read_text())
    for name in ("gold", "predicted"):
        (tmp_path / name).with_suffix(".jsonl").write_text("".join(json.dumps(row) + "\n" for row in case[name]))
    gold = read_documents(tmp_path / "gold.jsonl")
    predicted = read_predictions(tmp_path / "predicted.jsonl", gold)
    scores = score(gold, predicted)
    check_against_seqeval(gold, predicted, scores)
    written = to_json(scores)
    for key, expected in case["expected"].items():
        if expected and isinstance(next(iter(expected.values())), dict):
            assert set(written[key]) == set(expected)
            for name, row in expected.items():
                assert written[key][name] == pytest.approx(row), name
        else:
            assert written[key] == pytest.approx(expected)


def test_there_are_golden_triples():
    assert len(GOLDEN) >= 10


@given(scored_pairs())
def test_seqeval_is_the_oracle(pair):
    scores = score(*pair)
    check_against_seqeval(*pair, scores)
    assert sum(row.support for row in scores.per_type.values()) == scores.micro.support


@given(scored_pairs())
def test_nervaluate_counts_the_same_under_every_scheme(pair):
    sides = [[[{"label": s.label, "start": s.start, "end": s.end - 1} for s in d.spans] for d in side] for side in pair]
    result = Evaluator(*sides, tags=list(ENTITY_TYPES), loader="dict").evaluate()["overall"]
    ours = score(*pair).muc
    for name, scheme in (("strict", "strict"), ("exact", "exact"), ("partial", "partial"), ("type", "ent_type")):
        for figure in (*MUC_OUTCOMES, "precision", "recall", "f1"):
            assert getattr(ours[name], figure) == pytest.approx(getattr(result[scheme], figure)), (name, figure)


@pytest.mark.parametrize(
    ("predicted", "outcomes"),
    [
        (Span(4, 10, "ORG"), {"strict": "correct", "exact": "correct", "partial": "correct", "type": "correct"}),
        (Span(4, 10, "LOC"), {"strict": "incorrect", "exact": "correct", "partial": "correct", "type": "incorrect"}),
        (Span(0, 10, "ORG"), {"strict": "incorrect", "exact": "incorrect", "partial": "partial", "type": "correct"}),
        (Span(0, 10, "LOC"), {"strict": "incorrect", "exact": "incorrect", "partial": "partial", "type": "incorrect"}),
        (Span(0, 3, "ORG"), dict.fromkeys(("strict", "exact", "partial", "type"), "spurious")),
    ],
)
def test_what_a_near_miss_is_under_each_scheme(predicted, outcomes):
    gold = Document("a", "tại Hà Nội", (Span(4, 10, "ORG"),))
    schemes = muc_schemes([gold], [gold.with_spans((predicted,))])
    for name, outcome in outcomes.items():
        assert getattr(schemes[name], outcome) == 1
        assert sum(getattr(schemes[name], o) for o in MUC_OUTCOMES) == (2 if outcome == "spurious" else 1)


@given(scored_pairs())
def test_seqscore_agrees_by_type(pair):
    gold_sequences, predicted_sequences = [], []
    for left, right in zip(*pair, strict=True):
        tokens = [token.text for token in scoring_tokens(left.text, (*left.spans, *right.spans))]
        for sequences, tags in zip((gold_sequences, predicted_sequences), tag_pair(left, right), strict=True):
            sequences.append([AnnotatedSequence.from_tokens_and_labels(tokens, tags, get_encoding("BIO"))])
    classification, _ = compute_scores(predicted_sequences, gold_sequences)
    scores = score(*pair)
    assert float(classification.f1) == pytest.approx(scores.micro.f1)
    for label, row in scores.per_type.items():
        assert float(classification.type_scores[label].f1) == pytest.approx(row.f1)


@given(scored_pairs())
def test_order_of_documents_changes_nothing(pair):
    gold, predicted = pair
    backwards = score(gold[::-1], predicted[::-1])
    assert backwards.micro == score(gold, predicted).micro
    assert fingerprint(gold) == fingerprint(gold[::-1])


def test_gold_against_itself_is_perfect():
    gold = brat.read_folder(ROOT / "annotations/gold")
    scores = score(gold, gold)
    assert scores.micro == Score(precision=1.0, recall=1.0, f1=1.0, support=176)
    assert list(scores.per_type) == list(ENTITY_TYPES)
    assert signature(gold).endswith("documents:5|entities:176")


def test_another_text_under_the_same_id_is_refused():
    with pytest.raises(ValueError, match="does not have the text"):
        score([Document("a", "x")], [Document("a", "y")])


def test_a_difference_from_seqeval_is_told():
    gold = [Document("a", "Hà Nội", (Span(0, 6, "LOC"),))]
    scores = score(gold, gold)
    scores = replace(scores, micro=replace(scores.micro, f1=0.5))
    with pytest.raises(AssertionError, match=r"micro avg f1-score: seqeval gives 1\.0"):
        check_against_seqeval(gold, gold, scores)


@given(scored_pairs())
def test_scoring_tokens_cut_at_every_span(pair):
    for left, right in zip(*pair, strict=True):
        tokens = scoring_tokens(left.text, (*left.spans, *right.spans))
        assert all(a.end <= b.start for a, b in pairwise(tokens))
        for document in (left, right):
            assert tuple(iob2.decode(iob2.encode(document.spans, tokens), tokens)) == document.spans


def test_what_is_left_out_or_divided_by_nothing_is_told():
    gold = [Document("a", "Huế họp", (Span(0, 3, "LOC"),)), Document("b", "họp")]
    predicted = [Document("a", "Huế họp", (Span(4, 7, "ORG"),)), Document("b", "họp")]
    scores = score(gold, predicted)
    assert list(scores.notes) == [
        *(f"{label} is in neither gold nor predictions: left out of macro" for label in ("PER", "RANK", "DATE", "NUM")),
        "the gold has no ORG: its recall counts as 0",
        "nothing is predicted as LOC: its precision counts as 0",
        "1 of 2 documents have no entity on either side: left out of the document macro",
    ]
    assert scores.document_macro.documents == 1


@given(scored_pairs())
def test_the_document_macro_is_the_mean_of_documents_that_have_entities(pair):
    gold, predicted = pair
    scores = score(gold, predicted)
    f1 = [scores.per_document[g.id].f1 for g, p in zip(gold, predicted, strict=True) if g.spans or p.spans]
    macro = scores.document_macro
    assert macro.documents == len(f1)
    assert macro.f1 == pytest.approx(np.mean(f1) if f1 else 0)
    assert macro.f1_spread == pytest.approx(np.std(f1, ddof=1) if len(f1) > 1 else 0)


def test_other_labels_are_not_missed():
    document = Document("a", "Huế", (Span(0, 3, "thing"),))
    assert score([document], [document]).notes == ()


@given(scored_pairs())
def test_tags_score_as_the_spans_they_stand_for(pair):
    tags = [tag_pair(left, right) for left, right in zip(*pair, strict=True)]
    by_tags = score_tags([gold for gold, _ in tags], [predicted for _, predicted in tags])
    by_spans = score(*pair)
    assert (by_tags.micro, by_tags.macro, by_tags.weighted) == (by_spans.micro, by_spans.macro, by_spans.weighted)
    assert by_tags.per_type == by_spans.per_type
    assert by_tags.muc == by_spans.muc


def test_tags_of_any_label_are_scored_sentence_by_sentence():
    scores = score_tags([["B-CITY", "O"], [], ["O"]], [["B-CITY", "B-CITY"], [], ["O"]])
    assert scores.micro == Score(precision=0.5, recall=1.0, f1=2 / 3, support=1)
    assert list(scores.per_document) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([["O"]], [["O"], ["O"]], "2 predicted sentences for 1 gold sentences"),
        ([["O"], ["O"]], [["O"], ["O", "O"]], "sentence 2: 2 predicted tags for 1 gold tags"),
        ([["I-X"]], [["O"]], "sentence 1, tag 1: I-X continues nothing after O"),
        ([["O"]], [["X"]], "sentence 1, tag 1: 'X' is not an IOB2 tag"),
    ],
)
def test_faulty_tags_are_refused_with_their_sentence(gold, predicted, message):
    with pytest.raises(ValueError, match=message):
        score_tags(gold, predicted)


def test_a_named_repair_reads_tags_that_are_not_strict():
    assert score_tags([["I-X"]], [["B-X"]], repair="conlleval").micro.f1 == 1
    assert score_tags([["I-X"]], [["O"]], repair="discard").micro.support == 0


def test_scores_print_as_a_table_with_their_signature():
    gold = brat.read_folder(ROOT / "annotations/gold")
    shown = str(score(gold, gold))
    assert "micro                  100.00    100.00  100.00         176" in shown
    assert shown.endswith(signature(gold))

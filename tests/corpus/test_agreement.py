import json

import pytest
from hypothesis import assume, example, given

from tests.conftest import ROOT
from tests.strategies import scored_pairs
from thidua_ner.corpus.agreement import (
    SpanTotals,
    agree,
    disagreements,
    read_agreement,
    token_kappa,
)
from thidua_ner.corpus.annotations import read_annotations
from thidua_ner.faults import DataError
from thidua_ner.scoring.strict import tag_pair
from thidua_ner.text.spans import Document, Span

ANNOTATIONS = read_annotations(ROOT / "annotations")

LEFT = [Document("a", "Hà Nội\n5 vụ ở Huế", (Span(0, 6, "LOC"), Span(7, 8, "NUM")))]
RIGHT = [Document("a", "Hà Nội\n5 vụ ở Huế", (Span(0, 6, "LOC"), Span(14, 17, "LOC")))]


def test_figures_of_a_small_case():
    figures = agree(LEFT, RIGHT)
    assert figures.spans == SpanTotals(2, 2)
    assert figures.span_f1 == 0.5
    assert figures.span_f1_per_type == {"LOC": 0.6667, "NUM": 0.0}
    assert figures.disagreements == 2
    # six tokens, four with the same tag; by chance, tag by tag: B-LOC, I-LOC, B-NUM, O
    chance = (1 * 2 + 1 * 1 + 1 * 0 + 3 * 3) / 36
    assert token_kappa(LEFT, RIGHT) == pytest.approx((4 / 6 - chance) / (1 - chance))


def test_disagreements_name_line_and_annotator():
    assert [(d.line, d.annotator, d.surface) for d in disagreements(LEFT, RIGHT)] == [(2, 1, "5"), (2, 2, "Huế")]


@given(scored_pairs())
@example((LEFT, RIGHT))
def test_agreement_is_the_same_both_ways(pair):
    tags = {tag for both in zip(*pair, strict=True) for side in tag_pair(*both) for tag in side}
    assume(len(tags) > 1)  # otherwise kappa is not defined
    forth, back = agree(*pair), agree(*reversed(pair))
    for key in ("documents", "span_f1", "span_f1_per_type", "disagreements"):
        assert getattr(forth, key) == getattr(back, key)
    assert forth.token_kappa == pytest.approx(back.token_kappa)
    assert forth.spans == SpanTotals(back.spans.second, back.spans.first)
    assert forth.disagreements == len(disagreements(*pair))


def test_an_agreement_file_that_lacks_a_figure_is_a_fault(tmp_path):
    content = json.loads((ROOT / "annotations/agreement.json").read_text())
    del content["gold"]["between_passes"]["span_f1"]
    (tmp_path / "agreement.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"lacks gold\.between_passes\.span_f1; run `thidua-ner agreement`"):
        read_agreement(tmp_path)


def test_every_disagreement_on_the_gold_is_adjudicated():
    text = (ROOT / "annotations/ADJUDICATION.md").read_text()
    assert set(ANNOTATIONS.gold.passes) == {"first", "second", "rules-only"}
    for folder in ANNOTATIONS.gold.passes.values():
        for found in disagreements(ANNOTATIONS.gold.settled.documents, folder.documents):
            rows = [line for line in text.splitlines() if line.startswith(f"| {found.document}:{found.line} ")]
            assert any(found.surface in row for row in rows), found

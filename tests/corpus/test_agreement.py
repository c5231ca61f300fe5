import json

import pytest

from tests.conftest import ROOT
from thidua_ner.corpus.agreement import agree, disagreements, token_kappa
from thidua_ner.corpus.annotations import GOLD, measure_agreement, pass_folders
from thidua_ner.formats import brat
from thidua_ner.text.spans import Document, Span

LEFT = [Document("a", "Hà Nội\n5 vụ ở Huế", (Span(0, 6, "LOC"), Span(7, 8, "NUM")))]
RIGHT = [Document("a", "Hà Nội\n5 vụ ở Huế", (Span(0, 6, "LOC"), Span(14, 17, "LOC")))]


def test_figures_of_a_small_case():
    figures = agree(LEFT, RIGHT)
    assert figures["span_f1"] == 0.5
    assert figures["span_f1_per_type"] == {"LOC": 0.6667, "NUM": 0.0}
    assert figures["disagreements"] == 2
    # six tokens, four tagged alike; by chance, tag by tag: B-LOC, I-LOC, B-NUM, O
    chance = (1 * 2 + 1 * 1 + 1 * 0 + 3 * 3) / 36
    assert token_kappa(LEFT, RIGHT) == pytest.approx((4 / 6 - chance) / (1 - chance))


def test_disagreements_name_line_and_annotator():
    assert [(d.line, d.annotator, d.surface) for d in disagreements(LEFT, RIGHT)] == [(2, 1, "5"), (2, 2, "Huế")]


def test_agreement_is_the_same_both_ways():
    forth, back = agree(LEFT, RIGHT), agree(RIGHT, LEFT)
    for key in ("span_f1", "token_kappa", "disagreements"):
        assert forth[key] == back[key]


def test_the_published_figures_are_those_of_the_passes():
    published = json.loads((ROOT / "annotations/agreement.json").read_text())
    assert measure_agreement(ROOT / "annotations") == published


def test_every_disagreement_on_the_gold_is_adjudicated():
    text = (ROOT / "annotations/ADJUDICATION.md").read_text()
    gold = brat.read_folder(ROOT / "annotations/gold")
    for folder in pass_folders(ROOT / "annotations", GOLD):
        for found in disagreements(gold, brat.read_folder(folder)):
            rows = [line for line in text.splitlines() if line.startswith(f"| {found.document}:{found.line} ")]
            assert any(found.surface in row for row in rows), found

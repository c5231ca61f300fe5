"""The benchmark of scoring, on a few texts."""

import sys

import pytest

from benchmarks import scoring
from thidua_ner.text.iob2 import decode


def test_all_scorers_get_the_same_texts_and_agree(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scoring", "--tokens", "3000", "--rounds", "1"])
    scoring.main()
    out = capsys.readouterr().out
    rows = [line for line in out.splitlines() if line.startswith(("ours", "seqeval", "nervaluate"))]
    assert len(rows) == 4
    assert "gold spans, F1 8" in out  # four in five are correct


def test_predictions_have_errors_of_every_kind():
    texts, tags, tokens = scoring.make_texts(20_000)
    right, cut, other, missed = 0, 0, 0, 0
    for gold, predicted in zip(*texts, strict=True):
        found = {span.start: span for span in predicted.spans}
        for span in gold.spans:
            guess = found.get(span.start)
            right += guess == span
            cut += guess is not None and guess.end < span.end
            other += guess is not None and guess.label != span.label
            missed += guess is None
    total = sum(len(document.spans) for document in texts[0])
    assert right / total == pytest.approx(0.83, abs=0.04)
    assert min(cut, other, missed) > 0.02 * total
    assert [tuple(decode(row, own)) for row, own in zip(tags[1], tokens, strict=True)] == [d.spans for d in texts[1]]

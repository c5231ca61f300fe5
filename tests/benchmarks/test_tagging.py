"""The benchmarks of tagging: what they print follows from what they measure."""

import pytest

from benchmarks import scale, tagging
from benchmarks.tagging import Setting, Trial
from tests.conftest import ROOT
from thidua_ner.tagging.jobs import Job

TEXT = "Sáng 29/7, Công an TP Cần Thơ họp."


def test_rates_are_medians_and_ratios_are_taken_round_by_round(monkeypatch):
    monkeypatch.setattr(tagging, "sentences", lambda number: iter([TEXT] * number))
    stock = [Trial(5.0, 8.0, 3, 100.0), Trial(7.0, 4.0, 3, 90.0), Trial(6.0, 6.0, 3, 80.0)]
    ours = [Trial(1.0, 2.0, 4, 1000.0), Trial(3.0, 2.0, 4, 2000.0), Trial(2.0, 1.0, 4, 50.0)]
    trials = {("stock pipeline", 10): stock, ("ours, int8", 10): ours}
    assert tagging._row(("ours, int8", 10), trials) == ["ours, int8", "10", "40", "4.00", "4", "2,000", "2.0"]
    assert tagging._row(("ours, int8", 10), {("ours, int8", 10): ours})[3] == ""


@pytest.mark.parametrize("name", ["ours, torch", "underthesea"])
def test_entities_are_counted(model, name):
    tag = tagging.load(name, Setting(model))
    assert tag(iter([TEXT] * 3)) == 3 * tag(iter([TEXT])) > 0
    assert tag(iter([])) == 0


def test_a_gpu_is_compared_only_with_what_runs_on_it(tmp_path):
    assert Setting(tmp_path).taggers() == list(tagging.NAMES)
    assert Setting(tmp_path, "cuda").taggers() == ["stock pipeline", "ours, torch", "ours, bf16"]


def test_sentences_come_again_and_again(monkeypatch):
    monkeypatch.chdir(ROOT)
    once = list(tagging.sentences(12_000))
    assert len(once) == 12_000
    assert once[: len(once) - once.index(once[0], 1)] == once[once.index(once[0], 1) :]


def test_shares_add_up(model, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    syllables, size = scale.write_corpus(tmp_path / "in.jsonl", 5)
    assert size == (tmp_path / "in.jsonl").stat().st_size > syllables > 5 * 200
    rows = scale.shares(Job(model, "torch", tmp_path / "out", "jsonl"), tmp_path / "in.jsonl")
    found = {stage: float(share.removesuffix("%")) for stage, share in rows}
    assert sum(found.values()) == pytest.approx(100, abs=0.5)
    assert all(found[stage] > 0 for stage in ("words and subwords", "spans", "writing"))

"""The learning curve on a small project: nested parts, one row per part, no model trained twice."""

import sys

from benchmarks.learning_curve import main, part_of
from tests.conftest import ROOT, TINY
from train.config import load_config
from train.data import load_folds


def test_smaller_parts_are_parts_of_larger_ones(project, monkeypatch):
    monkeypatch.chdir(project)
    (whole,) = load_folds(load_config(ROOT / "configs/phobert-tiny.yaml", [*TINY, "protocol=transfer"]))
    one, two = (part_of(whole, size, seed=1) for size in (1, 2))
    assert set(one.train_documents) < set(two.train_documents) == set(whole.train_documents)
    assert len(one.sentences) == sum(len(document.sentences()) for document in one.train_documents)
    assert (one.validation, one.test) == (whole.validation, whole.test)


def test_the_command_prints_a_row_per_size_and_trains_once(project, monkeypatch, capsys, tiny_arguments):
    monkeypatch.chdir(project)
    config = str(ROOT / "configs/phobert-tiny.yaml")
    monkeypatch.setattr(sys, "argv", ["curve", "--config", config, *tiny_arguments, "--documents", "1", "2"])
    main()
    first = capsys.readouterr().out
    assert [line.split()[0] for line in first.splitlines()[-4:]] == ["documents", "-----------", "1", "2"]
    weights = project / "runs/learning-curve/1-seed-1/model/model.safetensors"
    written = weights.stat().st_mtime_ns
    main()
    assert capsys.readouterr().out == first
    assert weights.stat().st_mtime_ns == written

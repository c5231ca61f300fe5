"""The run folder: what is a run, a fold, a model or a folder of seeds, and what is not one of them."""

import json

import pytest

from tests.conftest import make_manifest
from thidua_ner.faults import DataError
from thidua_ner.files import to_json, write_json
from thidua_ner.runs.folder import (
    FoldFolder,
    FoldRecord,
    RunFolder,
    model_folders,
    published_folders,
    read_model_config,
    run_folders,
    seed_folders,
)
from thidua_ner.scoring.results import Score


def make_run(folder, *folds):
    made = to_json(make_manifest(name="a", protocol="lodo"))
    write_json(RunFolder(folder).manifest, {**made, "folds": list(folds)})
    for fold in folds:
        write_json(RunFolder(folder).fold(fold).record, FoldRecord(train_traces=("a",)))
    return folder


def test_models_are_found_from_a_run_a_fold_and_themselves(tmp_path):
    run = make_run(tmp_path / "run", "one", "two")
    model = run / "one/model"
    write_json(model / "config.json", {"id2label": {"0": "O"}})
    assert model_folders(run) == [run / "one/model", run / "two/model"]
    assert model_folders(run / "one") == model_folders(model) == [model]
    assert read_model_config(model).tags == ("O",)


def test_an_unfinished_run_is_named(tmp_path):
    run = make_run(tmp_path / "run", "one", "two")
    (run / "two/fold.json").unlink()
    with pytest.raises(DataError, match="two: is not finished; run the training again with --resume"):
        RunFolder(run).finished_folds()


def test_seeds_come_in_the_order_of_their_numbers(tmp_path):
    for seed in (10, 2, 1):
        make_run(RunFolder(tmp_path).seed(seed).path, "one")
    (tmp_path / "seed-x").mkdir()
    (tmp_path / "seed-3").mkdir()
    assert [run.name for run in seed_folders(tmp_path)] == ["seed-1", "seed-2", "seed-10"]
    assert seed_folders(tmp_path / "seed-1") == []
    assert run_folders([tmp_path, tmp_path / "seed-1"]) == [*seed_folders(tmp_path), tmp_path / "seed-1"]


def test_published_results_have_no_models(tmp_path):
    run = make_run(tmp_path / "results/a/lodo/seed-1", "one")
    (run / "scores.json").write_text("{}")
    assert published_folders(tmp_path / "results") == {run.parent: [run]}
    assert RunFolder(run).has_models
    (run / "one/fold.json").unlink()
    (run / "one").rmdir()
    assert not RunFolder(run).has_models


def test_what_is_not_a_run_has_no_manifest(tmp_path):
    assert RunFolder(tmp_path).find_manifest() is None
    for content in ("{", "{}", "[]", '{"folds": ["a"]}'):
        (tmp_path / "manifest.json").write_text(content)
        assert RunFolder(tmp_path).find_manifest() is None


def test_a_fold_record_keeps_its_form(tmp_path):
    fold = FoldFolder(tmp_path)
    record = FoldRecord(fold="a", seed=1, train_traces=("b",), train_mentions=None, validation=Score(1.0, 0.5, 0.6, 2))
    write_json(fold.record, record)
    assert fold.is_finished
    assert fold.read_record() == record
    written = json.loads(fold.record.read_text())
    assert written["train_mentions"] is None  # null: they are not known
    assert "updates" not in written  # a baseline has none

"""Checkpoints in ONNX Runtime: the same spans as in torch."""

import shutil

import numpy as np
import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.faults import DataError
from thidua_ner.formats import brat
from thidua_ner.models.checkpoints import load_checkpoint
from thidua_ner.models.onnx import OnnxModel
from thidua_ner.runs.folder import onnx_folder
from thidua_ner.tagging.tagger import load_tagger

GOLD = brat.read_folder(ROOT / "annotations/gold")


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    """A fold of a run with its ONNX models, and the output of the command."""
    fold = tmp_path_factory.mktemp("onnx") / "fold"
    shutil.copytree(tiny_run / "lodo-nghean-2020-07", fold)
    return fold, run_inside("thidua_ner", "export", str(fold))


def test_the_command_compares_the_runtimes(exported):
    fold, done = exported
    rows = [line.split() for line in done.stdout.splitlines()[3:]]
    assert [row[0] for row in rows] == ["torch", "torch-bf16", "onnx", "onnx-int8"]
    assert rows[0][1] == rows[2][1]
    assert str(fold / "model/onnx") in done.stdout
    assert (fold / "model/onnx/model.int8.onnx").stat().st_size < (fold / "model/onnx/model.onnx").stat().st_size


def test_spans_and_probabilities_are_those_of_torch(exported):
    fold, _ = exported
    ours, theirs = (list(load_tagger(fold, runtime=runtime).tag_many(GOLD)) for runtime in ("torch", "onnx"))
    assert ours == theirs
    sentences = [[token.text for token in sentence.tokens] for d in GOLD for sentence in d.sentences()]
    models = load_checkpoint(fold / "model"), OnnxModel(onnx_folder(fold / "model"), "onnx")
    for left, right in zip(*(model.probabilities(sentences) for model in models), strict=True):
        np.testing.assert_allclose(left, right, atol=2e-6)


@pytest.mark.parametrize("words", [[], ["Huế"], ["Công", "an"] * 400])
def test_sentences_of_any_length_are_read(exported, words):
    fold, _ = exported
    model = OnnxModel(onnx_folder(fold / "model"), "onnx")
    (empty, rows) = model.probabilities([[], words])
    assert len(empty) == 0
    assert len(rows) == len(words)
    if words:
        np.testing.assert_allclose(rows.sum(-1), 1.0)


def test_tagging_in_shards_takes_a_runtime(exported, tmp_path):
    fold, _ = exported
    arguments = ("tag", str(fold), "annotations/gold", "-o", str(tmp_path / "out"), "--runtime")
    run_inside("thidua_ner", *arguments, "onnx")
    done = run_inside("thidua_ner", *arguments, "onnx-int8", check=False)
    assert "was started with other options (runtime: onnx, not onnx-int8)" in done.stderr


def test_what_is_missing_or_damaged_is_named(exported, tiny_run, tmp_path):
    with pytest.raises(DataError, match=r"model\.onnx: is missing; run `thidua-ner export "):
        load_tagger(tiny_run / "lodo-cantho-2022-07", runtime="onnx")
    fold = shutil.copytree(exported[0], tmp_path / "fold")
    (fold / "model/onnx/model.onnx").write_bytes(b"no")
    with pytest.raises(DataError, match="cannot be loaded"):
        load_tagger(fold, runtime="onnx")


def test_exporting_again_replaces_what_was_there(exported, tmp_path):
    fold = shutil.copytree(exported[0], tmp_path / "fold")
    (fold / "model/onnx/model.onnx").write_bytes(b"no")
    run_inside("thidua_ner", "export", str(fold))
    assert sorted(path.name for path in (fold / "model").glob(".*")) == []
    assert list(load_tagger(fold, runtime="onnx").tag_many(GOLD)) == list(load_tagger(fold).tag_many(GOLD))

"""An encoder and a CRF as one model: what their product is, and what is refused."""

import json
import shutil

import numpy as np
import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.faults import DataError
from thidua_ner.formats import brat
from thidua_ner.tagging.product import Product
from thidua_ner.tagging.tag import model_fingerprint
from thidua_ner.tagging.tagger import Tagger, load_tagger
from thidua_ner.text.words import Word

GOLD = brat.read_folder(ROOT / "annotations/gold")
FOLDS = ("lodo-cantho-2022-07", "lodo-nghean-2020-07")
RUNTIMES = ("torch", "torch-bf16", "onnx", "onnx-int8")


class Fixed:
    """A model that gives each word of a sentence the same probabilities."""

    tags, segmenter = ("O", "B-PER", "I-PER"), "none"

    def __init__(self, *row):
        self._row = row

    def probabilities(self, sentences):
        return [np.array([self._row] * len(words), dtype=float).reshape(-1, 3) for words in sentences]


def joined(model, crf, weight):
    """Put a CRF into the folder of an encoder."""
    shutil.copyfile(crf / "model.crfsuite", model / "model.crfsuite")
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "crf_weight": weight}))
    return model


def spans(tagger):
    return [document.spans for document in tagger.tag_many(GOLD)]


@pytest.fixture(scope="module")
def product(tiny_run, model, tmp_path_factory):
    """A tiny encoder with a CRF, exported for ONNX Runtime."""
    fold = shutil.copytree(tiny_run / FOLDS[0], tmp_path_factory.mktemp("product") / "fold")
    joined(fold / "model", model, 0.3)
    run_inside("thidua_ner", "export", str(fold))
    return fold


@pytest.fixture
def damaged(product, tmp_path):
    """A copy to damage."""
    return shutil.copytree(product, tmp_path / "fold")


def test_probabilities_are_a_normalised_weighted_geometric_mean():
    model = Product(Fixed(0.5, 0.25, 0.25), Fixed(0.04, 0.64, 0.32), 0.5)
    empty, rows = model.probabilities([[], ["Huế", "họp"]])
    assert empty.shape == (0, 3)
    total = 0.02**0.5 + 0.4 + 0.08**0.5
    np.testing.assert_allclose(rows, [[0.02**0.5 / total, 0.4 / total, 0.08**0.5 / total]] * 2)
    (row,) = Product(Fixed(0.2, 0.8, 0.0), Fixed(0.9, 0.1, 0.0), 0.25).probabilities([["Huế"]])[0]
    parts = [0.2**0.75 * 0.9**0.25, 0.8**0.75 * 0.1**0.25, 1e-12]
    np.testing.assert_allclose(row, np.array(parts) / sum(parts), rtol=1e-9)
    assert (model.tags, model.segmenter) == (("O", "B-PER", "I-PER"), "none")


def test_a_tag_that_the_crf_has_never_seen_is_not_forbidden():
    (row,) = Product(Fixed(0.01, 0.99, 0.0), Fixed(1.0, 0.0, 0.0), 0.1).probabilities([["Huế"]])[0]
    assert row.argmax() == 1
    assert row.sum() == pytest.approx(1)
    (row,) = Product(Fixed(1.0, 0.0, 0.0), Fixed(0.0, 1.0, 0.0), 0.5).probabilities([["Huế"]])[0]
    np.testing.assert_allclose(row, [0.5, 0.5, 5e-7], rtol=1e-5)


def test_the_weight_leads_from_the_encoder_to_the_crf(tiny_run, model, tmp_path):
    encoder, crf = spans(load_tagger(tiny_run / FOLDS[0])), spans(load_tagger(model))
    assert encoder != crf
    found = {}
    for weight in (1e-9, 1 - 1e-9):
        copy = shutil.copytree(tiny_run / FOLDS[0] / "model", tmp_path / str(weight))
        found[weight] = spans(load_tagger(joined(copy, model, weight)))
    assert found[1e-9] == encoder
    assert found[1 - 1e-9] == crf


def test_the_models_of_several_folds_are_products_whose_mean_is_taken(tiny_run, model, tmp_path):
    folders = [joined(shutil.copytree(tiny_run / f / "model", tmp_path / f), model, 0.5) for f in FOLDS]
    tagger = load_tagger(*folders)
    (both,) = Tagger(tagger._models)._probabilities([segmented("Công an tỉnh Quảng Nam họp .")])
    alone = [Tagger([m])._probabilities([segmented("Công an tỉnh Quảng Nam họp .")])[0] for m in tagger._models]
    assert [type(one) for one in tagger._models] == [Product, Product]
    np.testing.assert_allclose(both, (alone[0] + alone[1]) / 2)
    np.testing.assert_allclose(both.sum(-1), 1.0)


def segmented(text):
    return [Word((word,), place, place + 1) for place, word in enumerate(text.split())]


def test_every_runtime_joins_the_crf(product, tiny_run):
    alone = spans(load_tagger(tiny_run / FOLDS[0]))
    found = {runtime: spans(load_tagger(product, runtime=runtime)) for runtime in RUNTIMES}
    assert found["onnx"] == found["torch"]
    for runtime in RUNTIMES:
        assert sum(map(len, found[runtime])) > 100
        assert found[runtime] != alone
    assert not list((product / "model/onnx").glob("*.crfsuite"))  # there is one CRF, that of the model


def test_plain_transformers_loads_the_encoder(product):
    from transformers import AutoModelForTokenClassification

    encoder = AutoModelForTokenClassification.from_pretrained(product / "model")
    assert encoder.config.model_type == "roberta"
    assert encoder.config.crf_weight == 0.3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_missing_crf_is_a_fault_and_never_left_out(damaged, runtime):
    (damaged / "model/model.crfsuite").unlink()
    with pytest.raises(DataError) as caught:
        load_tagger(damaged, runtime=runtime)
    what = "is missing, the CRF to which config.json gives a weight (crf_weight)"
    remedy = "copy the whole folder of the model, or train it again"
    assert str(caught.value) == f"{damaged / 'model/model.crfsuite'}: {what}; {remedy}"


def test_a_damaged_crf_is_a_fault(damaged):
    path = damaged / "model/model.crfsuite"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"model\.crfsuite: is not a CRF model, or is damaged; train it again"):
        load_tagger(damaged)
    done = run_inside("thidua_ner", "tag", str(damaged), str(ROOT / "annotations/gold"), check=False)
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"crf_weight": 1.0}, "crf_weight is 1.0, not between 0 and 1; correct it"),
        ({"crf_weight": 0}, "crf_weight is 0"),
        ({"crf_weight": float("nan")}, "crf_weight is nan"),
        ({"crf_weight": "much"}, "crf_weight"),
        ({"segmenter": "underthesea"}, "has a CRF, which reads syllables, beside the segmenter 'underthesea'"),
    ],
)
def test_wrong_keys_of_the_model_are_named(damaged, keys, message):
    path = damaged / "model/config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))
    with pytest.raises(DataError, match=message) as caught:
        load_tagger(damaged)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_fingerprint_of_a_model_is_that_of_its_crf_too(damaged):
    before = [model_fingerprint(damaged, runtime) for runtime in ("torch", "onnx")]
    path = damaged / "model/model.crfsuite"
    path.write_bytes(path.read_bytes() + b"\0")
    after = [model_fingerprint(damaged, runtime) for runtime in ("torch", "onnx")]
    assert before[0] != after[0]
    assert before[1] != after[1]

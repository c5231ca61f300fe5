"""Validation on any documents: `data.validation` beside the benchmark's dataset."""

import json

import pytest

from tests.conftest import ROOT, TINY, run_inside
from tests.small_annotations import marked, write_annotations
from thidua_ner.formats.jsonl import write_documents
from train.config import load_config
from train.data import load_folds

CONFIG = str(ROOT / "configs/phobert-tiny.yaml")
OWN = [marked("o-1", "[ORG Công an xã Tân Lập] họp."), marked("o-2", "[PER Ông Bách] gặp [NUM 7] người.")]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with a dataset built from small annotations, and documents to validate on."""
    folder = tmp_path_factory.mktemp("small")
    write_annotations(folder / "annotations")
    run_inside("thidua_ner", "agreement", cwd=folder)
    run_inside("thidua_ner", "build", cwd=folder)
    write_documents(folder / "own.jsonl", OWN)
    write_documents(folder / "foreign.jsonl", [marked("f-1", "[TEAM Đội Một] thắng ở [SHOP Chợ Mới]."), *OWN])
    return folder


def train(folder, *overrides, output, check=True, config=CONFIG, options=()):
    sets = [part for override in [*TINY, "training.checkpoint_every=1", *overrides] for part in ("--set", override)]
    arguments = [config, "--protocol", "transfer", "--output", output, *options]
    return run_inside("train", *arguments, *(sets if config == CONFIG else sets[-2:]), cwd=folder, check=check)


def test_the_folds_are_validated_on_these_documents_alone(small, monkeypatch):
    monkeypatch.chdir(small)
    (plain,) = load_folds(load_config(ROOT / "configs/phobert-tiny.yaml", protocol="transfer"))
    (fold,) = load_folds(
        load_config(ROOT / "configs/phobert-tiny.yaml", ["data.validation=own.jsonl"], protocol="transfer")
    )
    assert [document.id for document in plain.validation] == ["002-b"]
    assert list(fold.validation) == OWN
    for name in ("name", "tags", "sentences", "train_documents", "test"):
        assert getattr(fold, name) == getattr(plain, name)


def test_training_validates_on_them_and_the_manifest_keeps_their_name(small):
    train(small, output="plain")
    done = train(small, "data.validation=own.jsonl", output="run")
    records, manifests = (
        [json.loads((small / run / name).read_text()) for run in ("plain", "run")]
        for name in ("transfer/fold.json", "manifest.json")
    )
    assert [record["validation"]["support"] for record in records] == [1, 3]
    assert records[0]["train_documents"] == records[1]["train_documents"]
    assert [manifest["config"]["data"] for manifest in manifests] == [
        "data", {"folder": "data", "validation": "own.jsonl"},
    ]  # fmt: skip
    assert manifests[1]["config"]["protocol"] == "transfer"
    assert manifests[0]["data_fingerprint"] != manifests[1]["data_fingerprint"]
    told = [line for line in done.stderr.splitlines() if "no model can find" in line]
    assert told == ["own.jsonl: has labels that the training data lacks, and no model can find: ORG"]


def test_a_run_is_resumed_only_with_the_same_documents(small):
    train(small, "data.validation=moved.jsonl", output="again", check=False)
    assert not (small / "again").exists()
    write_documents(small / "moved.jsonl", OWN)
    train(small, "data.validation=moved.jsonl", output="again")
    write_documents(small / "moved.jsonl", OWN[:1])
    done = train(small, "data.validation=moved.jsonl", output="again", options=["--resume"], check=False)
    assert done.returncode == 1
    assert "again: is a run of other data" in done.stderr
    done = train(small, output="again", options=["--resume"], check=False)
    assert "again: is a run of another config (data: {'folder': 'data', 'validation': 'moved.jsonl'}, not data)" in (
        done.stderr
    )


def test_a_baseline_is_validated_on_them_too(small):
    train(small, "data.validation=own.jsonl", output="crf", config=str(ROOT / "configs/crf.yaml"))
    record = json.loads((small / "crf/transfer/fold.json").read_text())
    assert record["validation"]["support"] == 3


def test_labels_that_no_model_can_find_are_told(small):
    done = train(small, "data.validation=foreign.jsonl", output="dry", options=["--dry-run"])
    told = [line for line in done.stderr.splitlines() if "no model can find" in line]
    what = "has labels that the training data lacks, and no model can find"
    assert told == [f"foreign.jsonl: {what}: ORG, SHOP, TEAM"]
    assert "validation: foreign.jsonl" in done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.jsonl", "nowhere.jsonl: does not exist; name a folder of .txt and .ann files, a .jsonl or a .conll"),
        ("data", "data: holds no documents; name a folder of .txt and .ann files"),
        ("data/README.md", "data/README.md: has the suffix '.md'; name a folder of .txt and .ann files"),
        ("data/wild/validation.jsonl", 'data/wild/validation.jsonl:1: the record has no text; give "text" as a string'),
    ],
)
def test_documents_that_cannot_be_validated_on_are_told_before_training(small, name, message):
    done = train(small, f"data.validation={name}", output="never", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert not (small / "never").exists()

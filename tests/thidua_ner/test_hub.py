"""The dataset repository: what anyone's code reads from it, and that it is rebuilt to the byte."""

import json
import os
import subprocess
import sys
import warnings

import pytest
import yaml
from datasets import ClassLabel, get_dataset_config_names, load_dataset
from hypothesis import given

from tests.conftest import ROOT, run_inside
from tests.strategies import documents
from thidua_ner import brat, hub
from thidua_ner.labels import ENTITY_TYPES, TAGS

IDS = ["cantho-2022-07", "khanhhoa-2023-11", "nghean-2020-07", "quangnam-2023-07", "quangnam-2024-07"]
CARD_SECTIONS = [
    *("Dataset details", "Dataset description", "Dataset sources"),
    *("Uses", "Direct use", "Out-of-scope use", "Dataset structure"),
    *("Dataset creation", "Curation rationale", "Source data", "Data collection and processing"),
    *("Who are the source data producers?", "Annotations", "Annotation process", "Who are the annotators?"),
    *("Personal and sensitive information", "Bias, risks and limitations", "Recommendations"),
    *("Citation", "Dataset card authors and contact"),
]
"""The sections of the hub's template."""
CONFIGS = ["default", "gold", *(f"lodo-{name}" for name in IDS)]


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@given(documents())
def test_rows_hold_the_document_in_their_own_offsets(document):
    seen = []
    for row in hub.sentence_rows(document):
        start, text = row["doc_start"], row["text"]
        assert document.text[start : start + len(text)] == text
        for token, a, b in zip(row["tokens"], row["token_starts"], row["token_ends"], strict=True):
            assert text[a:b] == token
        assert len(row["ner_tags"]) == len(row["tokens"])
        for entity in row["entities"]:
            assert text[entity["start"] : entity["end"]] == entity["text"]
            seen.append((start + entity["start"], start + entity["end"], entity["label"]))
    assert seen == [(s.start, s.end, s.label) for s in document.spans]


def test_the_build_is_the_same_twice_and_is_what_is_committed():
    first = hub.build(ROOT / "annotations")
    assert first == hub.build(ROOT / "annotations")
    for path, raw in first.items():
        assert (ROOT / "data" / path).read_bytes() == raw, path


def test_the_build_does_not_depend_on_place_locale_or_hash_seed(project):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-m", "thidua_ner", "build"], cwd=project, env=environment, check=True)
    for path in (ROOT / "data").rglob("*.*"):
        assert (project / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_every_config_is_listed():
    assert sorted(get_dataset_config_names("data")) == sorted([*CONFIGS, "documents"])


@pytest.mark.parametrize("config", CONFIGS)
def test_sentences_load_with_class_labels(config):
    loaded = load_dataset("data", config)
    splits = hub.configurations(IDS)[config]
    assert set(loaded) == set(splits)
    for split, ids in splits.items():
        rows = loaded[split]
        assert list(dict.fromkeys(rows["doc_id"])) == ids
        label = rows.features["ner_tags"].feature
        assert isinstance(label, ClassLabel)
        assert label.names == list(TAGS)
        for row in rows:
            tags = [label.int2str(tag) for tag in row["ner_tags"]]
            assert sum(tag.startswith("B-") for tag in tags) == len(row["entities"])
            for entity in row["entities"]:
                assert row["text"][entity["start"] : entity["end"]] == entity["text"]
                first = row["token_starts"].index(entity["start"])
                assert tags[first] == f"B-{entity['label']}"


def test_the_default_config_is_loaded_without_a_name():
    assert set(load_dataset("data")) == {"train", "validation", "test"}


def test_documents_load_whole():
    rows = load_dataset("data", "documents", split="test")
    gold = {document.id: document for document in brat.read_folder(ROOT / "annotations/gold")}
    assert rows["id"] == IDS
    for row in rows:
        document = gold[row["id"]]
        assert row["text"] == document.text
        assert [(e["start"], e["end"], e["label"], e["text"]) for e in row["entities"]] == [
            (s.start, s.end, s.label, document.surface(s)) for s in document.spans
        ]


def test_loading_needs_no_code_of_ours(tmp_path):
    code = "from datasets import load_dataset; print(load_dataset(r'%s', 'gold', split='test').num_rows)" % (
        ROOT / "data"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["84"], done.stderr


@pytest.mark.parametrize("name", IDS)
def test_no_document_is_in_two_splits(name):
    for splits in hub.configurations(IDS).values():
        assert sum(name in ids for ids in splits.values()) <= 1


def test_statistics_are_those_of_the_files():
    stats = json.loads((ROOT / "data/stats.json").read_text())
    gold = brat.read_folder(ROOT / "annotations/gold")
    assert stats["entities"] == sum(len(d.spans) for d in gold) == sum(stats["entities_by_type"].values())
    assert list(stats["entities_by_type"]) == list(ENTITY_TYPES)
    rows = load_dataset("data", "gold", split="test")
    assert stats["sentences"] == len(rows)
    assert stats["tokens"] == sum(map(len, rows["tokens"]))
    for name, counts in stats["per_document"].items():
        own = rows.filter(lambda row, name=name: row["doc_id"] == name)
        assert counts["sentences"] == len(own)
        assert counts["entities"] == sum(map(len, own["entities"]))


def test_the_card_has_the_counts_and_the_sections():
    card = (ROOT / "data/README.md").read_text()
    for section in CARD_SECTIONS:
        assert f"# {section}\n" in card
    assert "$" not in card


def test_croissant_describes_files_that_load():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies warn of their own futures
        import mlcroissant

        dataset = mlcroissant.Dataset("data/croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    published = yaml.safe_load((ROOT / "CITATION.cff").read_text())["date-released"]
    assert str(dataset.metadata.date_published.date()) == str(published)
    documents = list(dataset.records("documents"))
    assert [row["documents/id"].decode() for row in documents] == IDS
    entities = [row["documents/entities"] for row in documents]
    assert sum(map(len, entities)) == 176
    assert entities[0][0]["documents/entities/text"].decode() == "Cụm thi đua số 1"
    sentences = list(dataset.records("sentences-cantho-2022-07"))
    assert len(sentences) == 17
    assert [token.decode() for token in sentences[0]["sentences-cantho-2022-07/tokens"]][:2] == ["Cụm", "thi"]


def test_what_is_loaded_after_a_rebuild_is_the_new_data(project, monkeypatch):
    monkeypatch.chdir(project)
    before = load_dataset("data", "gold", split="test")
    path = project / "annotations/gold/cantho-2022-07.ann"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    run_inside("thidua_ner", "agreement", cwd=project)
    run_inside("thidua_ner", "build", cwd=project)
    after = load_dataset("data", "gold", split="test")
    assert sum(map(len, before["entities"])) == 176
    assert sum(map(len, after["entities"])) == 175


def test_build_deletes_nothing_that_it_has_not_built(project):
    (project / "elsewhere").mkdir()
    (project / "elsewhere/thesis.txt").write_text("years of work")
    (project / "data/sentences/gone-2020-01.jsonl").write_text("")
    run_inside("thidua_ner", "build", "--data", "elsewhere", cwd=project)
    run_inside("thidua_ner", "build", cwd=project)
    assert (project / "elsewhere/thesis.txt").read_text() == "years of work"
    assert not (project / "data/sentences/gone-2020-01.jsonl").exists()


def test_build_refuses_faulty_annotations_and_writes_nothing(project):
    (project / "annotations/gold/cantho-2022-07.ann").unlink()
    before = {path: path.read_bytes() for path in (project / "data").rglob("*.*")}
    done = run_inside("thidua_ner", "build", cwd=project, check=False)
    assert done.returncode == 1
    assert {path: path.read_bytes() for path in (project / "data").rglob("*.*")} == before

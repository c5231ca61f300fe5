"""The dataset repository: what other code reads from it, and that rebuilding gives the same bytes."""

import json
import os
import subprocess
import sys
import warnings
from collections import Counter

import pytest
import yaml
from datasets import ClassLabel, get_dataset_config_names, load_dataset
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, run_inside
from tests.strategies import documents
from thidua_ner import __version__
from thidua_ner.corpus.agreement import read_agreement
from thidua_ner.corpus.annotations import SPLITS, read_annotations
from thidua_ner.corpus.configurations import OTHERS, configurations
from thidua_ner.corpus.dataset import build_dataset, document_row, sentence_rows
from thidua_ner.corpus.schema import (
    FEATURES,
    DocumentRow,
    EntityRow,
    Feature,
    SentenceRow,
    features_of,
)
from thidua_ner.formats import brat
from thidua_ner.protocols import PROTOCOLS, select_folds
from thidua_ner.text.labels import ENTITY_TYPES, TAGS

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
CONFIGS = ["default", "gold", *(f"lodo-{name}" for name in IDS), *(f"lodo+synthetic-{name}" for name in IDS)]
ANNOTATIONS = read_annotations(ROOT / "annotations")
PLANNED = {split: [d.id for d in ANNOTATIONS.plan.rows if d.split == split] for split in SPLITS}
DOCUMENTS = {name: [name] for name in IDS} | {f"synthetic-{split}": ids for split, ids in PLANNED.items()}
"""The documents of each file of sentences."""


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@given(documents())
def test_rows_hold_the_document_in_their_own_offsets(document):
    seen = []
    for row in sentence_rows(document):
        start, text = row["doc_start"], row["text"]
        assert document.text[start : start + len(text)] == text
        for token, a, b in zip(row["tokens"], row["token_starts"], row["token_ends"], strict=True):
            assert text[a:b] == token
        assert len(row["ner_tags"]) == len(row["tokens"])
        for entity in row["entities"]:
            assert text[entity["start"] : entity["end"]] == entity["text"]
            seen.append((start + entity["start"], start + entity["end"], entity["label"]))
    assert seen == [(s.start, s.end, s.label) for s in document.spans]


def test_the_build_is_what_is_committed():
    for path, raw in build_dataset(ANNOTATIONS, read_agreement(ROOT / "annotations")).items():
        assert (ROOT / "data" / path).read_bytes() == raw, path


def test_the_build_does_not_depend_on_place_locale_or_hash_seed(small_project, project):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-m", "thidua_ner", "build"], cwd=project, env=environment, check=True)
    for path in (small_project / "data").rglob("*.*"):
        assert (project / path.relative_to(small_project)).read_bytes() == path.read_bytes()


def test_every_config_is_listed():
    assert sorted(get_dataset_config_names("data")) == sorted([*CONFIGS, *OTHERS])


def test_pairs_and_standoff_load():
    pairs = load_dataset("data", "pairs", split="test")
    assert len(pairs) == 2 * 320
    assert set(pairs["half"]) == {"a", "b"}
    assert len(set(pairs["phenomenon"])) == 16
    for row in pairs:
        assert [row["text"][one["start"] : one["end"]] for one in row["entities"]] == [
            one["text"] for one in row["entities"]
        ]
    wild = load_dataset("data", "wild")
    assert {split: len(rows) for split, rows in wild.items()} == {"validation": 24, "test": 72}
    assert set(wild["test"].features) == {"id", "source", "place", "sha256", "entities"}


@pytest.mark.parametrize("config", CONFIGS)
def test_sentences_load_with_class_labels(config):
    loaded = load_dataset("data", config)
    splits = configurations(IDS)[config]
    assert set(loaded) == set(splits)
    for split, names in splits.items():
        rows = loaded[split]
        assert list(dict.fromkeys(rows["doc_id"])) == [i for name in names for i in DOCUMENTS[name]]
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


@pytest.mark.parametrize(
    ("split", "part", "ids"),
    [("test", "gold", IDS), *((split, "synthetic", ids) for split, ids in PLANNED.items())],
)
def test_documents_load_whole(split, part, ids):
    rows = load_dataset("data", "documents", split=split)
    annotated = {document.id: document for document in brat.read_folder(ROOT / "annotations" / part)}
    assert rows["id"] == ids
    for row in rows:
        document = annotated[row["id"]]
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


@pytest.mark.parametrize("config", CONFIGS)
def test_no_document_is_in_two_splits(config):
    ids = [i for names in configurations(IDS)[config].values() for name in names for i in DOCUMENTS[name]]
    assert len(ids) == len(set(ids))


def test_the_default_trains_on_no_real_document():
    splits = configurations(IDS)["default"]
    assert not {i for split in ("train", "validation") for name in splits[split] for i in DOCUMENTS[name]} & set(IDS)
    assert splits["test"] == IDS


@pytest.mark.parametrize(
    ("part", "config", "split"), [("gold", "gold", "test"), ("synthetic-train", "default", "train")]
)
def test_statistics_are_those_of_the_files(part, config, split):
    stats = json.loads((ROOT / "data/stats.json").read_text())["parts"][part]
    rows = load_dataset("data", config, split=split)
    assert stats["documents"] == len(set(rows["doc_id"])) == len(stats["per_document"])
    assert stats["sentences"] == len(rows)
    assert stats["tokens"] == sum(map(len, rows["tokens"]))
    labels = Counter(entity["label"] for row in rows for entity in row["entities"])
    assert stats["entities_by_type"] == {label: labels[label] for label in ENTITY_TYPES}
    assert stats["entities"] == labels.total()
    sentences = Counter(rows["doc_id"])
    assert {name: counts["sentences"] for name, counts in stats["per_document"].items()} == sentences


@pytest.mark.parametrize("config", ["default", "lodo-cantho-2022-07"])
def test_the_overlap_is_that_of_the_rows(config):
    overlap = json.loads((ROOT / "data/stats.json").read_text())["mention_overlap"][config]
    loaded = load_dataset("data", config)

    def mentions(split):
        return [(e["label"], e["text"].casefold()) for row in loaded[split] for e in row["entities"]]

    known = set(mentions("train"))
    seen = Counter(label for label, surface in mentions("test") if (label, surface) in known)
    assert {label: row["seen"] for label, row in overlap["by_type"].items()} == {t: seen[t] for t in ENTITY_TYPES}
    assert overlap["seen"] == seen.total()
    assert overlap["seen"] + overlap["unseen"] == len(mentions("test"))


def test_the_card_has_the_counts_and_the_sections():
    card = (ROOT / "data/README.md").read_text()
    for section in CARD_SECTIONS:
        assert f"# {section}\n" in card
    assert "$" not in card
    assert "176 entities" in card
    assert f"  version = {{{__version__}}},\n" in card
    assert "author = {{The ThiDuaNER contributors}}" in card


def card_features():
    """The features of each configuration in the card's header, by name."""
    header = yaml.safe_load((ROOT / "data/README.md").read_text().split("---\n")[1])
    return {info["config_name"]: info["features"] for info in header["dataset_info"]}


@given(documents())
def test_rows_have_the_keys_and_the_types_of_the_schema(document):
    rows = [(row, FEATURES["sentences"]) for row in sentence_rows(document)]
    for row, features in [*rows, (document_row(document), FEATURES["documents"])]:
        check_row(row, features)


def check_row(row, features):
    assert list(row) == [feature.name for feature in features]
    for feature in features:
        values = row[feature.name] if feature.repeated else [row[feature.name]]
        assert isinstance(values, list)
        for value in values:
            if feature.kind == "record":
                check_row(value, feature.parts)
            else:
                assert type(value) is (str if feature.kind == "string" else int)
            if feature.kind == "class":
                assert 0 <= value < len(feature.classes)


def test_the_features_are_derived_from_the_typed_rows():
    assert features_of(EntityRow) == (
        Feature("start", "integer"),
        Feature("end", "integer"),
        Feature("label", "string"),
        Feature("text", "string"),
    )
    entities = Feature("entities", "record", repeated=True, parts=features_of(EntityRow))
    assert features_of(DocumentRow) == (Feature("id", "string"), Feature("text", "string"), entities)
    assert features_of(SentenceRow)[5] == Feature("ner_tags", "class", repeated=True, classes=TAGS)
    assert features_of(SentenceRow)[-1] == entities


def test_the_header_and_croissant_have_the_features_of_the_schema():
    headers = card_features()
    assert list(headers) == [*CONFIGS, *OTHERS]
    for name, written in headers.items():
        expected = FEATURES[name if name in FEATURES else "sentences"]
        assert [
            (one["name"], "list" in one or "sequence" in one, [part["name"] for part in one.get("list", ())])
            for one in written
        ] == [(one.name, one.repeated, [part.name for part in one.parts]) for one in expected]
    for record_set in json.loads((ROOT / "data/croissant.json").read_text())["recordSet"]:
        expected = FEATURES[record_set["name"].partition("-")[0]]
        assert [
            (one["name"], one.get("repeated", False), [part["name"] for part in one.get("subField", ())])
            for one in record_set["field"]
        ] == [(one.name, one.repeated, [part.name for part in one.parts]) for one in expected]


@pytest.mark.parametrize("path", sorted(p.relative_to(ROOT) for p in (ROOT / "data").glob("*/*.jsonl")), ids=str)
def test_published_rows_have_the_features_of_the_schema(path):
    features = FEATURES[path.parent.name]
    for line in path.read_text().splitlines():
        check_row(json.loads(line), features)


@given(st.lists(st.from_regex("[a-z]{1,8}-[0-9]{4}", fullmatch=True), min_size=1, max_size=6, unique=True))
def test_configurations_are_the_folds_of_the_protocols(gold):
    found = configurations(gold)
    assert found.pop("gold") == {"test": gold}
    folds = [fold for name in PROTOCOLS for fold in select_folds(name, found).values()]
    assert list(found) == folds
    for name, splits in found.items():
        assert ("validation" in splits) == (name == "default" or name.startswith("lodo+synthetic"))
        assert not set(splits["train"]) & set(splits["test"])
        if name.startswith("lodo"):
            assert {*splits["train"], *splits["test"]} >= set(gold)
            assert len(splits["test"]) == 1
    assert list(configurations(IDS)) == CONFIGS


def test_croissant_describes_files_that_load():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies give FutureWarnings
        import mlcroissant

        dataset = mlcroissant.Dataset("data/croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    published = yaml.safe_load((ROOT / "CITATION.cff").read_text())["date-released"]
    assert str(dataset.metadata.date_published.date()) == str(published)
    documents = list(dataset.records("documents-gold"))
    assert [row["documents-gold/id"].decode() for row in documents] == IDS
    entities = [row["documents-gold/entities"] for row in documents]
    assert sum(map(len, entities)) == 176
    assert entities[0][0]["documents-gold/entities/text"].decode() == "Cụm thi đua số 1"
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

"""Results on other versions of the data than the one that is here."""

import shutil
from dataclasses import replace

import pytest

from tests.conftest import make_manifest
from tests.scored_runs import (
    GOLD,
    PAIRS,
    TRAIN,
    VALIDATION,
    WILD,
    WILD_VALIDATION,
    add_tests,
    make_project,
    make_run,
    make_submission,
)
from thidua_ner.faults import DataError
from thidua_ner.formats.jsonl import write_documents, write_predictions
from thidua_ner.publishing.publish import publish
from thidua_ner.publishing.submission import Submission
from thidua_ner.text.spans import fingerprint


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with two scored runs."""
    root = add_tests(make_project(tmp_path_factory.mktemp("versions") / "project"))
    make_run(root, "right")
    make_run(root, "right", protocol="lodo")
    return root


@pytest.fixture
def root(made, tmp_path):
    """A copy of the project that a test may change."""
    return shutil.copytree(made, tmp_path / "project")


def refused(root, run="right-1", **named):
    """The message that refuses to publish a run; nothing is left in the project."""
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(DataError) as error:
        publish([root / "runs" / run], root=root, **named)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    return str(error.value)


def validated_on(root, *, validation, documents, protocol="transfer"):
    """A scored run of a project that was validated on a file."""
    config = {"data": {"folder": "data", "validation": validation}}
    manifest = make_manifest(name="chosen", protocol=protocol, **config)
    training = TRAIN if protocol == "transfer" else []
    manifest = replace(manifest, data_fingerprint=fingerprint([*GOLD, *training, *documents]))
    make_run(root, "chosen", protocol=protocol, manifest=manifest)
    return f"chosen-1{'-lodo' * (protocol == 'lodo')}"


@pytest.mark.parametrize(
    ("file", "documents", "run"),
    [
        ("synthetic-train", [TRAIN[0].with_spans(TRAIN[0].spans[:1])], "right-1"),
        ("synthetic-train", [*TRAIN, *WILD_VALIDATION], "right-1"),
        ("synthetic-train", [replace(TRAIN[0], id="001-y")], "right-1"),
        ("synthetic-validation", [replace(VALIDATION[0], spans=())], "right-1"),
        ("gold", GOLD[1:], "right-1"),
        ("gold", [GOLD[0].with_spans(GOLD[0].spans[1:]), *GOLD[1:]], "right-1-lodo"),
    ],
)
def test_a_run_trained_on_an_older_version_is_refused(root, file, documents, run):
    write_documents(root / f"data/documents/{file}.jsonl", documents)
    assert refused(root, run) == (
        f"{root}/runs/{run}/manifest.json: was trained on another version of the data than that of {root}/data; "
        "train it again, on the data that `thidua-ner build` makes"
    )


def test_a_run_without_synthetic_documents_does_not_depend_on_them(root):
    write_documents(root / "data/documents/synthetic-train.jsonl", [replace(TRAIN[0], id="001-y")])
    publish([root / "runs/right-1-lodo"], root=root)
    assert (root / "results/right/lodo/seed-1/scores.json").is_file()


@pytest.mark.parametrize("protocol", ["transfer", "lodo"])
def test_a_run_is_checked_with_the_file_that_it_was_validated_on(root, protocol):
    validation = "runs/wild/validation.jsonl"
    run = validated_on(root, validation=validation, documents=WILD_VALIDATION, protocol=protocol)
    publish([root / "runs" / run], root=root)
    shutil.rmtree(root / "results")
    write_documents(root / validation, WILD_VALIDATION[:1])
    assert "manifest.json: was trained on another version of the data" in refused(root, run)
    (root / validation).unlink()
    assert f"manifest.json: was validated on {validation}, which is not here; put it there" in refused(root, run)


def test_a_run_validated_on_other_documents_is_not_one_of_the_benchmarks_own(root):
    run = validated_on(root, validation="runs/wild/validation.jsonl", documents=VALIDATION)
    assert "manifest.json: was trained on another version of the data" in refused(root, run)


@pytest.mark.parametrize(
    ("path", "documents", "named"),
    [
        ("runs/wild/test.jsonl", WILD, "baomoi-01"),
        ("data/pairs/test.jsonl", PAIRS, "ghép-01a"),
        ("data/other.jsonl", [*WILD_VALIDATION, replace(GOLD[2], id="x")], "x"),
        ("annotations/gold", GOLD, "cantho-2022-07"),
    ],
)
def test_a_run_validated_on_a_test_is_refused(root, path, documents, named):
    if not (root / path).exists():
        write_documents(root / path, documents)
    said = refused(root, validated_on(root, validation=path, documents=documents))
    assert f"manifest.json: was validated on {path}, of which {named}" in said
    assert said.endswith("of a test; train it again with other documents to validate on")


@pytest.mark.parametrize(
    "documents",
    [
        [d for d in WILD if d.id.startswith("baomoi-")],
        [WILD[0].with_spans(WILD[0].spans[1:]), *WILD[1:]],
        [*WILD, *WILD_VALIDATION],
    ],
)
def test_wild_joined_from_one_source_or_with_older_annotations_is_refused(root, documents):
    path = root / "runs/wild/test.jsonl"
    write_documents(path, documents)
    message = (
        f"{path}: is not the whole of {root}/data/wild/test.jsonl, or an older version of it; "
        "join them again with `thidua-ner wild` and both sources, and score again"
    )
    assert refused(root) == message
    write_documents(path, WILD)
    folder = make_submission(root)
    write_documents(path, documents)
    with pytest.raises(DataError) as error:
        publish([folder], root=root, submission=Submission("other", "https://a.b"))
    assert str(error.value) == message


def test_newer_annotations_of_wild_ask_for_new_scores(root):
    newer = [WILD[0].with_spans(WILD[0].spans[1:]), *WILD[1:]]
    write_predictions(root / "data/wild/test.jsonl", newer)
    assert "is not the whole of" in refused(root)
    write_documents(root / "runs/wild/test.jsonl", newer)
    said = refused(root)
    assert "runs/right-1/scores-wild/scores.json: " in said
    assert "is not what its predictions on the gold give" in said


@pytest.mark.parametrize(
    ("test", "remedy"), [("wild", "join them again with `thidua-ner wild`"), ("pairs", "run `thidua-ner build`")]
)
def test_scores_on_a_test_that_is_not_here_cannot_be_checked(root, test, remedy):
    place = {"wild": "runs/wild/test.jsonl", "pairs": "data/pairs/test.jsonl"}[test]
    (root / place).unlink()
    assert f"right-1/scores-{test}: cannot be checked without {root}/{place}; {remedy}" in refused(root)


def test_pairs_that_were_changed_ask_for_new_scores(root):
    write_documents(root / "data/pairs/test.jsonl", [PAIRS[0].with_spans(PAIRS[0].spans[1:]), *PAIRS[1:]])
    assert "scores-pairs/scores.json: " in refused(root)


def test_published_systems_are_measured_on_the_current_annotations(root):
    publish([root / "runs/right-1"], root=root)
    newer = [d.with_spans(tuple(s for s in d.spans if s.label != "NUM")) for d in WILD]
    write_predictions(root / "data/wild/test.jsonl", newer)
    publish([], root=root)
    assert "| 85.7 (1)    | 85.7 (1)     | 100.0 (1) | 100.0 (1) |" in (root / "README.md").read_text()

"""The agreement of all parts of small annotations, and what is told where a part is missing."""

import shutil

import pytest

from tests.conftest import run_inside
from tests.small_annotations import WILD, pairs_documents, write_annotations, write_wild
from thidua_ner.corpus.agreement import SpanTotals, _agree_on_spans, agree, measure_agreement, read_agreement
from thidua_ner.corpus.annotations import read_annotations
from thidua_ner.corpus.wild import ORIGINS
from thidua_ner.files import format_json
from thidua_ner.text.spans import Span


@pytest.fixture
def root(tmp_path):
    return write_annotations(tmp_path / "annotations")


def with_passes(document, first, second):
    return type(document)(document.document, document.place, document.split, first, second)


def test_wild_agrees_by_source(root):
    news, people, *world = WILD
    date, org = news.document.spans
    rank, person, number, place = people.document.spans
    write_wild(
        root,
        (
            with_passes(news, (date,), (date, org)),
            with_passes(people, (rank, person, number, place), (rank, Span(person.start, person.end, "ORG"), number)),
            *world,
        ),
    )
    measured = measure_agreement(read_annotations(root))
    assert list(measured.wild) == list(ORIGINS) == ["baomoi", "ntrex"]
    found = measured.wild["baomoi"].between_passes
    # both: DATE, RANK, NUM; the first alone: PER, LOC; the second alone: ORG twice; F1 = 2 * 3 / (5 + 5)
    assert (found.documents, found.spans, found.disagreements) == (2, SpanTotals(5, 5), 4)
    assert found.span_f1 == 0.6
    assert found.span_f1_per_type == {"ORG": 0.0, "PER": 0.0, "RANK": 1.0, "LOC": 0.0, "DATE": 1.0, "NUM": 1.0}
    assert found.token_kappa is None
    settled = measured.wild["baomoi"].settled_and_pass
    assert settled["first"].span_f1 == round(2 * 5 / (6 + 5), 4)
    assert settled["first"].span_f1_per_type["ORG"] == 0.0
    # of the six, the second pass has DATE, ORG, RANK, NUM
    assert settled["second"].span_f1 == round(2 * 4 / (6 + 5), 4)
    assert settled["second"].span_f1_per_type["ORG"] == round(2 * 1 / (1 + 2), 4)
    other = measured.wild["ntrex"].between_passes
    assert (other.documents, other.spans, other.span_f1, other.disagreements) == (2, SpanTotals(4, 4), 1.0, 0)


def test_spans_agree_without_texts_as_with_them():
    first = pairs_documents()
    second = [document.with_spans(document.spans[1:]) for document in first]
    with_texts, without = agree(first, second), _agree_on_spans([d.spans for d in first], [d.spans for d in second])
    for key in ("documents", "spans", "span_f1", "disagreements"):
        assert getattr(with_texts, key) == getattr(without, key)
    types = without.span_f1_per_type
    assert with_texts.span_f1_per_type == {label: types[label] for label in with_texts.span_f1_per_type}


def test_agreement_is_written_and_read_with_every_part(root):
    done = run_inside("thidua_ner", "agreement", "--annotations", str(root))
    assert (root / "agreement.json").read_text() == done.stdout
    found = read_agreement(root)
    assert format_json(found) == done.stdout
    assert list(found.parts()) == ["gold", "synthetic", "pairs", "wild, baomoi", "wild, ntrex"]
    assert found.pairs.between_passes.span_f1 == 1.0
    assert set(found.pairs.settled_and_pass) == {"written", "read"}


@pytest.mark.parametrize("command", ["check", "coverage", "agreement", "build"])
def test_a_missing_part_is_told_by_every_command(root, command):
    for part in ("pairs", "wild"):
        shutil.rmtree(root / part)
    done = run_inside("thidua_ner", command, "--annotations", str(root), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    remedy = "does not exist; run from the project's root or name the annotations folder"
    told = done.stderr.splitlines()[done.stderr.startswith("2 faults") :]
    assert told == [f"{root}/pairs: {remedy}", f"{root}/wild: {remedy}"]


@pytest.mark.parametrize("command", ["check", "coverage", "agreement"])
def test_missing_passes_are_told_by_every_command(root, command):
    shutil.rmtree(root / "passes/pairs/read")
    shutil.rmtree(root / "passes/wild")
    done = run_inside("thidua_ner", command, "--annotations", str(root), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    told = done.stderr.splitlines()[done.stderr.startswith("3 faults") :]
    unread = "cannot be read (No such file or directory); check the path and its permissions"
    assert told == [
        f"{root}/passes/pairs/read: does not exist; keep both annotators' passes",
        f"{root}/passes/wild/first.jsonl: {unread}",
        f"{root}/passes/wild/second.jsonl: {unread}",
    ]

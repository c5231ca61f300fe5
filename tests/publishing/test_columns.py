"""What the leaderboard measures from published predictions, against the scores of the same documents."""

from collections import Counter

import pytest

from tests.scored_runs import GOLD, PAIRS, WILD, add_tests, find, make_project
from thidua_ner.faults import DataError
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.publishing.columns import Column, measure, predictions_of, read_columns
from thidua_ner.runs.folder import RunFolder
from thidua_ner.scoring.pairs import pair_scores
from thidua_ner.scoring.resampling import count_units, interval
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Span

NEWS = [d for d in WILD if d.id.startswith("baomoi-")]
WORLD = [d for d in WILD if d.id.startswith("ntrex-")]


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """The columns of a project with all tests, by name."""
    return {one.name: one for one in read_columns(add_tests(make_project(tmp_path_factory.mktemp("columns") / "p")))}


def write(folder, test, predicted):
    """Write published predictions of a test; returns the folder of the seed."""
    seed = RunFolder(folder)
    write_predictions(predictions_of(seed, test), predicted)
    return seed


def test_the_columns_are_the_tests_with_wild_by_source(columns):
    assert {name: (one.unit, one.size) for name, one in columns.items()} == {
        "wild news": ("document", 12),
        "wild world": ("document", 6),
        "pairs": ("pair", 10),
        "gold": ("document", 5),
    }
    assert list(columns) == ["wild news", "wild world", "pairs", "gold"]
    assert list(columns["wild world"].gold) == [d.id for d in WORLD]


def test_a_project_without_the_other_tests_has_the_gold_alone(tmp_path):
    assert [one.name for one in read_columns(make_project(tmp_path / "p"))] == ["gold"]


def test_a_source_without_documents_has_no_column(tmp_path):
    root = add_tests(make_project(tmp_path / "p"))
    write_predictions(root / "data/wild/test.jsonl", WORLD)
    assert [one.name for one in read_columns(root)] == ["wild world", "pairs", "gold"]


@pytest.mark.parametrize(("name", "test", "documents"), [("gold", "gold", GOLD), ("wild news", "wild", NEWS)])
def test_each_seed_has_the_micro_f1_of_its_own_predictions(columns, tmp_path, name, test, documents):
    every = {"gold": GOLD, "wild": WILD}[test]
    missed = {documents[0].id, documents[3].id}
    predicted = [
        find(every, drop="NUM"),
        find(every, drop="ORG", miss=missed),
        [d.with_spans((Span(0, 3, "PER"),)) for d in every],
    ]
    seeds = [write(tmp_path / str(n), test, own) for n, own in enumerate(predicted)]
    found = measure(columns[name], seeds)
    ids = {d.id for d in documents}
    own = [[d for d in one if d.id in ids] for one in predicted]
    assert found.figures == pytest.approx([score(documents, one).micro.f1 for one in own], abs=1e-12)
    assert found.mean == pytest.approx(sum(found.figures) / 3)
    tables = [count_units(documents, one, "document") for one in own]
    assert found.counts == pytest.approx(sum(tables) / 3)
    assert found.interval == interval(sum(tables) / 3, "BCa")
    assert found.right == {}


def test_each_gold_span_has_the_share_of_seeds_that_find_it(columns, tmp_path):
    predicted = [WILD, find(WILD, drop="NUM"), find(WILD, miss={NEWS[0].id})]
    found = measure(columns["wild news"], [write(tmp_path / str(n), "wild", p) for n, p in enumerate(predicted)]).found
    assert set(found) == {(d.id, *s.triple) for d in NEWS for s in d.spans}
    for (name, _, _, label), share in found.items():
        assert share == pytest.approx((3 - (label == "NUM") - (name == NEWS[0].id)) / 3)


def test_a_pair_counts_if_both_halves_are_wholly_right(columns, tmp_path):
    spurious = [d.with_spans((*d.spans, Span(len(d.text) - 1, len(d.text), "PER"))) if d.id == "tên-02a" else d
                for d in PAIRS]  # fmt: skip
    predicted = [find(PAIRS, miss={"ghép-01a"}), find(spurious, miss={"ghép-01b", "ghép-03a"}), PAIRS]
    found = measure(columns["pairs"], [write(tmp_path / str(n), "pairs", own) for n, own in enumerate(predicted)])
    assert found.figures == pytest.approx([pair_scores(PAIRS, own).all.share for own in predicted])
    assert found.figures == pytest.approx([0.9, 0.7, 1.0])
    assert {pair for pair, right in found.right.items() if not right} == {"ghép-01"}  # most seeds have the others
    assert len(found.right) == 10
    # 26 of 30 is rounded to 9 of 10: Wilson's interval
    assert found.interval == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_of_an_even_number_of_seeds_more_than_half_must_have_a_pair_right(columns, tmp_path):
    seeds = [write(tmp_path / "1", "pairs", PAIRS), write(tmp_path / "2", "pairs", find(PAIRS, miss={"tên-01a"}))]
    assert [pair for pair, right in measure(columns["pairs"], seeds).right.items() if not right] == ["tên-01"]


def test_a_system_is_not_measured_if_a_seed_lacks_predictions(columns, tmp_path):
    seeds = [write(tmp_path / "1", "wild", WILD), write(tmp_path / "2", "gold", GOLD)]
    assert measure(columns["wild news"], seeds) is None
    assert measure(columns["gold"], seeds) is None
    assert measure(columns["gold"], []) is None
    assert measure(columns["wild news"], seeds[:1]).figures == (1.0,)


def test_predictions_of_other_documents_are_named(columns, tmp_path):
    seed = write(tmp_path / "1", "wild", WILD[1:])
    with pytest.raises(DataError, match=r"scores-wild/predictions.jsonl: has no prediction for baomoi-01; publish"):
        measure(columns["wild news"], [seed])
    assert measure(columns["wild world"], [seed]).figures == (1.0,)


def test_a_system_that_finds_nothing_has_zero(columns, tmp_path):
    nothing = write(tmp_path / "1", "wild", [d.with_spans(()) for d in WILD])
    found = measure(columns["wild news"], [nothing])
    assert (found.figures, found.interval) == ((0.0,), (0.0, 0.0))
    assert Counter(found.found.values()) == {0.0: 48}


def test_documents_without_entities_do_not_stop_a_measure(tmp_path):
    column = Column("wild news", "wild", {"baomoi-01": (), "baomoi-02": ()})
    seed = write(tmp_path, "wild", [d.with_spans(()) for d in NEWS[:2]])
    assert measure(column, [seed]).figures == (0.0,)

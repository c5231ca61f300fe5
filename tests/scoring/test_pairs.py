"""Minimal pairs: which are right, their rate with its interval, McNemar's test, and the figures in scores.json."""

import json
import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tests.conftest import run_inside
from tests.small_annotations import pairs_documents
from thidua_ner.corpus.pairs import split_passages
from thidua_ner.formats.jsonl import write_documents, write_predictions
from thidua_ner.scoring.pairs import are_pairs, mcnemar, pair_of, pair_scores, phenomenon_of, right_pairs
from thidua_ner.scoring.results import PairRate, PairScores
from thidua_ner.text.spans import Document, Span

GOLD = [passage.document for document in pairs_documents() for passage in split_passages(document)]


def wilson(right, pairs):
    """The interval of Wilson (1927), without correction of continuity."""
    z, share = 1.959963984540054, right / pairs
    middle = (share + z * z / (2 * pairs)) / (1 + z * z / pairs)
    half = z * math.sqrt(share * (1 - share) / pairs + z * z / (4 * pairs * pairs)) / (1 + z * z / pairs)
    return max(0.0, middle - half), min(1.0, middle + half)


def wrong(*names):
    """Predictions that are the gold except in the named passages, where nothing or a rank is found."""
    other = {True: (), False: (Span(0, 2, "RANK"),)}
    return [d.with_spans(other[bool(d.spans)]) if d.id in names else d for d in GOLD]


def test_a_pair_is_right_if_both_halves_are():
    assert right_pairs(GOLD, GOLD) == {"abbreviation-01": True, "abbreviation-02": True, "place-name-01": True}
    for half in "ab":
        assert right_pairs(GOLD, wrong(f"abbreviation-02{half}")) == {
            "abbreviation-01": True, "abbreviation-02": False, "place-name-01": True,
        }  # fmt: skip


@pytest.mark.parametrize("change", [{"label": "PER"}, {"start": 1}, {"end": 21}])
def test_a_span_of_another_label_or_place_is_not_right(change):
    span = GOLD[0].spans[0]
    other = Span(**{"start": span.start, "end": span.end, "label": span.label, **change})
    predicted = [GOLD[0].with_spans((other,)), *GOLD[1:]]
    assert not right_pairs(GOLD, predicted)["abbreviation-01"]


def test_confidence_does_not_matter():
    spans = tuple(Span(*span.triple, 0.25) for span in GOLD[0].spans)
    assert all(right_pairs(GOLD, [GOLD[0].with_spans(spans), *GOLD[1:]]).values())


def test_rates_are_over_all_pairs_and_by_phenomenon():
    found = pair_scores(GOLD, wrong("abbreviation-01b", "abbreviation-01a"))
    assert (found.all.right, found.all.pairs, found.all.share) == (2, 3, 2 / 3)
    assert {name: (rate.right, rate.pairs) for name, rate in found.phenomena.items()} == {
        "abbreviation": (1, 2), "place-name": (1, 1),
    }  # fmt: skip
    assert found.phenomena["abbreviation"].interval == pytest.approx((0.0945312, 0.9054688), abs=1e-6)


@given(st.integers(1, 300).flatmap(lambda pairs: st.tuples(st.integers(0, pairs), st.just(pairs))))
def test_the_interval_is_that_of_wilson(counts):
    right, pairs = counts
    gold = [Document(f"x-{n:02}{half}", "Tân Lập", (Span(0, 7, "LOC"),)) for n in range(1, pairs + 1) for half in "ab"]
    predicted = [d if n < 2 * right else d.with_spans(()) for n, d in enumerate(gold)]
    found = pair_scores(gold, predicted)
    assert found == PairScores(found.all, {"x": found.all})
    assert (found.all.right, found.all.pairs) == counts
    assert found.all.interval == pytest.approx(wilson(right, pairs), abs=1e-9)
    assert 0 <= found.all.interval[0] <= found.all.share <= found.all.interval[1] <= 1


@pytest.mark.parametrize(
    "ids",
    [
        (),
        ("g-1",),
        ("x-01a",),
        ("x-01a", "x-01c"),
        ("x-01a", "x-01b", "x-02a"),
        ("x-01a", "x-01b", "g-1"),
        ("x-1a", "x-1b"),
        ("x01a", "x01b"),
        ("-01a", "-01b"),
        ("x-01A", "x-01B"),
        ("x-01a\n", "x-01b\n"),
        ("x-²a", "x-²b"),
    ],
)
def test_documents_that_are_not_pairs(ids):
    documents = [Document(name, "Huế") for name in ids]
    assert not are_pairs(documents)
    assert pair_scores(documents, documents) is None


@pytest.mark.parametrize("order", [("x-01a", "y-b-100a", "y-b-100b", "x-01b"), ("x-01b", "x-01a")])
def test_pairs_in_any_order(order):
    documents = [Document(name, "Huế") for name in order]
    assert are_pairs(documents)
    found = pair_scores(documents, documents)
    assert found.all.right == found.all.pairs == len(order) // 2
    assert set(found.phenomena) == {phenomenon_of(pair_of(name)) for name in order} <= {"x", "y-b"}


def outcomes(both, only_first, only_second, neither):
    """Which pairs two systems have right, as McNemar's table counts them."""
    cells = [(True, True)] * both + [(True, False)] * only_first + [(False, True)] * only_second
    cells += [(False, False)] * neither
    return tuple({str(n): cell[side] for n, cell in enumerate(cells)} for side in (0, 1))


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((3, 0, 0, 4), 1.0),
        ((0, 0, 0, 0), 1.0),
        ((9, 1, 0, 2), 1.0),
        ((9, 5, 0, 2), 2 / 32),  # 2 * (1/2)^5
        ((0, 6, 1, 0), 2 * (1 + 7) / 128),
        ((20, 2, 8, 3), 2 * (1 + 10 + 45) / 1024),
        ((1, 4, 4, 1), 1.0),
    ],
)
def test_mcnemar_by_hand(table, p):
    assert mcnemar(*outcomes(*table)) == pytest.approx(p, abs=1e-12)


def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs_and_the_same_both_ways():
    for first, second in product(range(9), repeat=2):
        if first + second:
            systems = outcomes(2, first, second, 1)
            assert mcnemar(*systems) == pytest.approx(binomtest(first, first + second, 0.5).pvalue)
            assert mcnemar(*systems) == pytest.approx(mcnemar(*reversed(systems)))


@pytest.fixture
def scored(tmp_path):
    """A scored folder of pairs, its gold, and what the command printed."""
    write_documents(tmp_path / "gold.jsonl", GOLD)
    write_predictions(tmp_path / "p.jsonl", wrong("abbreviation-02a"))
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "p.jsonl")]
    done = run_inside("thidua_ner", "score", *arguments, "--output", str(tmp_path / "scored"))
    return tmp_path / "scored", tmp_path / "gold.jsonl", done


def test_scoring_pairs_prints_and_writes_their_rates(scored):
    folder, _, done = scored
    lines = done.stdout.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("minimal pairs"))
    assert [line.split() for line in lines[first : first + 5]] == [
        ["minimal", "pairs", "right", "of", "percent", "95%", "interval"],
        ["-" * len(part) for part in lines[first + 1].split()],
        ["abbreviation", "1", "2", "50.0", "9.5", "to", "90.5"],
        ["place-name", "1", "1", "100.0", "20.7", "to", "100.0"],
        ["all", "2", "3", "66.7", "20.8", "to", "93.9"],
    ]
    written = json.loads((folder / "scores.json").read_text())["pairs"]
    assert (written["all"]["right"], written["all"]["pairs"]) == (2, 3)
    assert written["all"]["interval"] == pytest.approx(wilson(2, 3))
    assert written["phenomena"]["place-name"]["right"] == 1


def test_other_documents_have_no_rates(tmp_path):
    write_documents(tmp_path / "gold.jsonl", GOLD[:-1])
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "gold.jsonl")]
    done = run_inside("thidua_ner", "score", *arguments, "--output", str(tmp_path / "scored"))
    assert "minimal pairs" not in done.stdout
    assert "pairs" not in json.loads((tmp_path / "scored/scores.json").read_text())


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        (("all", "right"), 3, "pairs.all.right"),
        (("all", "pairs"), 4, "pairs.all.pairs"),
        (("all", "interval"), [0.3, 0.93], "pairs.all.interval.0"),
        (("phenomena", "abbreviation", "right"), 2, "pairs.phenomena.abbreviation.right"),
        (("phenomena", "place-name"), None, "pairs.phenomena"),
        ((), None, "pairs"),
    ],
)
@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_figure_of_pairs_that_is_not_that_of_the_predictions_is_refused(scored, command, key, value, where):
    folder, gold, _ = scored
    path = folder / "scores.json"
    scores = json.loads(path.read_text())
    *parents, last = ("pairs", *key)
    inner = scores
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    path.write_text(json.dumps(scores))
    others = [str(folder.parent / "p.jsonl")] if command == "compare" else []
    done = run_inside("thidua_ner", command, str(folder), *others, "--gold", str(gold), check=False)
    assert done.returncode == 1
    remedy = "score it again: `python -m evaluate RUN`, or `thidua-ner score` for predictions"
    assert done.stderr == f"{path}: {where} is not what its predictions on the gold give; {remedy}\n"


def test_figures_of_pairs_for_documents_that_are_none_are_refused(tmp_path):
    documents = GOLD[:-1]
    write_documents(tmp_path / "gold.jsonl", documents)
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "gold.jsonl")]
    run_inside("thidua_ner", "score", *arguments, "--output", str(tmp_path / "scored"))
    path = tmp_path / "scored/scores.json"
    rate = {"right": 2, "pairs": 2, "interval": [0.34, 1.0]}
    path.write_text(json.dumps({**json.loads(path.read_text()), "pairs": {"all": rate, "phenomena": {}}}))
    done = run_inside("thidua_ner", "report", str(tmp_path / "scored"), "--gold", arguments[1], check=False)
    assert done.returncode == 1
    assert "is not what its predictions on the gold give" in done.stderr


@pytest.mark.parametrize("number", [-1, 2.5, "2", True])
def test_numbers_of_pairs_out_of_range_are_refused(scored, number):
    folder, gold, _ = scored
    scores = json.loads((folder / "scores.json").read_text())
    scores["pairs"]["all"]["right"] = number
    (folder / "scores.json").write_text(json.dumps(scores))
    done = run_inside("thidua_ner", "report", str(folder), "--gold", str(gold), check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{folder}/scores.json: pairs.all.right")


def test_the_report_of_pairs_can_be_written(scored):
    folder, gold, _ = scored
    done = run_inside("thidua_ner", "report", str(folder), "--gold", str(gold), "--output", str(folder / "again.html"))
    assert done.returncode == 0
    assert (folder / "again.html").read_text().startswith("<!doctype html>")


def test_a_rate_of_no_pairs_is_nothing():
    assert PairRate(0, 0, (0.0, 1.0)).share == 0.0

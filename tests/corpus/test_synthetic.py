"""The synthetic part: its plan, its size and spread, and that it copies nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, run_inside
from thidua_ner.corpus.annotations import FIXED, read_annotations
from thidua_ner.corpus.coverage import LEAST, cases, count_coverage
from thidua_ner.corpus.synthetic import LONGEST_SHARED_RUN, shared_runs
from thidua_ner.text.spans import Document, Span

ANNOTATIONS = read_annotations(ROOT / "annotations")
PLAN = ANNOTATIONS.plan.rows
DOCUMENTS = {document.id: document for document in ANNOTATIONS.synthetic.settled.documents}
WORDS = [f"w{number}" for number in range(30)]


def check(project):
    return run_inside("thidua_ner", "check", cwd=project, check=False)


def test_it_has_the_size_that_the_card_promises():
    assert len(PLAN) >= 520
    assert sum(planned.split == "train" for planned in PLAN) >= 460
    assert sum(planned.split == "validation" for planned in PLAN) >= 50
    assert sum(len(document.text.split()) for document in DOCUMENTS.values()) >= 200_000
    assert sum(len(document.spans) for document in DOCUMENTS.values()) >= 20_000


def test_the_second_half_is_news_of_other_kinds_with_entities_as_on_real_pages():
    second = [planned for planned in PLAN if planned.id[:3] > "232"]
    assert len(second) >= 220
    assert sum(planned.event.startswith("meeting") for planned in second) <= len(second) / 4
    texts = [DOCUMENTS[planned.id] for planned in second]
    syllables = sum(len(re.findall(r"\w+", document.text)) for document in texts)
    assert syllables >= 120_000
    assert 6 <= 100 * sum(len(document.spans) for document in texts) / syllables <= 7
    names = [document.surface(span) for document in texts for span in document.spans if span.label == "PER"]
    full = [name.split() for name in names if len(name.split()) > 2]
    assert 0.25 <= sum(name[0] == "Nguyễn" for name in full) / len(full) <= 0.45


def test_it_spreads_over_events_places_years_and_pages():
    assert len({planned.event for planned in PLAN}) >= 45
    at_home = [planned for planned in PLAN if not planned.event.startswith("foreign")]
    month = {planned.id: tuple(map(int, planned.id.split("-")[2:4])) for planned in PLAN}
    merged = (2025, 7)
    assert len({planned.place for planned in at_home if month[planned.id] < merged}) == 63
    assert len({planned.place for planned in at_home if month[planned.id] >= merged}) == 34
    assert len({planned.page for planned in PLAN}) >= 16
    assert {planned.id.split("-")[2] for planned in PLAN} == {str(year) for year in range(2005, 2027)}
    assert len({planned.subject for planned in PLAN}) == len(PLAN)


def test_validation_is_not_another_kind_of_text():
    of_split = {
        split: {planned.page for planned in PLAN if planned.split == split} for split in ("train", "validation")
    }
    assert of_split["validation"] <= of_split["train"]
    assert len(of_split["validation"]) >= 10


def test_every_case_of_the_guidelines_occurs_often_enough():
    for count in count_coverage(list(DOCUMENTS.values())):
        assert count.occurrences >= LEAST, count
        assert count.documents > 1, count


def test_every_ruling_of_the_guidelines_is_counted():
    guidelines = (ROOT / "annotations/GUIDELINES.md").read_text()
    rulings = re.findall(r"^\| (\d+) \|", guidelines, re.MULTILINE)
    counted = {case.rule for case in cases()}
    assert counted == {*rulings, "PER", "RANK", "ORG", "LOC", "DATE", "NUM"}


@pytest.mark.parametrize(
    ("text", "spans", "rule", "what", "times"),
    [
        ("Cụm 1, Cục X03", [(0, 5, "ORG"), (7, 14, "ORG")], "7", "two bodies, parted", 1),
        ("Cụm 1 và Cục X03", [(0, 5, "ORG"), (9, 16, "ORG")], "7", "two bodies, parted", 0),
        ("Công an các huyện", [], "10", "a shared plural", 1),
        ("Công an các huyện", [(0, 17, "ORG")], "10", "a shared plural", 0),
        ("quản lý nhà nước", [], "12", "quản lý nhà nước", 1),
        ("CÔNG AN TỈNH", [(0, 12, "ORG")], "ORG", "capitals", 1),
        ("Công an tỉnh", [(0, 12, "ORG")], "ORG", "capitals", 0),
        ("Thượng uý An", [(0, 9, "RANK")], "RANK", "Thượng úy", 1),
        ("từ 1/2 đến 3/4", [(3, 6, "DATE"), (11, 14, "DATE")], "17", "from … to …", 1),
        ("huyện Sa và Bo", [(0, 8, "LOC"), (12, 14, "LOC")], "39", "a head shared in the singular", 1),
        ("huyện Sa và xã Bo", [(0, 8, "LOC"), (12, 17, "LOC")], "39", "a head shared in the singular", 0),
        ("từ 5 đến 7 năm", [(3, 4, "NUM"), (9, 10, "NUM")], "43", "a range", 1),
        ("Xếp hạng: 5 - 7 phiếu", [(10, 11, "NUM"), (14, 15, "NUM")], "43", "a range", 0),
        ("CA xã Bocho biết", [(0, 8, "ORG")], "54", "a name with no space beside it", 1),
    ],
)
def test_a_case_is_found_where_it_stands(text, spans, rule, what, times):
    document = Document("x", text, tuple(Span(*span) for span in spans))
    (count,) = (c for c in count_coverage([document]) if (c.case.rule, c.case.what) == (rule, what))
    assert count.occurrences == times


def test_the_command_prints_the_table_and_says_what_is_rare(project):
    done = run_inside("thidua_ner", "coverage", cwd=project, check=False)
    assert done.returncode == 1
    assert done.stdout.count("\n") == len(cases()) + 2
    assert f"annotations/synthetic: has fewer than {LEAST} of RANK: Binh nhì; add documents that have it" in done.stderr


@given(st.integers(1, 25), st.integers(0, 8))
def test_a_shared_run_is_found_from_its_length_on(length, place):
    left = Document("a", " ".join(WORDS))
    right = Document("b", " ".join(["x", *WORDS[place : place + min(length, 30 - place)], "y"]))
    shared = min(length, 30 - place)
    found = list(shared_runs([left, right], []))
    assert bool(found) == (shared > LONGEST_SHARED_RUN)
    if found:
        assert [(d.id, o.id, offset, run) for d, o, offset, run in found] == [
            ("b", "a", 2, " ".join(WORDS[place : place + shared]))
        ]


def test_case_punctuation_and_unicode_form_hide_no_copy():
    left = Document("a", "Một, hai: ba bốn. Năm sáu bảy; tám chín mười một")
    right = Document(
        "b", "mo\u0323\u0302t HAI ba bốn năm sáu bảy tám chín mười".replace("mo\u0323\u0302t", "Mô\u0323t")
    )
    assert [run for *_, run in shared_runs([left, right], [])] == ["một hai ba bốn năm sáu bảy tám chín mười"]


def test_a_fixed_phrase_counts_as_one_syllable():
    left, right = (Document(name, f"{name} một hai ba bốn năm sáu bảy tám chín mười {name}") for name in "ab")
    assert list(shared_runs([left, right], []))
    assert not list(shared_runs([left, right], ["Hai, ba"]))
    assert list(shared_runs([left, right], ["ba hai"]))


def test_a_copy_is_a_fault(project):
    copied = max((project / "annotations/gold/cantho-2022-07.txt").read_text().split("\n"), key=len)
    run = " ".join(WORDS[:10])
    for folder in ("synthetic", "passes/synthetic/written", "passes/synthetic/read"):
        for name, added in (("001", f"{copied}\n{run}\n"), ("004", f"{run}\n")):
            (path,) = (project / "annotations" / folder).glob(f"{name}-*.txt")
            path.write_text(path.read_text().rstrip("\n") + "\n" + added)
    done = check(project)
    assert done.returncode == 1
    assert (
        f"with cantho-2022-07; write it differently; only a fixed name, slogan or motto may be added to {FIXED}"
        in done.stderr
    )
    last = len((project / "annotations/synthetic/004-haiduong-2015-10.txt").read_text().splitlines())
    assert f"004-haiduong-2015-10.txt:{last}: shares '{run}' with 001-yenbai-2017-07" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\tvalidation\t", "\ttest\t", "PLAN.tsv:4: has the split 'test'; name one of train, validation"),
        ("\tvalidation\t", "\t", "PLAN.tsv:4: has 5 cells; give 6, separated by tabs"),
        ("005-", "006-", "PLAN.tsv: has no row for 005-sonla-2010-11"),
        ("005-", "006-", "PLAN.tsv: names 006-sonla-2010-11, which has no text here"),
    ],
)
def test_a_damaged_plan_is_a_fault(project, old, new, expected):
    path = project / "annotations/synthetic/PLAN.tsv"
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))
    done = check(project)
    assert done.returncode == 1
    assert expected in done.stderr

"""The leaderboard as a reader sees it."""

import json
import re
import shutil

import numpy as np
import pytest

from tests.scored_runs import TESTS, WILD, add_tests, make_project, make_run, make_submission
from thidua_ner.faults import DataError
from thidua_ner.publishing.columns import Column, Standing
from thidua_ner.publishing.publish import publish
from thidua_ner.publishing.ranking import Ranking, rank
from thidua_ner.publishing.sections import hard_mentions, needed_section, who_is_better
from thidua_ner.publishing.submission import Submission

NEWS = [d.id for d in WILD if d.id.startswith("baomoi-")]
URL = "https://example.org/a"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with a run, another one under a second protocol, and a submission, all published."""
    project = add_tests(make_project(tmp_path_factory.mktemp("board") / "project"))
    runs = [
        make_run(project, "strong", seed=1, robustness=True),
        make_run(project, "strong", seed=2, drop="DATE", miss={"tên-05a"}, robustness=True),
        make_run(project, "weak", drop="NUM", miss=NEWS[:8]),
        make_run(project, "strong", seed=1, protocol="lodo", drop="PER"),
    ]
    publish(runs, root=project)
    submitted = make_submission(project, "other_one", drop="LOC")
    publish([submitted], root=project, submission=Submission("other_one", URL, same_kind=True))
    return project


def board(root):
    return (root / "results/LEADERBOARD.md").read_text()


def section(text, title):
    """The lines of a section."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip().splitlines()


def cells(lines):
    """The cells of the rows of tables, without the rules."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return [row for row in rows if not set("".join(row)) <= {"-"}]


def test_the_first_table_has_open_rows_beside_transfer_rows_best_on_wild_news_first(root):
    readme = (root / "README.md").read_text().splitlines()
    assert cells(readme) == [
        ["system", "protocol", "seeds", "wild news", "wild world", "pairs", "gold", "robust, mean", "robust, lowest"],
        ["[strong](results/strong/transfer)", "transfer", "2", "92.9 ± 10.1 (1)", "92.9 ± 10.1 (1)", "50.0 ± 70.7 (1)",
         "94.5 ± 7.8 (1)", "94.5", "94.5"],
        ["[other\\_one †](results/other_one/open)", "open", "1", "85.7 (2)", "85.7 (1)", "0.0 (1)", "92.4 (1)",
         "-", "-"],
        ["[weak](results/weak/transfer)", "transfer", "1", "40.0 (3)", "85.7 (1)", "0.0 (1)", "92.7 (1)", "-", "-"],
    ]  # fmt: skip
    first = board(root).partition("\n## ")[0].splitlines()
    links = [re.sub(r"\(results/", "(", row[0]) for row in cells(readme)]
    assert [row[0] for row in cells(first)] == links


def test_the_mark_of_the_same_kind_is_explained_below_both_tables(root):
    note = "† a system of the kind that wrote the machine-written texts and annotated all of them."
    for text in (board(root).partition("\n## ")[0], (root / "README.md").read_text()):
        assert text.count(note) == 1
        assert f"|\n\n{note}\n" in text


def test_the_matrices_give_differences_intervals_and_p_and_mark_what_is_significant(root):
    lines = section(board(root), "Who is better")
    assert cells(lines)[:4] == [
        ["wild news, 95% interval", "strong", "other\\_one †", "weak"],
        ["strong, 93.3 to 93.3", "", "**+7.1 (0.001)**", "**+52.9 (0.001)**"],
        ["other\\_one †, 85.7 to 85.7", "**-7.1 (0.001)**", "", "**+45.7 (0.008)**"],
        ["weak, 11.8 to 66.7", "**-52.9 (0.001)**", "**-45.7 (0.008)**", ""],
    ]
    gold = next(n for n, line in enumerate(lines) if line.startswith("| gold"))
    assert "**" not in "".join(lines[gold:])
    assert " ".join(lines[gold + 6 :]) == (
        "5 documents cannot give a p below 0.0625 before correction: no difference in this column is significant, "
        "however large."
    )
    assert "12 documents cannot" not in "".join(lines)


def test_the_columns_are_compared(root):
    assert section(board(root), "Do the columns agree")[-6:] == [
        "|            | wild world   | pairs   | gold   | robust   |",
        "|------------|--------------|---------|--------|----------|",
        "| wild news  | 0.82         | 0.82    | 0.33   | -        |",
        "| wild world |              | 1.00    | 0.82   | -        |",
        "| pairs      |              |         | 0.82   | -        |",
        "| gold       |              |         |        | -        |",
    ]


def test_what_the_columns_can_tell_grows_with_the_square(root):
    rows = cells(section(board(root), "What the columns can tell"))
    assert rows[0] == ["column", "it has", "for 1 point", "for 2 points", "for 5 points"]
    assert [row[1] for row in rows[1:]] == ["12 documents", "6 documents", "10 pairs", "5 documents"]
    one, two, five = (int(cell.replace(",", "")) for cell in rows[1][2:])
    assert one == pytest.approx(4 * two, abs=4)
    assert one == pytest.approx(25 * five, abs=25)


def test_the_pairs_are_told_by_phenomenon(root):
    head, *rows = cells(section(board(root), "pairs: by phenomenon"))
    assert [re.match(r"\[([\w\\]+)", name)[1] for name in head[1:]] == ["strong", "other\\_one", "weak"]
    # of 5 pairs the first seed has all, the second (without dates) none
    assert rows == [[name, "50 (57 to 100)", "0 (0 to 43)", "0 (0 to 43)"] for name in ("ghép", "tên")]


def test_a_system_that_lacks_a_phenomenon_of_the_first_is_left_out_of_their_table(root, tmp_path):
    project = shutil.copytree(root, tmp_path / "project")
    path = project / "results/weak/transfer/seed-1/scores-pairs/scores.json"
    scores = json.loads(path.read_text())
    del scores["pairs"]["phenomena"]["tên"]
    path.write_text(json.dumps(scores))
    publish([], root=project)
    head, *_ = cells(section(board(project), "pairs: by phenomenon"))
    assert len(head) == 3
    assert "weak" not in " ".join(head)


def test_each_row_of_hard_mentions_is_a_whole(root):
    rows = cells(section(board(root), "Which mentions are hard"))
    mentions = {test: sum(len(d.spans) for d in documents) for test, documents in TESTS.items()}
    assert {row[0]: int(row[1]) for row in rows[1:]} == {
        "wild news": 48, "wild world": 24, "pairs": mentions["pairs"], "gold": mentions["gold"],
    }  # fmt: skip
    for row in rows[1:]:
        assert sum(map(float, row[2:])) == pytest.approx(100, abs=0.25)
    # of wild world, strong finds all but half of DATE, weak all but NUM, the other all but LOC: 5/6, 2/3 and 2/3
    assert rows[2][2:] == ["0.0", "0.0", "0.0", "50.0", "25.0", "25.0"]


def test_types_and_hard_mentions_are_tabulated_by_test(root):
    rows = cells(section(board(root), "wild: by type, and hard mentions"))
    assert rows[0] == [
        "system",
        "ORG",
        "PER",
        "RANK",
        "LOC",
        "DATE",
        "NUM",
        "unseen",
        "of another type",
        "8 tokens or more",
    ]
    assert rows[1][:7] == ["[strong](strong/transfer)", "100.0", "-", "-", "100.0", "50.0", "100.0"]
    assert rows[2][:5] == ["[other\\_one †](other_one/open)", "100.0", "-", "-", "0.0"]


def test_other_protocols_have_their_own_tables_below(root):
    text = board(root)
    order = ["Who is better", "transfer: the gold by type", "lodo: the gold by type", "How each row was made"]
    assert [text.index(f"## {title}") for title in order] == sorted(text.index(f"## {title}") for title in order)
    (_, row) = cells(section(text, "lodo: the gold by type"))
    assert row[:4] == ["[strong](strong/lodo)", "1", "100.0", "0.0"]
    assert "lodo" not in text.partition("## lodo")[0]
    assert section(text, "How each row was made")[-1] == f"- **other\\_one, open**: submitted, `{URL}`"


def test_the_tables_are_the_same_bytes_when_they_are_built_again(root):
    files = [root / "README.md", *sorted((root / "results").rglob("*"))]
    before = {path: path.read_bytes() for path in files if path.is_file()}
    publish([], root=root)
    publish([root / "runs/weak-1"], root=root)
    assert {
        path: path.read_bytes() for path in [root / "README.md", *(root / "results").rglob("*")] if path.is_file()
    } == before


def test_a_system_of_the_name_of_another_is_refused(tmp_path):
    root = add_tests(make_project(tmp_path / "project"))
    run = make_run(root, "same")
    folder = make_submission(root, "same", drop="LOC")
    publish([run], root=root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    what = r"results/same: is the name of two systems, of transfer and open; publish one under another name"
    for same_kind in (False, True):
        with pytest.raises(DataError, match=what):
            publish([folder], root=root, submission=Submission("same", URL, same_kind=same_kind))
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    publish([make_run(root, "same", protocol="lodo")], root=root)  # which has a table of its own


def test_systems_without_a_column_have_dashes_and_come_last(tmp_path):
    root = make_project(tmp_path / "project")
    early = make_run(root, "early")
    publish([early], root=root)
    add_tests(root)
    publish([make_run(root, "first", miss=NEWS), make_run(root, "late", drop="NUM")], root=root)
    rows = cells((root / "README.md").read_text().splitlines())
    assert [row[0].partition("]")[0] for row in rows[1:]] == ["[late", "[first", "[early"]
    assert rows[3][3:7] == ["-", "-", "-", "100.0 (1)"]
    names = [row[0].partition(",")[0] for row in cells(section(board(root), "Who is better"))]
    assert names == ["wild news", "late", "first", "wild world", "first", "late", "pairs", "first", "late", "gold",
                     "early", "first", "late"]  # fmt: skip


def test_seeds_with_other_spellings_have_no_common_mean(tmp_path):
    root = make_project(tmp_path / "project")
    publish([make_run(root, seed=seed, robustness=True) for seed in (1, 2)], root=root)
    path = root / "results/right/transfer/seed-2/scores.json"
    path.write_text(path.read_text().replace('"capitals"', '"small letters"'))
    publish([], root=root)
    assert cells((root / "README.md").read_text().splitlines())[1][-2:] == ["-", "-"]


def alone(name, number=2):
    """A ranking of systems that find all of one document."""
    column = Column(name, "wild", {"baomoi-1": ()})
    found = {("baomoi-1", 0, 1, "ORG"): 1.0}
    system = Standing((1.0,), (1.0, 1.0), np.ones((1, 3)), found, {})
    return rank(column, dict.fromkeys([f"s{n}" for n in range(number)], system))


def test_a_column_with_one_system_is_left_out_where_systems_are_compared():
    assert who_is_better([alone("a", 1)]) == []
    assert needed_section([alone("a", 1)]) == []
    text = "\n".join(who_is_better([alone("a", 1), alone("b", 2)]))
    assert "| b, 95% interval" in text
    assert "| a, 95% interval" not in text
    assert who_is_better([]) == hard_mentions([]) == []


def test_groups_of_hard_mentions_have_their_upper_ends():
    shares = [0.0, 0.1, 0.25, 0.26, 0.5, 0.75, 0.76, 0.99, 1.0, 1.0]
    found = {("x", n, n + 1, "ORG"): share for n, share in enumerate(shares)}
    systems = {"s": Standing((1.0,), (0, 1), np.ones((1, 3)), found, {})}
    (row,) = cells(hard_mentions([Ranking(Column("a", "wild", {}), systems, {"s": 1}, {})])[2].splitlines())[1:]
    assert row == ["a", "10", "10.0", "20.0", "20.0", "10.0", "20.0", "20.0"]


def test_a_column_without_mentions_has_no_hard_ones():
    systems = {"s": Standing((0.0,), (0, 0), np.zeros((1, 3)), {}, {})}
    (row,) = cells(hard_mentions([Ranking(Column("a", "wild", {}), systems, {"s": 1}, {})])[2].splitlines())[1:]
    assert row == ["a", "0", *["0.0"] * 6]

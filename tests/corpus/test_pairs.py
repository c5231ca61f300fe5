"""The part `pairs`: its documents as passages, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import run_inside
from tests.small_annotations import PAIRS, marked, pairs_documents, write_annotations
from tests.strategies import flat_spans
from thidua_ner.corpus.annotations import read_annotations
from thidua_ner.corpus.checks import check_annotations
from thidua_ner.corpus.pairs import check_pairs, split_passages
from thidua_ner.corpus.statistics import compute_statistics
from thidua_ner.scoring.pairs import are_pairs, pair_of, phenomenon_of
from thidua_ner.text.spans import Document, Span


def faults(text):
    return list(map(str, check_pairs("a.txt", marked("a", text))))


@st.composite
def phenomena(draw):
    """Draw a document of lines with spans, none across a line break; the last line may not end."""
    line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=15)
    syllables = st.lists(st.sampled_from(["Tân", "Lập", "3/4", "o\u0301", "🙂", "\u2028", "\x0b", "\r"]), max_size=6)
    lines = draw(st.lists(st.one_of(line, syllables.map(" ".join)), min_size=1, max_size=6))
    text = "\n".join(lines) + draw(st.sampled_from(["\n", ""])) * bool(lines[-1])
    return Document("a-b", text, draw(flat_spans(text)))


@given(phenomena())
def test_passages_are_the_lines_with_the_surfaces_of_the_document(document):
    passages = list(split_passages(document))
    lines = document.text.removesuffix("\n").split("\n")
    assert [passage.document.text for passage in passages] == lines
    found = [(one.surface(span), span.label) for one in (p.document for p in passages) for span in one.spans]
    assert found == [(document.surface(span), span.label) for span in document.spans]
    places = [(p.pair, p.half) for p in passages]
    assert places == [(number // 2 + 1, "ab"[number % 2]) for number in range(len(lines))]
    starts = [document.text.count("\n", 0, span.start) for span in document.spans]
    assert starts == [number for number, passage in enumerate(passages) for _ in passage.document.spans]


def test_ids_name_phenomenon_pair_and_half():
    document = marked("place-name", "".join(f"Đội [NUM {number}]\n" for number in range(200)))
    passages = list(split_passages(document))
    ids = [passage.document.id for passage in passages]
    assert ids[:3] + ids[-2:] == [
        "place-name-01a",
        "place-name-01b",
        "place-name-02a",
        "place-name-100a",
        "place-name-100b",
    ]
    assert len(set(ids)) == 200
    assert are_pairs([passage.document for passage in passages])
    assert {phenomenon_of(pair_of(name)) for name in ids} == {"place-name"}
    assert passages[2].document == Document("place-name-02a", "Đội 2", (Span(4, 5, "NUM"),))


def test_pairs_without_faults():
    assert [list(check_pairs("a.txt", document)) for document in pairs_documents()] == [[], []]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[LOC Huế] vui.\nAi vui.\n[NUM 3] vụ.\n",
            ["a.txt:3: has an odd number of lines; write both halves of each pair"],
        ),
        ("[LOC Huế] vui.\nAi vui.\n\n[NUM 3] vụ.\n", ["a.txt:3: is an empty line; write a passage"]),
        ("[LOC Huế] vui.\n \u00a0\n", ["a.txt:2: is an empty line; write a passage"]),
        (
            "[LOC Huế] vui.\nAi vui.\n[NUM 3] vụ ở Huế.\nCó [NUM 3] vụ.\n",
            ["a.txt:4: pair 2 has the same entities in both halves; make them differ"],
        ),
        ("Ai vui.\nAi buồn.\n", ["a.txt:2: pair 1 has the same entities in both halves; make them differ"]),
        ("[LOC Huế] vui.\n[ORG Huế] vui.\n", ["a.txt:2: pair 1 has the same text in both halves; make them differ"]),
        (
            "",
            [
                "a.txt:1: has an odd number of lines; write both halves of each pair",
                "a.txt:1: is an empty line; write a passage",
            ],
        ),
        (
            "[LOC Huế] vui.\nAi vui.\n\n",
            [
                "a.txt:3: has an odd number of lines; write both halves of each pair",
                "a.txt:3: is an empty line; write a passage",
            ],
        ),
    ],
)
def test_faults_name_the_line(text, expected):
    assert faults(text) == expected


def test_other_line_separators_are_part_of_a_passage():
    assert faults("[LOC Huế]\u2028 vui\x0c.\nAi\x85 vui.\n") == []


def test_the_project_check_names_what_is_wrong_with_pairs(tmp_path):
    root = write_annotations(tmp_path / "annotations")
    assert check_annotations(read_annotations(root)) == []
    for folder in ("pairs", "passes/pairs/written", "passes/pairs/read"):
        path = root / folder / "place-name.txt"
        path.write_text(path.read_text() + "Một dòng lẻ.\n")
    assert list(map(str, check_annotations(read_annotations(root)))) == [
        f"{root}/pairs/place-name.txt:3: has an odd number of lines; write both halves of each pair"
    ]


def test_a_span_across_the_lines_of_a_pair_is_one_fault(tmp_path):
    root = write_annotations(tmp_path / "annotations")
    ann = root / "pairs/place-name.ann"
    ann.write_text("T1\tLOC 9 24\tTân Lập. Đoàn l\n")
    done = run_inside("thidua_ner", "agreement", "--annotations", str(root), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    what = "T1 crosses a line break: 'Tân Lập.\\nĐoàn l'; mark one span per line, or only one of them"
    assert done.stderr == f"{ann}:1: {what}\n"


def test_a_pass_without_a_phenomenon_is_told(tmp_path):
    root = write_annotations(tmp_path / "annotations")
    for ending in ("txt", "ann"):
        (root / f"passes/pairs/read/place-name.{ending}").unlink()
    assert list(map(str, check_annotations(read_annotations(root)))) == [
        f"{root}/passes/pairs/read/place-name.txt: is missing; copy {root}/pairs/place-name.txt and annotate it"
    ]


def test_statistics_count_passages_and_pairs(tmp_path):
    annotations = read_annotations(write_annotations(tmp_path / "annotations"))
    found = compute_statistics(annotations.corpus(), {}, annotations.wild).pairs
    assert found.passages == sum(map(len, PAIRS.values())) == 6
    assert found.pairs_by_phenomenon == {"abbreviation": 2, "place-name": 1}
    assert (found.entities, found.entities_by_type["ORG"], found.entities_by_type["DATE"]) == (4, 2, 0)
    assert (found.mentions_in_training.seen, found.mentions_in_training.unseen) == (0, 4)

"""`thidua-ner check` against damaged copies of the project's own files."""

import builtins
import io
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.corpus.annotations import read_annotations
from thidua_ner.corpus.dataset import check_project, write_dataset

ANN = "annotations/gold/cantho-2022-07.ann"
TXT = "annotations/gold/cantho-2022-07.txt"


def edit(path, old, new):
    content = path.read_bytes().decode()
    assert old in content
    path.write_bytes(content.replace(old, new, 1).encode())


def check(project):
    done = run_inside("thidua_ner", "check", cwd=project, check=False)
    assert "Traceback" not in done.stderr
    return done


def test_the_project_itself_has_no_fault():
    done = run_inside("thidua_ner", "check")
    assert done.stdout == "annotations and data: no faults\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "remedy"),
    [
        (
            "T1\tORG 0 16\tCụm thi đua số 1",
            "T1\tORG 0 17\tCụm thi đua số 1 ",
            1,
            "white space",
            "move the offsets inside",
        ),
        ("T1\tORG 0 16\tCụm thi đua số 1", "T1\tORG 0 6\tCụm th", 1, "cuts a token", "token boundaries"),
        ("T1\tORG 0 16\tCụm thi đua số 1", "T1\tORG 0 16\tCụm thi đua số 2", 1, "but the text has", "correct"),
        ("T1\tORG 0 16", "T1\tTEAM 0 16", 1, "unknown label 'TEAM'", "use one of ORG, PER, RANK, LOC, DATE, NUM"),
        ("T2\tDATE", "T1\tDATE", 2, "T1 is used twice, first on line 1", "id of its own"),
        (
            "T1\tORG 0 16\tCụm thi đua số 1",
            "T1\tORG 0 16\tCụm thi đua số 1\nT99\tNUM 15 16\t1",
            2,
            "T99 overlaps T1 on line 1",
            "outermost",
        ),
        (
            "T2\tDATE 65 84\tThứ Sáu, 29/07/2022",
            "T2\tDATE 62 84\t” Thứ Sáu, 29/07/2022",
            2,
            "crosses a line break",
            "mark one span per line",
        ),
    ],
)
def test_a_faulty_span_is_named_with_its_line_and_remedy(project, old, new, line, what, remedy):
    if "62 84" in new:
        new = new.replace("” Thứ", "”\\n\\nThứ").replace("\\n", " ")
    edit(project / ANN, old, new)
    done = check(project)
    assert done.returncode == 1
    assert f"{ANN}:{line}: " in done.stderr
    assert what in done.stderr
    assert remedy in done.stderr


def test_a_full_stop_belongs_to_an_abbreviation_only(project):
    path = project / "annotations/gold/quangnam-2023-07.ann"
    path.write_text(path.read_text() + "T99\tPER 182 191\thội nghị.\n")
    done = check(project)
    assert done.returncode == 1
    assert "T99 ends with the full stop of a sentence: 'hội nghị.'; leave the full stop out" in done.stderr


def test_all_faults_are_told_at_once(project):
    edit(project / ANN, "T1\tORG 0 16", "T1\tTEAM 0 16")
    edit(project / "annotations/gold/nghean-2020-07.ann", "T1\tDATE", "T1\tDAY")
    done = check(project)
    assert done.stderr.startswith("2 faults\n")


def test_half_a_document(project):
    (project / ANN).unlink()
    done = check(project)
    assert done.returncode == 1
    assert f"{TXT}: has no cantho-2022-07.ann; add it" in done.stderr


def test_text_that_is_not_utf8(project):
    raw = (project / TXT).read_bytes()
    (project / TXT).write_bytes(raw.replace("Sáng 29/7".encode(), b"S\xe1ng 29/7"))
    done = check(project)
    assert done.returncode == 1
    assert f"{TXT}:5: byte 116 is not UTF-8; save the file as UTF-8" in done.stderr


def test_text_that_was_edited(project):
    edit(project / TXT, "Văn Đức", "Văn Đực")
    done = check(project)
    assert done.returncode == 1
    assert f"{TXT}: is not the text whose SHA-256 is in SOURCES.tsv" in done.stderr


def test_duplicate_ids(project):
    for ending in ("txt", "ann"):
        path = project / f"annotations/gold/Cantho-2022-07.{ending}"
        path.write_bytes((project / f"annotations/gold/cantho-2022-07.{ending}").read_bytes())
    sources = project / "annotations/gold/SOURCES.tsv"
    rows = sources.read_text().splitlines(keepends=True)
    sources.write_text("".join([*rows, rows[1]]))
    done = check(project)
    assert done.returncode == 1
    assert (
        "has the same document id as Cantho-2022-07.txt except for case; give each document a different id"
        in done.stderr
    )
    assert "SOURCES.tsv:7: repeats the document id 'cantho-2022-07'; keep one row per document id" in done.stderr


@pytest.mark.parametrize("kind", ["edited", "missing", "extra"])
def test_data_that_is_not_built_from_the_annotations(project, kind):
    path = project / "data/sentences/cantho-2022-07.jsonl"
    if kind == "edited":
        edit(path, '"Sáu"', '"Bảy"')
        expected = "cantho-2022-07.jsonl:2: is not what the annotations build"
    elif kind == "missing":
        path.unlink()
        expected = "cantho-2022-07.jsonl: is missing"
    else:
        path = path.with_name("extra.jsonl")
        path.write_text("")
        expected = "extra.jsonl: is not built from the annotations"
    done = check(project)
    assert done.returncode == 1
    assert expected in done.stderr
    assert ("delete it" if kind == "extra" else "run `thidua-ner build`") in done.stderr
    run_inside("thidua_ner", "build", cwd=project)
    assert check(project).returncode == 0


def test_annotations_changed_without_building(project):
    edit(project / ANN, "T1\tORG 0 16\tCụm thi đua số 1\n", "")
    done = check(project)
    assert done.returncode == 1
    assert "annotations/agreement.json: is not what the passes give" in done.stderr
    run_inside("thidua_ner", "agreement", cwd=project)
    assert "data/documents/gold.jsonl:1: is not what the annotations build" in check(project).stderr


def test_agreement_that_is_not_what_the_passes_give(project):
    edit(project / "annotations/passes/gold/second/cantho-2022-07.ann", "T1\tORG 0 16\tCụm thi đua số 1\n", "")
    done = check(project)
    assert done.returncode == 1
    assert "agreement.json: is not what the passes give; run `thidua-ner agreement`" in done.stderr


def test_a_repeated_fixed_phrase_is_not_called_a_document(project):
    path = project / "annotations/synthetic/FIXED.tsv"
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*rows, rows[1]]))
    done = check(project)
    assert done.returncode == 1
    phrase = rows[1].partition("\t")[0]
    assert f"FIXED.tsv:{len(rows) + 1}: repeats the phrase {phrase!r}; keep one row per phrase" in done.stderr


@pytest.mark.parametrize("content", ["{", "{}", None])
def test_agreement_that_is_damaged(project, content):
    path = project / "annotations/agreement.json"
    path.write_text(content) if content else path.unlink()
    done = check(project)
    assert done.returncode == 1
    assert "agreement.json: is not what the passes give" in done.stderr


def test_a_missing_pass(project):
    shutil.rmtree(project / "annotations/passes/gold/second")
    done = check(project)
    assert done.returncode == 1
    assert "annotations/passes/gold/second: does not exist; keep both annotators' passes" in done.stderr


def test_one_text_under_two_ids(project):
    for ending in ("txt", "ann"):
        path = project / f"annotations/gold/hue-2022-07.{ending}"
        path.write_bytes((project / f"annotations/gold/cantho-2022-07.{ending}").read_bytes())
    done = check(project)
    assert done.returncode == 1
    assert "hue-2022-07.txt: is the same text as cantho-2022-07.txt; keep one of the two" in done.stderr


def test_files_that_would_be_passed_over(project):
    (project / "annotations/gold/later").mkdir()
    (project / "annotations/gold/hue-2022-07.TXT").write_text("x")
    done = check(project)
    assert done.returncode == 1
    for name in ("later", "hue-2022-07.TXT"):
        assert f"annotations/gold/{name}: is not a document; end its name in .txt or .ann" in done.stderr


def test_a_text_that_is_in_a_pass_only(project):
    for ending in ("txt", "ann"):
        (project / f"annotations/passes/gold/first/hue-2022-07.{ending}").write_text("")
    done = check(project)
    assert done.returncode == 1
    assert "passes/gold/first/hue-2022-07.txt: is not a text of annotations/gold" in done.stderr


def test_a_pass_over_another_text(project):
    edit(project / "annotations/passes/gold/first/cantho-2022-07.txt", "Văn Đức\n", "Văn Đực\n")
    done = check(project)
    assert done.returncode == 1
    assert "passes/gold/first/cantho-2022-07.txt: differs from annotations/gold/cantho-2022-07.txt" in done.stderr


def test_nowhere_is_said_plainly(tmp_path):
    done = run_inside("thidua_ner", "check", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "run from the project's root" in done.stderr


def test_the_five_texts_are_those_of_the_sources():
    annotations = read_annotations(ROOT / "annotations")
    assert [source.id for source in annotations.sources.rows] == [
        "cantho-2022-07",
        "khanhhoa-2023-11",
        "nghean-2020-07",
        "quangnam-2023-07",
        "quangnam-2024-07",
    ]


@pytest.fixture
def reads(monkeypatch):
    """Count how often each file is opened, by its path."""
    counts = Counter()

    def counted(file, *arguments, **options):
        counts[str(file)] += 1
        return original(file, *arguments, **options)

    original = io.open
    monkeypatch.setattr(io, "open", counted)  # which Path.open calls
    monkeypatch.setattr(builtins, "open", counted)
    return counts


@pytest.mark.parametrize("run", [check_project, write_dataset])
def test_each_file_of_the_annotations_is_read_once(project, monkeypatch, reads, run):
    monkeypatch.chdir(project)
    run(Path("annotations"), Path("data"))
    parts = ("gold", "synthetic", "pairs")
    folders = (*parts, *(f"passes/{part}/*" for part in parts), "wild", "passes/wild")
    expected = {
        str(path)
        for folder in folders
        for ending in ("txt", "ann", "tsv", "jsonl")
        for path in Path("annotations").glob(f"{folder}/*.{ending}")
    } | {"annotations/agreement.json"}
    expected -= {"annotations/wild/ADJUDICATION.tsv"}  # which is for people
    found = {path: times for path, times in reads.items() if path.startswith("annotations")}
    assert found == dict.fromkeys(expected, 1)

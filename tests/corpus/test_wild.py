"""`thidua-ner wild`: annotations of texts that everybody fetches for themselves, joined with the texts."""

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, run_inside, run_module
from tests.small_annotations import NEWS_FOLDER, WILD, WORLD_FILE, WildDocument, write_sources, write_wild
from tests.strategies import flat_spans
from thidua_ner.corpus.wild import ORIGINS, read_wild
from thidua_ner.corpus.wild_texts import join_wild
from thidua_ner.faults import DataError, MachineError, UsageError
from thidua_ner.formats.jsonl import document_record, read_documents
from thidua_ner.text.spans import Document

FETCH = {
    "baomoi": "git clone https://github.com/magizbox/scraper && cd scraper && git checkout " + ORIGINS["baomoi"].commit,
    "ntrex": "git clone https://github.com/MicrosoftTranslator/NTREX && cd NTREX && git checkout "
    + ORIGINS["ntrex"].commit,
}
UNCHANGED = {name: fetch.replace("clone", "clone -c core.autocrlf=false") for name, fetch in FETCH.items()}


def documents(split):
    return [one.document for one in WILD if one.split == split]


def edit(path, old, new):
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


def faults(annotations, folders, output):
    """The faults that joining gives; nothing may have been written."""
    with pytest.raises(DataError) as caught:
        join_wild(annotations, folders, output)
    assert not output.exists()
    return list(map(str, caught.value.faults))


@pytest.fixture
def annotations(tmp_path):
    return write_wild(tmp_path / "annotations")


@pytest.fixture
def folders(tmp_path):
    return write_sources(tmp_path)


@pytest.fixture
def output(tmp_path):
    return tmp_path / "runs/wild"


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_texts_and_spans_of_both_files_are_those_that_were_annotated(tmp_path, annotations, output, line_break):
    folders = write_sources(tmp_path, line_break=line_break)
    joined = join_wild(annotations, folders, output)
    assert joined == {output / "validation.jsonl": documents("validation"), output / "test.jsonl": documents("test")}
    for path, own in joined.items():
        assert read_documents(path) == own
        rows = [json.loads(line) for line in path.read_bytes().decode().removesuffix("\n").split("\n")]
        assert rows == [document_record(document) for document in own]
    assert sorted(path.name for path in output.iterdir()) == ["test.jsonl", "validation.jsonl"]
    last = json.loads((output / "test.jsonl").read_text().splitlines()[-1])
    assert last["text"] == "Ana Lopes thắng.\nCó 40 người ở Porto.\n"
    surfaces = [(last["text"][e["start"] : e["end"]], e["label"]) for e in last["entities"]]
    assert surfaces == [("Ana Lopes", "PER"), ("40", "NUM"), ("Porto", "LOC")]


def test_a_folder_may_hold_the_files_themselves(annotations, folders, output):
    folders = {"baomoi": folders["baomoi"] / NEWS_FOLDER, "ntrex": (folders["ntrex"] / WORLD_FILE).parent}
    assert list(join_wild(annotations, folders, output).values()) == [documents("validation"), documents("test")]


def test_every_text_that_is_missing_or_another_is_named_with_how_to_fetch_it(annotations, folders, output):
    news, world = folders["baomoi"] / NEWS_FOLDER, folders["ntrex"] / WORLD_FILE
    (news / "0001.txt").unlink()
    edit(news / "0002.txt", "Bách", "Bạch")
    edit(world, "Lisbon", "Lisboa")
    assert faults(annotations, folders, output) == [
        f"{news}/0001.txt: is missing, which is the text of baomoi-001; fetch it: {FETCH['baomoi']}",
        f"{news}/0002.txt: is not the text of baomoi-002 that was annotated; "
        f"fetch it again without changing its line breaks: {UNCHANGED['baomoi']}",
        f"{world}: is not the text of ntrex-01 that was annotated; "
        f"fetch it again without changing its line breaks: {UNCHANGED['ntrex']}",
    ]


def test_folders_without_the_texts_name_every_document(tmp_path, annotations, folders, output):
    empty = {"baomoi": tmp_path / "nowhere", "ntrex": folders["ntrex"] / WORLD_FILE}  # a file
    found = faults(annotations, empty, output)
    assert [re.search(r"the text of (\S+);", fault)[1] for fault in found] == [one.document.id for one in WILD]
    assert all(FETCH[name] in fault for name, fault in zip(["baomoi"] * 2 + ["ntrex"] * 2, found, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"\r\n", b"\n"),  # as git may, on Windows the other way round
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: raw + b"\n",
        lambda raw: raw.decode().replace("Đỗ", "Đô\u0303").encode(),
        lambda raw: raw[:0],
    ],
    ids=["line breaks", "byte-order mark", "a line more", "decomposed", "empty"],
)
def test_a_text_that_differs_by_any_byte_is_refused(annotations, folders, output, change):
    path = folders["baomoi"] / NEWS_FOLDER / "0002.txt"
    path.write_bytes(change(path.read_bytes()))
    (found,) = faults(annotations, folders, output)
    assert found.startswith(f"{path}: is not the text of baomoi-002 that was annotated; ")


def test_a_text_that_is_not_utf8_is_fetched_again_and_not_edited(annotations, folders, output):
    path = folders["baomoi"] / NEWS_FOLDER / "0001.txt"
    path.write_bytes(b"S\xe1ng" + path.read_bytes())
    (found,) = faults(annotations, folders, output)
    what = f"{path}:1: byte 1 is not UTF-8, and it should be the text of baomoi-001"
    assert found == f"{what}; fetch it again without changing its line breaks: {UNCHANGED['baomoi']}"


def test_a_world_file_that_was_cut_off_is_another_text(annotations, folders, output):
    path = folders["ntrex"] / WORLD_FILE
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    (found,) = faults(annotations, folders, output)
    assert found.startswith(f"{path}: is not the text of ntrex-02 that was annotated")


@pytest.mark.parametrize("only", ["baomoi", "ntrex"])
def test_one_source_is_enough_for_its_documents_and_said_to_be_alone(annotations, folders, output, only):
    arguments = [f"--{only}", str(folders[only]), "--annotations", str(annotations), "--output", str(output)]
    done = run_inside("thidua_ner", "wild", *arguments)
    for split in ("validation", "test"):
        own = [document for document in documents(split) if document.id.startswith(only)]
        assert read_documents(output / f"{split}.jsonl") == own
    assert done.stderr == f"{output}: has only the documents of {only}: scores on it are those of one source\n"


def test_no_source_is_an_error_of_usage(annotations, output):
    with pytest.raises(UsageError, match="no source of texts is named; give --baomoi or --ntrex"):
        join_wild(annotations, {}, output)
    done = run_inside("thidua_ner", "wild", "--annotations", str(annotations), check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "wild: no source of texts is named; give --baomoi or --ntrex\n"


@pytest.mark.usefixtures("annotations")
def test_the_command_itself(folders, tmp_path):
    arguments = ["--baomoi", str(folders["baomoi"]), "--ntrex", str(folders["ntrex"])]
    done = run_module("thidua_ner", "wild", *arguments, cwd=tmp_path)
    assert done.stdout == (
        "runs/wild/validation.jsonl: 2 documents, 3 entities, every text as it was annotated\n"
        "runs/wild/test.jsonl: 2 documents, 7 entities, every text as it was annotated\n"
    )
    assert done.stderr == ""
    assert read_documents(tmp_path / "runs/wild/test.jsonl") == documents("test")


def test_a_fault_leaves_the_old_files_as_they_are(annotations, folders, output):
    join_wild(annotations, folders, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    edit(annotations / "wild/validation.jsonl", '"start": 27', '"start": 26')
    (folders["baomoi"] / NEWS_FOLDER / "0002.txt").unlink()
    with pytest.raises(DataError):
        join_wild(annotations, folders, output)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_a_full_disk_leaves_the_old_files_as_they_are(tmp_path, annotations, folders, output):
    output.mkdir(parents=True)
    for split in ("validation", "test"):
        (output / f"{split}.jsonl").write_text("old\n")
    long = WildDocument(Document("baomoi-003", "vụ " * 20_000), f"{NEWS_FOLDER}/0003.txt", "test")
    write_wild(annotations, (*WILD, long))
    write_sources(tmp_path, (*WILD, long))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"  # a file may not be longer
        f"sys.path.insert(0, {str(ROOT)!r}); sys.argv[0] = 'thidua_ner';"
        "from thidua_ner.commands import main; main()"
    )
    arguments = [f"--{name}={folder}" for name, folder in folders.items()]
    command = [sys.executable, "-c", code, "wild", *arguments, f"--annotations={annotations}", f"--output={output}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"{output}/test.jsonl: cannot be written (File too large); "
        "check the folder, its permissions and the free space\n"
    )
    assert {path.name: path.read_text() for path in output.iterdir()} == dict.fromkeys(
        ("validation.jsonl", "test.jsonl"), "old\n"
    )


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_folder_in_the_place_of_a_file_leaves_the_other_as_it_is(annotations, folders, output, split):
    other = output / ("test.jsonl" if split == "validation" else "validation.jsonl")
    (output / f"{split}.jsonl").mkdir(parents=True)
    other.write_text("old\n")
    with pytest.raises(DataError, match=rf"{output}/{split}\.jsonl: is a folder; name another --output"):
        join_wild(annotations, folders, output)
    assert other.read_text() == "old\n"
    assert sorted(path.name for path in output.iterdir()) == ["test.jsonl", "validation.jsonl"]


def test_an_output_that_cannot_be_a_folder_is_told(annotations, folders, output):
    output.parent.mkdir()
    output.write_text("old\n")
    with pytest.raises(MachineError, match=r"runs/wild/validation\.jsonl: cannot be written"):
        join_wild(annotations, folders, output)
    assert output.read_text() == "old\n"


ROW = "baomoi-001\tbaomoi\tvn_news/data/0001.txt\tvalidation\t"
BAD_PLACES = (
    "", "a.txt:", "a.txt:3", "a.txt:0-3", "a.txt:3-2", "a.txt:1-2-3", "a.txt:-1-2", "a.txt:²-3", "a:1-2:3",
    f"a.txt:1-{'9' * 5000}", "/etc/hostname", "../a.txt", "a/../../b.txt:1-2",
)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tbaomoi\t", "\tbaomơi\t", ":2: has the source 'baomơi'; name one of baomoi, ntrex"),
        ("\tvalidation\t", "\ttrain\t", ":2: has the split 'train'; name one of validation, test"),
        ("baomoi-001\t", "bao-001\t", ":2: has the id 'bao-001'; begin it with the source: baomoi-…"),
        ("id\tsource", "id\torigin", ":1: the columns are ['id', 'origin', 'place', 'split', 'sha256']; name them id"),
        ("id\tsource", "\ufeffid\tsource", ":1: the columns are ['\\ufeffid', 'source', 'place', 'split', 'sha256']"),
        ("\tvalidation\t", "\t", ":2: has 4 cells; give 5, separated by tabs"),
        ("baomoi-002\t", "baomoi-001\t", ":3: repeats the document id 'baomoi-001'; keep one row per document id"),
        (
            f"{ROW}{WILD[0].row[-1]}", f"{ROW}{WILD[0].row[-1][:-1]}",
            f":2: has the SHA-256 '{WILD[0].row[-1][:-1]}'; write 64 hexadecimal digits",
        ),
        *(
            ("vn_news/data/0001.txt", place, f":2: has the place {place!r:.100}")
            for place in BAD_PLACES
        ),
    ],
)  # fmt: skip
def test_damaged_sources_are_told_with_their_line(annotations, folders, output, old, new, message):
    path = annotations / "wild/SOURCES.tsv"
    edit(path, old, new)
    (found,) = faults(annotations, folders, output)
    assert found.startswith(f"{path}{message}")


def test_missing_and_unknown_documents_of_every_file_are_told(annotations, folders, output):
    for name in ("wild/validation.jsonl", "passes/wild/second.jsonl"):
        edit(annotations / name, '"ntrex-01"', '"ntrex-09"')
    assert faults(annotations, folders, output) == [
        message
        for name in ("wild/validation.jsonl", "passes/wild/second.jsonl")
        for message in (
            f"{annotations}/{name}: lacks ntrex-01; annotate them, or correct SOURCES.tsv",
            f"{annotations}/{name}: has ntrex-09, which SOURCES.tsv has not; delete the records",
        )
    ]


def test_a_document_of_the_other_split_is_told_in_both_files(annotations, folders, output):
    edit(annotations / "wild/SOURCES.tsv", "\tvalidation\t", "\ttest\t")
    assert [fault.partition(": ")[2].partition(";")[0] for fault in faults(annotations, folders, output)] == [
        "has baomoi-001, which SOURCES.tsv has not",
        "lacks baomoi-001",
    ]


def test_files_that_are_missing_are_told(annotations, folders, output):
    gone = ["wild/validation.jsonl", "passes/wild/first.jsonl", "wild/SOURCES.tsv"]
    for name in gone:
        (annotations / name).unlink()
    remedy = "cannot be read (No such file or directory); check the path and its permissions"
    assert faults(annotations, folders, output) == [f"{annotations / name}: {remedy}" for name in gone]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"end": 30, "label": "DATE"', '"end": 45, "label": "DATE"',
         ":1: 'baomoi-001': the spans DATE 27-45 and ORG 32-50 overlap; keep only one of the two"),
        ('"DATE"', '"DAY"', ":1: 'baomoi-001', entity 1: unknown label 'DAY'"),
        ('"start": 27', '"start": 30', ":1: 'baomoi-001', entity 1: it starts at 30 and ends at 30"),
        ('"start": 27', '"start": "27"', ":1: 'baomoi-001', entity 1: the offsets are '27' and 30"),
        ('"id": "baomoi-001"', '"id": "ntrex-01"', ":2: 'ntrex-01' is on line 1 already; keep one record per document"),
        ('"entities": [', '"spans": [', ":1: 'baomoi-001' has no entities"),
        ("}\n", "\n", ":1: "),
    ],
    ids=["overlap", "label", "empty span", "no number", "twice", "no entities", "no JSON"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["wild/validation.jsonl", "passes/wild/first.jsonl"])
def test_damaged_standoff_is_told_with_its_line(annotations, folders, output, name, old, new, message):
    path = annotations / name
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "-001" in line or "-01" in line))
    edit(path, old, new)
    found = faults(annotations, folders, output)
    assert found[0].startswith(f"{path}{message}")


def test_offsets_beyond_the_text_are_told_for_every_document(annotations, folders, output):
    edit(annotations / "wild/validation.jsonl", '"end": 50', '"end": 500')
    edit(annotations / "wild/test.jsonl", '"start": 31, "end": 36', '"start": 931, "end": 936')
    text = WILD[0].document.text, WILD[3].document.text
    assert faults(annotations, folders, output) == [
        f"{annotations}/wild/validation.jsonl: baomoi-001: ORG 32-500 ends outside the text of {len(text[0])} "
        "characters; correct the offsets",
        f"{annotations}/wild/test.jsonl: ntrex-02: LOC 931-936 ends outside the text of {len(text[1])} "
        "characters; correct the offsets",
    ]


def test_a_byte_order_mark_before_the_spans_is_no_part_of_them(annotations, folders, output):
    path = annotations / "wild/test.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert join_wild(annotations, folders, output)[output / "test.jsonl"] == documents("test")


@settings(max_examples=25)
@given(st.data())
def test_any_text_and_spans_come_back(tmp_path_factory, data):
    root = tmp_path_factory.mktemp("wild")
    line = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=20)
    lines = data.draw(st.lists(line, min_size=1, max_size=4))
    whole = data.draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
    part = "".join(f"{line}\n" for line in lines)
    first = data.draw(st.integers(1, 5))
    news = Document("baomoi-1", whole, data.draw(flat_spans(whole)))
    world = Document("ntrex-1", part, data.draw(flat_spans(part)))
    wild = (
        WildDocument(news, f"{NEWS_FOLDER}/1.txt", data.draw(st.sampled_from(["validation", "test"]))),
        WildDocument(world, f"{WORLD_FILE}:{first}-{first + len(lines) - 1}", "test"),
    )
    write_wild(root / "annotations", wild)
    folders = write_sources(root, wild, data.draw(st.sampled_from(["\n", "\r\n"])))
    assert not read_wild(root / "annotations").faults
    joined = join_wild(root / "annotations", folders, root / "out")
    assert sorted((d for own in joined.values() for d in own), key=lambda d: d.id) == [news, world]
    assert [d for path in joined if path.stat().st_size for d in read_documents(path)] == [
        d for own in joined.values() for d in own
    ]

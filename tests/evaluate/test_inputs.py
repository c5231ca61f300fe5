"""Scored files may have any format and origin: every fault gives file, line and remedy, never a traceback."""

import json
import shutil
from dataclasses import asdict

import pytest
from hypothesis import given

from tests.conftest import ROOT, run_inside
from tests.strategies import documents
from thidua_ner.faults import DataError
from thidua_ner.files import MAX_LINE_BYTES
from thidua_ner.formats import brat, conll
from thidua_ner.formats.registry import read_documents, read_predictions, write_documents
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span

GOLD = ROOT / "annotations/gold"
TEXT = "Công an tỉnh\nhọp tại Huế"


@pytest.fixture
def gold(tmp_path):
    document = Document("a", TEXT, (Span(0, 12, "ORG"), Span(21, 24, "LOC")))
    write_documents(tmp_path / "gold", [document])
    return [document]


def evaluate(*arguments, code=0):
    done = run_inside("evaluate", *map(str, arguments), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


@pytest.mark.parametrize("name", ["predictions", "predictions.jsonl", "predictions.conll"])
def test_every_format_gives_the_same_scores(tmp_path, name):
    gold = brat.read_folder(GOLD)
    source = ROOT / "results/phobert-tiny/lodo/seed-1/predictions.jsonl"
    predicted = read_predictions(source, gold)
    write_documents(tmp_path / name, predicted)
    assert score(gold, read_predictions(tmp_path / name, gold)) == score(gold, predicted)
    evaluate("--gold", GOLD, "--predictions", tmp_path / name, "--output", tmp_path / "out")
    assert json.loads((tmp_path / "out/scores.json").read_text())["micro"] == asdict(score(gold, predicted).micro)


@given(documents())
def test_conll_predictions_are_found_in_the_text(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("conll") / "p.conll"
    conll.write_file(path, [document])
    (found,) = conll.read_predictions(path, [document])
    assert found == document


def test_conll_is_scored_against_conll(tmp_path):
    (tmp_path / "gold.conll").write_text("Công B-ORG\nan I-ORG\nhọp O\n\nHuế B-LOC\n")
    (tmp_path / "p.conll").write_text("Công B-ORG\nan I-ORG\nhọp O\n\nHuế O\n")
    evaluate("--gold", tmp_path / "gold.conll", "--predictions", tmp_path / "p.conll", "--output", tmp_path / "out")
    micro = json.loads((tmp_path / "out/scores.json").read_text())["micro"]
    assert (micro["precision"], micro["recall"]) == (1.0, 0.5)


@pytest.mark.usefixtures("gold")
@pytest.mark.parametrize(("policy", "f1"), [("conlleval", 1.0), ("discard", 2 / 3)])
def test_a_repair_is_named(tmp_path, policy, f1):
    (tmp_path / "p.conll").write_text("# doc_id = a\nCông I-ORG\nan I-ORG\ntỉnh I-ORG\n\nhọp O\ntại O\nHuế B-LOC\n")
    arguments = ("--gold", tmp_path / "gold", "--predictions", tmp_path / "p.conll")
    assert "continues nothing after O; write B-" in evaluate(*arguments, code=1).stderr
    evaluate(*arguments, "--repair", policy, "--output", tmp_path / "out")
    scores = json.loads((tmp_path / "out/scores.json").read_text())
    assert scores["micro"]["f1"] == f1
    changed = {"conlleval": 1, "discard": 3}[policy]
    assert scores["notes"][-1] == f"{policy} has changed {changed} tags of the predictions"
    assert f"|match:exact|repair:predictions={policy}|gold:" in scores["signature"]


def test_gold_and_predictions_have_policies_of_their_own(tmp_path):
    (tmp_path / "gold.conll").write_text("Công I-ORG\nan I-ORG\n")
    (tmp_path / "p.conll").write_text("Công N O B-ORG\nan N B-X I-ORG\n")
    arguments = ("--gold", tmp_path / "gold.conll", "--predictions", tmp_path / "p.conll", "--tag-column", 4)
    assert "gold.conll:1: I-ORG continues nothing after O" in evaluate(*arguments, "--repair", "discard", code=1).stderr
    done = evaluate(*arguments, "--gold-repair", "conlleval")
    assert "note: conlleval has changed 1 tags of the gold" in done.stdout
    assert "|repair:gold=conlleval|gold:" in done.stdout


@pytest.mark.parametrize("suffix", [".conll", ".jsonl"])
def test_a_type_that_the_gold_lacks_is_a_false_positive(gold, tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    write_documents(path, [gold[0].with_spans((Span(0, 12, "ORG"), Span(13, 16, "DEED")))])
    done = evaluate("--gold", tmp_path / "gold", "--predictions", path)
    assert "note: the gold has no DEED: its recall counts as 0" in done.stdout
    assert score(gold, read_predictions(path, gold)).micro.precision == 0.5


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            "# doc_id = b\nCông O\n",
            1,
            "'b' is not a gold document; begin each document with `# doc_id = ` and its id: a",
        ),
        ("Công O\n", 1, "'sentence-1' is not a gold document"),
        ("# doc_id = a\nCông_an O\n", 2, "the token is 'Công_an', but the gold text has 'Công an tỉnh"),
        ("# doc_id = a\nCông O\nan O\ntỉnh O\nhọp O\n", None, "'a' ends before 'tại Huế'; add the missing tokens"),
        ("# doc_id = a\nCông B-ORG\nan I-ORG\nHuế O\n", 4, "the token is 'Huế', but the gold text has 'tỉnh"),
        ("# doc_id = a\nCông B-THING-\n", 2, "unknown label 'THING-'"),
        ("# doc_id = a\nCông ORG\n", 2, "'ORG' after 'Công' is not an IOB2 tag"),
        ("-DOCSTART- O\n\n", None, "no prediction for a"),
    ],
)
def test_conll_faults(gold, tmp_path, content, line, message):
    path = tmp_path / "p.conll"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_predictions(path, gold)
    assert (line or 0, True) in [(one.line, message in f"{one.what}; {one.remedy}") for one in error.value.faults]


def test_brat_predictions_keep_the_gold_texts(gold, tmp_path):
    two = [*gold, Document("b", "họp")]
    changed = Document("a", TEXT.replace("tại", "ở"), (Span(0, 12, "ORG"),))
    write_documents(tmp_path / "p", [changed, Document("c", "x")])
    with pytest.raises(DataError) as error:
        read_predictions(tmp_path / "p", two)
    told = "\n".join(map(str, error.value.faults))
    assert "p/a.txt:2: differs from the gold text" in told
    assert "p/b.txt: is missing" in told
    assert "p/c.txt: is not a gold document; use a, b" in told


@pytest.mark.usefixtures("gold")
@pytest.mark.parametrize("name", ["p.jsonl", "p.conll"])
def test_a_line_that_is_no_line_is_refused(tmp_path, name):
    with (tmp_path / name).open("wb") as file:
        file.write(b"# doc_id = a\n")
        file.write(b"x" * (MAX_LINE_BYTES + 1))
    done = evaluate("--gold", tmp_path / "gold", "--predictions", tmp_path / name, code=1)
    assert f"{name}:2: has 50,000,001 bytes; a line may have 50,000,000" in done.stderr


@pytest.mark.usefixtures("gold")
def test_a_long_quotation_is_cut(tmp_path):
    entity = {"start": 0, "end": 3, "label": "X" * 1_000_000}
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "a", "entities": [entity]}))
    done = evaluate("--gold", tmp_path / "gold", "--predictions", tmp_path / "p.jsonl", code=1)
    assert "p.jsonl:1: 'a', entity 1: unknown label 'XXX" in done.stderr
    assert len(done.stderr) < 1000


def test_nul_bytes_and_markup_are_text_like_any_other(tmp_path):
    text = "Công an\0 <script>alert(1)</script> & \u202e\ud7ff🙂"
    document = Document("a\0b", text, (Span(0, 8, "ORG"),))
    write_documents(tmp_path / "gold.jsonl", [document])
    assert read_documents(tmp_path / "gold.jsonl") == [document]
    evaluate("--gold", tmp_path / "gold.jsonl", "--predictions", tmp_path / "gold.jsonl", "--output", tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text()
    assert "<script>alert" not in page
    assert "\0" not in page
    assert "Công an␀" in page


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LAUGHS, "bad.yaml:2: refers to *a; write the value out: references are not read"),
        ("a: " + "[" * 1500, "bad.yaml"),
        ("name: \0", "bad.yaml"),
        (
            "seed: 2023-99-99",
            "bad.yaml:1: the value cannot be read (month must be in 1..12); correct the value, or put it in quotes",
        ),
        ("name: ../../etc", "bad.yaml:1: name: String should match pattern"),
    ],
)
def test_a_hostile_config_is_answered(tmp_path, content, message):
    (tmp_path / "bad.yaml").write_text(content)
    done = run_inside("train", str(tmp_path / "bad.yaml"), check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fold", ["../other", "/etc", "", ".", "a/b", "\0"])
def test_no_manifest_leads_out_of_its_folder(tiny_run, tmp_path, fold):
    run = shutil.copytree(tiny_run, tmp_path / "run", ignore=shutil.ignore_patterns("lodo-*"))
    manifest = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**manifest, "folds": [fold]}))
    assert f"manifest.json: the fold {fold!r} is not the name of a folder" in evaluate(run, code=1).stderr


def test_no_id_leads_out_of_a_folder(tmp_path):
    write_documents(tmp_path / "gold.jsonl", [Document("../out", "Huế")])
    done = run_inside("thidua_ner", "convert", str(tmp_path / "gold.jsonl"), str(tmp_path / "brat"), check=False)
    assert done.returncode == 1
    assert "the id '../out' is not a file name" in done.stderr
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize("name", ["p.ndjson", "p.JSONL"])
def test_offsets_into_a_text_that_conll_does_not_keep_are_refused(tmp_path, name):
    (tmp_path / "gold.conll").write_text("Huế B-LOC\n")
    (tmp_path / name).write_text('{"id": "sentence-1", "entities": []}\n')
    refused = evaluate("--gold", tmp_path / "gold.conll", "--predictions", tmp_path / name, code=1)
    assert "does not keep the text, so character offsets do not apply to it" in refused.stderr


def test_labels_that_differ_in_composition_are_told(tmp_path):
    for name, label in (("gold.jsonl", "TỈNH"), ("p.jsonl", "TI\u0309NH")):
        row = {"id": "a", "text": "Huế", "entities": [{"start": 0, "end": 3, "label": label}]}
        (tmp_path / name).write_text(json.dumps(row) + "\n")
    done = evaluate("--gold", tmp_path / "gold.jsonl", "--predictions", tmp_path / "p.jsonl")
    assert "differs from 'TỈNH' in decomposed Unicode (NFD) instead of NFC" in done.stdout


def test_controls_of_ids_are_shown_in_tables(tmp_path):
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": "a\x1b[2J", "text": "Huế", "entities": []}) + "\n")
    done = evaluate("--gold", tmp_path / "gold.jsonl", "--predictions", tmp_path / "gold.jsonl")
    assert "a␛[2J" in done.stdout
    assert "\x1b" not in done.stdout

"""`python -m evaluate` as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
import unicodedata

import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.formats import brat
from thidua_ner.formats import registry as convert
from thidua_ner.formats.jsonl import write_documents, write_predictions
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import tokenize

GOLD = ROOT / "annotations/gold"


def scores_of(folder):
    return json.loads((folder / "scores.json").read_text())


def test_a_run_is_scored_on_the_documents_it_left_out(tiny_run, tmp_path):
    done = run_inside("evaluate", str(tiny_run), "--output", str(tmp_path))
    scores = scores_of(tmp_path)
    assert scores["micro"]["support"] == 176
    assert list(scores["per_document"]) == [d.id for d in brat.read_folder(GOLD)]
    assert scores["trained_on"] == []
    assert scores["segmentation_ceiling"]["recall"] == 1.0
    assert len(scores["run"]["data_fingerprint"]) == 64
    assert scores["signature"] in done.stdout
    rows = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(scores["per_document"])
    for entity in (entity for row in rows for entity in row["entities"]):
        assert set(entity) == {"start", "end", "label", "score"}


def test_predictions_of_a_run_score_the_same_as_the_run(tiny_run, tmp_path):
    run_inside("evaluate", str(tiny_run), "--output", str(tmp_path / "run"))
    arguments = ["--gold", str(GOLD), "--predictions", str(tmp_path / "run/predictions.jsonl")]
    run_inside("evaluate", *arguments, "--output", str(tmp_path / "again"))
    by_run, again = scores_of(tmp_path / "run"), scores_of(tmp_path / "again")
    assert again.pop("seen") is None
    assert again.pop("trained_on") is None
    assert by_run["seen"]["exact"]["seen"]["support"] > 0
    assert all(again[key] == by_run[key] for key in again)
    assert (tmp_path / "again/predictions.jsonl").read_text() == (tmp_path / "run/predictions.jsonl").read_text()


def test_gold_of_the_run_given_as_a_folder_is_still_tagged_by_the_model_that_left_it_out(tiny_run, tmp_path):
    run_inside("evaluate", str(tiny_run), "--output", str(tmp_path / "own"))
    run_inside("evaluate", str(tiny_run), "--gold", str(GOLD), "--output", str(tmp_path / "given"))
    assert scores_of(tmp_path / "given") == scores_of(tmp_path / "own")


def test_other_documents_are_tagged_by_all_models_together(tiny_run, tmp_path):
    documents = [Document("new", "Sáng 3/4, Công an tỉnh họp.", (Span(5, 8, "DATE"), Span(10, 22, "ORG")))]
    write_documents(tmp_path / "new.jsonl", documents)
    run_inside("evaluate", str(tiny_run), "--gold", str(tmp_path / "new.jsonl"))
    assert scores_of(tiny_run / "scores-new")["micro"]["support"] == 2


def test_scores_on_training_documents_are_said_to_be_so(tiny_run, tmp_path):
    fold = tiny_run / "lodo-cantho-2022-07"
    done = run_inside("evaluate", str(fold), "--gold", str(GOLD), "--output", str(tmp_path))
    assert "warning: every model was trained on the text of khanhhoa-2023-11, nghean-2020-07" in done.stderr
    assert len(scores_of(tmp_path)["trained_on"]) == 4
    own = run_inside("evaluate", str(fold), "--output", str(tmp_path))
    assert "warning" not in own.stderr
    assert list(scores_of(tmp_path)["per_document"]) == ["cantho-2022-07"]


@pytest.mark.parametrize("kind", ["conll", "sentences", "spaced", "decomposed", "model"])
def test_no_change_of_form_hides_what_a_model_has_read(tiny_run, tmp_path, kind):
    run, gold = tiny_run / "lodo-cantho-2022-07", tmp_path / "gold.jsonl"
    documents = [d for d in brat.read_folder(GOLD) if d.id == "nghean-2020-07"]
    if kind == "conll":
        gold = tmp_path / "gold.conll"
    elif kind == "sentences":
        gold = ROOT / "data/sentences/nghean-2020-07.jsonl"
    elif kind == "spaced":
        documents = [Document(d.id, d.text.replace(" ", "  ") + "\r\n") for d in documents]
    elif kind == "decomposed":
        documents = [Document(d.id, unicodedata.normalize("NFD", d.text)) for d in documents]
    else:
        run = run / "model"
    if kind != "sentences":
        convert.write_documents(gold, documents)
    run_inside("evaluate", str(run), "--gold", str(gold), "--output", str(tmp_path / "out"))
    assert scores_of(tmp_path / "out")["trained_on"]


def test_a_checkpoint_of_unknown_origin_asserts_nothing_of_its_training(tiny_run, tmp_path):
    shutil.copytree(tiny_run / "lodo-cantho-2022-07/model", tmp_path / "model")
    run_inside("evaluate", str(tmp_path / "model"), "--gold", str(GOLD), "--output", str(tmp_path / "out"))
    assert scores_of(tmp_path / "out")["trained_on"] is None


def test_a_bare_checkpoint_is_scored_on_given_documents_only(tiny_run, tmp_path):
    model = tiny_run / "lodo-cantho-2022-07/model"
    run_inside("evaluate", str(model), "--gold", str(GOLD), "--output", str(tmp_path))
    assert scores_of(tmp_path)["micro"]["support"] == 176
    done = run_inside("evaluate", str(model), check=False)
    assert done.returncode == 2
    assert "has no test documents of its own; name annotated documents with --gold" in done.stderr


def test_scoring_predictions_needs_no_torch(tmp_path):
    gold = brat.read_folder(GOLD)
    write_predictions(tmp_path / "p.jsonl", gold)
    for name in ("torch", "transformers", "datasets", "underthesea", "tqdm", "pyarrow", "filelock"):
        (tmp_path / "blocked" / name).mkdir(parents=True)
        (tmp_path / "blocked" / name / "__init__.py").write_text("raise ImportError('not in a bare environment')")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path / 'blocked')!r}, {str(ROOT)!r}];"
        f"sys.argv = ['evaluate', '--gold', {str(GOLD)!r}, '--predictions', {str(tmp_path / 'p.jsonl')!r}];"
        "import runpy; runpy.run_module('evaluate', run_name='__main__')"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    assert "micro                  100.00    100.00  100.00         176" in done.stdout


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_spans_inside_tokens_are_scored_exactly(tmp_path):
    text = "tạihuế có 86,2%"
    gold = [Document("a", text, (Span(3, 6, "LOC"), Span(10, 15, "NUM")))]
    predicted = [Document("a", text, (Span(0, 6, "LOC"), Span(10, 15, "NUM")))]
    assert tokenize(text)[0].text == "tạihuế"
    write_documents(tmp_path / "gold.jsonl", gold)
    write_predictions(tmp_path / "p.jsonl", predicted)
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "p.jsonl")]
    run_inside("evaluate", *arguments, "--output", str(tmp_path))
    assert scores_of(tmp_path)["micro"]["f1"] == 0.5 == score(gold, predicted).micro.f1


def test_the_table_lines_up(tmp_path):
    write_predictions(tmp_path / "p.jsonl", brat.read_folder(GOLD))
    done = run_inside("evaluate", "--gold", str(GOLD), "--predictions", str(tmp_path / "p.jsonl"))
    table, _, _ = done.stdout.partition("95% interval")
    rows = [line for line in table.splitlines() if "100.00" in line]
    assert len(rows) == 14
    assert len({len(row) for row in rows}) == 1
    assert len({row.index("100.00") for row in rows}) == 1


@pytest.mark.parametrize("program", [("evaluate",), ("thidua_ner", "score")])
def test_scores_that_are_only_printed_are_told_to_be_so(tmp_path, program):
    write_predictions(tmp_path / "p.jsonl", brat.read_folder(GOLD))
    arguments = (*program, "--gold", str(GOLD), "--predictions", str(tmp_path / "p.jsonl"))
    told = "\nnothing was written; for predictions, scores and a report add --output DIR\n"
    assert run_inside(*arguments).stdout.endswith(told)
    assert told not in run_inside(*arguments, "--output", str(tmp_path / "out")).stdout
    assert (tmp_path / "out/report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name a run, or give --predictions"),
        (["runs/x", "--predictions", "p"], 2, "name a run, or give --predictions"),
        (["--predictions", "p"], 2, "--predictions needs --gold"),
        (["nowhere"], 1, "nowhere: is not a run; name a folder that `python -m train` wrote"),
        (["--gold", "nowhere", "--predictions", "p"], 1, "nowhere: does not exist; name a folder"),
        (["--gold", "annotations/gold", "--predictions", "nowhere"], 1, "nowhere: does not exist; name a folder"),
        (
            ["--gold", "x.conll", "--predictions", "p.jsonl"],
            1,
            "x.conll: does not keep the text, so character offsets",
        ),
        (["--gold", "annotations", "--predictions", "p"], 1, "annotations: holds no documents"),
    ],
)
def test_bad_input_is_answered_in_one_line(arguments, code, message):
    done = run_inside("evaluate", *arguments, check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_written_where_predictions_are_faulty(tmp_path):
    (tmp_path / "p.jsonl").write_text(
        '{"id": "cantho-2022-07", "entities": [{"start": 0, "end": 9999, "label": "ORG"}]}\n'
    )
    arguments = ["--gold", str(GOLD), "--predictions", str(tmp_path / "p.jsonl"), "--output", str(tmp_path / "out")]
    done = run_inside("evaluate", *arguments, check=False)
    assert done.returncode == 1
    assert "p.jsonl:1: 'cantho-2022-07', entity 1: 0 to 9999 lies outside the text of 2299 characters" in done.stderr
    assert "p.jsonl: no prediction for khanhhoa-2023-11" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("manifest.json", "{}", "manifest.json: lacks thidua_ner, command, commit, data_fingerprint, seed, config"),
        ("manifest.json", "[]", "manifest.json: Input should be"),
        ("manifest.json", "{", "manifest.json: is not JSON"),
        ("lodo-cantho-2022-07/fold.json", "{}", "fold.json: lacks train_traces"),
        ("lodo-cantho-2022-07/test.jsonl", "{", "test.jsonl:1: begins JSON of several lines"),
    ],
)
def test_a_damaged_run_is_named(tiny_run, tmp_path, name, content, message):
    run = tmp_path / "run"
    shutil.copytree(tiny_run, run)
    (run / name).write_text(content)
    done = run_inside("evaluate", str(run), check=False)
    assert done.returncode == 1
    assert message in done.stderr


def test_a_damaged_model_is_named(tiny_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_run, run)
    (run / "lodo-cantho-2022-07/model/model.safetensors").unlink()
    done = run_inside("evaluate", str(run), check=False)
    assert done.returncode == 1
    assert "lodo-cantho-2022-07/model/model.safetensors: is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_own_labels_are_scored_against_each_other(tmp_path):
    (tmp_path / "gold.conll").write_text("Huế B-CITY\nhọp O\n")
    (tmp_path / "p.conll").write_text("Huế B-CITY\nhọp B-CITY\n")
    arguments = ["--gold", str(tmp_path / "gold.conll"), "--predictions", str(tmp_path / "p.conll")]
    run_inside("evaluate", *arguments, "--output", str(tmp_path / "out"))
    assert scores_of(tmp_path / "out")["per_type"]["CITY"]["precision"] == 0.5
    run_inside("thidua_ner", "report", str(tmp_path / "out"), "--gold", str(tmp_path / "gold.conll"))
    (tmp_path / "p.conll").write_text("Huế B-ORG\nhọp O\n")
    done = run_inside("evaluate", *arguments, check=False)
    assert "note: the gold has no ORG: its recall counts as 0" in done.stdout


@pytest.mark.parametrize("label", ["CITY-", "-CITY", "a b", ""])
def test_labels_that_tags_cannot_carry_are_refused(tmp_path, label):
    row = {"id": "a", "text": "Huế", "entities": [{"start": 0, "end": 3, "label": label}]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(row) + "\n")
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "gold.jsonl")]
    done = run_inside("evaluate", *arguments, check=False)
    assert done.returncode == 1
    assert "gold.jsonl:1: 'a', entity 1: unknown label" in done.stderr


def test_a_span_of_white_space_alone_is_scored(tmp_path):
    documents = [Document("a", " \n ", (Span(0, 1, "ORG"),)), Document("b", "Huế", (Span(0, 3, "LOC"),))]
    write_documents(tmp_path / "gold.jsonl", documents)
    arguments = ["--gold", str(tmp_path / "gold.jsonl"), "--predictions", str(tmp_path / "gold.jsonl")]
    run_inside("evaluate", *arguments, "--output", str(tmp_path / "out"))
    assert scores_of(tmp_path / "out")["micro"]["f1"] == 1.0


def test_other_gold_may_be_scored_into_the_run_itself(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run / "lodo-cantho-2022-07", tmp_path / "run")
    write_documents(tmp_path / "new.jsonl", [Document("new", "Huế", (Span(0, 3, "LOC"),))])
    run_inside("evaluate", str(run), "--gold", str(tmp_path / "new.jsonl"), "--output", str(run))
    assert scores_of(run)["micro"]["support"] == 1


def test_a_run_without_test_documents_is_scored_on_given_ones(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run / "lodo-cantho-2022-07", tmp_path / "run")
    (run / "test.jsonl").write_text("")
    assert "has no test documents of its own" in run_inside("evaluate", str(run), check=False).stderr
    run_inside("evaluate", str(run), "--gold", str(GOLD), "--output", str(tmp_path / "out"))
    assert scores_of(tmp_path / "out")["micro"]["support"] == 176


def test_a_published_result_is_not_taken_for_an_unfinished_run():
    done = run_inside("evaluate", "results/crf/transfer/seed-1", "--gold", str(GOLD), check=False)
    assert done.returncode == 1
    assert "is a published result, which has no models; name a folder that" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_without_vietnamese_letters_shows_what_it_can(tmp_path, encoding):
    (tmp_path / "gold.conll").write_text("Huế B-TỈNH\nhọp O\n")
    arguments = ["score", "--gold", str(tmp_path / "gold.conll"), "--predictions", str(tmp_path / "gold.conll")]
    done = subprocess.run(
        [sys.executable, "-m", "thidua_ner", *arguments], cwd=ROOT, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"T?NH" in done.stdout

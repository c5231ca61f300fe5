"""The command `thidua-ner`: its subcommands, and its messages for wrong calls."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner import __version__
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import write_documents, write_predictions

COMMANDS = {
    "wild",
    "tag",
    "score",
    "compare",
    "report",
    "convert",
    "export",
    "check",
    "agreement",
    "coverage",
    "build",
    "publish",
}


def call(*arguments, code=0):
    done = run_inside("thidua_ner", *map(str, arguments), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


@pytest.fixture
def files(tmp_path):
    """The gold documents and perfect predictions, in files."""
    gold = brat.read_folder(ROOT / "annotations/gold")
    write_documents(tmp_path / "gold.jsonl", gold)
    write_predictions(tmp_path / "p.jsonl", gold)
    return tmp_path


def test_help_names_every_command_and_hides_what_runs_in_a_clone():
    listed = call("--help").stdout.partition("Commands:")[2]
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ") and line[2] != " "} == COMMANDS
    for command in COMMANDS:
        assert call(command, "--help").stdout.startswith("Usage: thidua-ner")


def test_the_installed_command_is_the_module():
    program = Path(sys.executable).parent / "thidua-ner"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"thidua-ner {__version__}\n" == call("--version").stdout


def test_options_stand_anywhere(files):
    arguments = ("--gold", files / "gold.jsonl"), ("--predictions", files / "p.jsonl"), ("--output", files / "out")
    shown = {call("score", *first, *second, *third).stdout for first, second, third in (arguments, arguments[::-1])}
    assert len(shown) == 1
    names = (files / "p.jsonl", files / "out")
    one = call("compare", "--gold", files / "gold.jsonl", *names).stdout
    assert call("compare", names[0], "--gold", files / "gold.jsonl", names[1]).stdout == one


def test_inputs_of_tag_may_follow_its_options(model, tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("Huế")
    done = call("tag", model, tmp_path / "a.txt", "--output", tmp_path / "out", tmp_path / "b.txt")
    assert "2 texts tagged" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["scor"], 2, "No such command 'scor'. Did you mean 'score'?"),
        (["score", "--predicions", "p"], 2, "No such option '--predicions'. Did you mean '--predictions'?"),
        (["score", "--gold", "g"], 2, "Missing option '--predictions'"),
        (["score", "--predictions", "p"], 2, "Missing option '--gold'"),
        (
            ["score", "--gold", "g", "--predictions", "p", "--repair", "all"],
            2,
            "'all' is not one of 'none', 'conlleval'",
        ),
        (["score", "--gold", "nowhere", "--predictions", "p"], 1, "nowhere: does not exist; name a folder"),
        (["tag"], 2, "Missing argument 'RUN'"),
        (["report"], 2, "Missing argument 'RUN...'"),
        (["convert", "a"], 2, "Missing argument 'OUTPUT'"),
        (["convert", "a", ""], 2, "the path is empty; write . for the current folder"),
        (["convert", "README.md", "x.jsonl"], 1, "README.md: has the suffix '.md'"),
        (
            ["train", "configs/crf.yaml", "--set", "seed=2"],
            2,
            "clone the project and run `python -m train` in its folder",
        ),
        (["evaluate", "runs/x"], 2, "clone the project and run `python -m evaluate` in its folder"),
        (["check", "--annotations", "nowhere"], 1, "nowhere/gold: does not exist"),
        (["check", "more"], 2, "Got unexpected extra argument (more)"),
        (["export", "nowhere"], 1, "nowhere: is not a run"),
    ],
)
def test_wrong_calls_are_answered(arguments, code, message):
    assert message in call(*arguments, code=code).stderr


def test_scored_runs_are_compared_and_shown_from_evaluate_too(files):
    call("score", "--gold", files / "gold.jsonl", "--predictions", files / "p.jsonl", "--output", files / "out")
    done = run_inside("evaluate", "report", str(files / "out"), "--gold", str(files / "gold.jsonl"))
    assert done.stdout.strip() == str(files / "out/report.html")
    for words, meant in (
        (["compar"], "Did you mean 'python -m evaluate compare'?"),
        (["compar", "runs/a", "b"], "no command 'compar'. Did you mean 'python -m evaluate compare runs/a b'?"),
        (["repot", "runs/a"], "Did you mean 'python -m evaluate report runs/a'?"),
        (["tag", "runs/a", "b.txt"], "'tag' is a command of thidua-ner; write: thidua-ner tag runs/a b.txt"),
    ):
        wrong = run_inside("evaluate", *words, check=False)
        assert wrong.returncode == 2
        assert meant in wrong.stderr
    wrong = run_inside("evaluate", "results", "configs", check=False)
    assert "'configs' is one word too many: name one run, or a folder of seeds" in wrong.stderr


def test_outside_a_clone_the_gold_is_asked_for(files):
    for arguments in (["compare", "p.jsonl", "gold.jsonl"], ["report", "out"]):
        if arguments[0] == "report":
            call("score", "--gold", files / "gold.jsonl", "--predictions", files / "p.jsonl", "--output", files / "out")
        done = run_inside("thidua_ner", *arguments, cwd=files, check=False)
        assert done.returncode == 2
        assert "annotations/gold: does not exist here; name the gold documents with --gold" in done.stderr


def test_what_cannot_be_exported_or_published_is_said(model, files):
    assert "is a baseline, which has no encoder to export" in call("export", model, code=2).stderr
    assert "is not a run; name a run that `python -m evaluate` has scored" in call("publish", files, code=1).stderr
    done = call("tag", model, files / "gold.jsonl", "--output", files / "p.jsonl", code=2)
    assert "p.jsonl: is a file; name a folder with --output" in done.stderr

"""Damaged files of runs and results: whatever is in them, the commands work or name the fault.

`THIDUA_NER_DAMAGES` sets the number of damages, 60 by default.
"""

import contextlib
import io
import json
import os
import random
import shutil

import pytest

from evaluate.run import evaluate
from tests.scored_runs import add_tests, make_project, make_run, make_submission
from thidua_ner.commands import command
from thidua_ner.faults import FaultError
from thidua_ner.publishing.publish import publish
from thidua_ner.publishing.submission import Submission
from thidua_ner.runs.scored import OTHER_TESTS

DAMAGES = int(os.environ.get("THIDUA_NER_DAMAGES", "60"))

SUBMISSION = Submission("other", "https://example.org")

VALUES = (
    None, True, False, 0, -1, 1.5, 2**31, 10**400, float("nan"), float("inf"), -float("inf"), 1e-320, "", "x", "a\nb",
    "\x00", "../../x", "<b>|`", "1", "x" * 300, [], [[]], [None], ["x"], {}, {"x": 1}, {"": {}},
)  # fmt: skip
"""What a value is replaced by."""

RAW = (b"1e400", b"-1e400", b'"\\ud800"', b"[" * 3000, b"9" * 5000, b"-0", b'"\\u0000"', b"\xef\xbb\xbf", b"\xff", b"")
"""What bytes are replaced by."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A project with two published results and two scored runs; the damages are done to a copy."""
    root = add_tests(make_project(tmp_path_factory.mktemp("source") / "project"))
    for seed in (1, 2):
        run = make_run(root, seed=seed, drop="NUM", robustness=seed == 1)
        (run / "transfer/train_log.jsonl").write_text('{"epoch": 1, "loss": 2.0}\n{"epoch": 2, "loss": 1.0}\n')
    with contextlib.redirect_stdout(io.StringIO()):
        publish([root / "runs/right-1"], root=root)
        publish([make_submission(root, drop="LOC")], root=root, submission=SUBMISSION)
    return root


def places(value, path=()):
    """All places of a JSON value, as lists of keys."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def damage_json(text, chance):
    """Delete a key, or replace or repeat a value, anywhere in a JSON value."""
    content = json.loads(text)
    every = list(places(content))
    place = chance.choice([[], *([one for one in every if len(one) == depth] for depth in (1, 2, 3, 4))])
    path = chance.choice(place or every)
    if not path:
        return json.dumps(chance.choice(VALUES))
    outer = content
    for key in path[:-1]:
        outer = outer[key]
    match chance.randrange(3):
        case 0:
            del outer[path[-1]]
        case 1 if isinstance(outer, dict):
            outer[chance.choice(["x", "", "a\nb", "<b>"])] = outer.pop(path[-1])
        case _:
            outer[path[-1]] = chance.choice(VALUES)
    return json.dumps(content)


def damage(path, chance):
    """Damage a file at random: flip, cut or replace bytes, or change it as JSON; sometimes remove it."""
    raw = path.read_bytes()
    at, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    kind = chance.randrange(12)
    if kind == 0:
        path.unlink()
    elif kind == 1:
        path.write_bytes(raw[:at])
    elif kind == 2:
        path.write_bytes(raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :])
    elif kind == 3:
        path.write_bytes(raw[:at] + chance.choice(RAW) + raw[chance.choice([at, end, min(at + 3, len(raw))]) :])
    elif path.suffix == ".json":
        path.write_text(damage_json(raw, chance))
    else:
        rows = raw.decode().splitlines()
        place = chance.randrange(len(rows))
        rows[place] = damage_json(rows[place], chance)
        path.write_text("\n".join(rows) + "\n")


def invoke(*arguments):
    """Run a command of `thidua-ner` in this process, its faults raised."""
    with command.make_context("thidua-ner", [str(one) for one in arguments]) as context:
        command.invoke(context)


def call(which, root, path):
    """Run a command that reads the damaged file: of a result one that builds the tables, of a run another."""
    run, other = root / "runs/right-1", root / "runs/right-2"
    if "submitted" in path.relative_to(root).parts:
        publish([root / "submitted/other"], root=root, submission=SUBMISSION)
    elif which == "kept":
        shutil.rmtree(run / "scores-wild")
        shutil.rmtree(run / "scores-pairs")
        invoke("publish", run, "--root", root)
    elif "results" in path.relative_to(root).parts:
        invoke("publish", "--root", root)
    elif which == "report":
        invoke("report", run, "--output", root / "page.html")
    elif which == "compare":
        invoke("compare", run, other, "--gold", root / "annotations/gold")
    elif which == "publish":
        invoke("publish", run, "--root", root)
    else:
        for test in OTHER_TESTS.values():  # which reads none of the damaged files
            (root / test).unlink()
        evaluate(run)


FOLDERS = {
    "kept": ["results/right/transfer/seed-1"],
    "submit": ["submitted/other", "results/other/open/seed-1"],
}
"""The folders whose files are damaged; of other commands those of a run and its result."""


@pytest.mark.parametrize("which", ["report", "compare", "publish", "evaluate", "kept", "submit"])
def test_only_faults_come_of_damaged_files(source, tmp_path, which):
    root = tmp_path / "project"
    refused = 0
    for turn in range(DAMAGES // 6):
        chance = random.Random(f"{which} {turn}")  # noqa: S311
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(source, root)
        folders = FOLDERS.get(which, ["runs/right-1", "results/right/transfer/seed-1"])
        path = chance.choice(sorted(path for folder in folders for path in (root / folder).rglob("*.json*")))
        damage(path, chance)
        written = path.read_bytes() if path.exists() else None
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                call(which, root, path)
            except FaultError:
                refused += 1
            except Exception as error:
                raise AssertionError(f"damage {turn}: {path.relative_to(root)} is {written!r:.3000}") from error
    assert refused > 0

"""Faults: how they are shown, sorted and pickled, and the exit codes of a program."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.faults import (
    DataError,
    Fault,
    MachineError,
    UsageError,
    fail,
    run_program,
    show_controls,
    some_of,
    tell,
)


def test_a_fault_says_where_what_and_how_to_fix_it():
    assert str(Fault("a.txt", "is empty", "fill it", line=3)) == "a.txt:3: is empty; fill it"
    assert str(Fault("a.txt", "is empty", "fill it")) == "a.txt: is empty; fill it"
    assert len(str(Fault("a.txt", "x" * 10_000, "fill it"))) < 500


def test_faults_sort_by_file_and_line():
    faults = [
        Fault("b", "x", "y", line=1),
        Fault("a", "x", "y", line=10),
        Fault("a", "x", "y", line=9),
        Fault("a", "z", "y"),
    ]
    assert [(fault.file, fault.line) for fault in sorted(faults)] == [("a", 0), ("a", 9), ("a", 10), ("b", 1)]


@pytest.mark.parametrize(("kind", "code"), [(DataError, 1), (UsageError, 2), (MachineError, 1)])
def test_a_kind_of_fault_has_its_exit_code_and_survives_a_process(capsys, kind, code):
    with pytest.raises(kind) as error:
        fail("place", "is wrong", "mend it", line=2, kind=kind)
    again = pickle.loads(pickle.dumps(error.value))  # noqa: S301
    assert (type(again), again.faults) == (kind, error.value.faults)

    def program():
        raise again

    with pytest.raises(SystemExit) as stop:
        run_program(program)
    assert stop.value.code == code
    assert capsys.readouterr().err == "place:2: is wrong; mend it\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"), ("a\tb\nc", "a\tb\nc"), ("\0\r\b\x7f", "␀␍␈␡"), ("\x80\x9b31m\x85", "\\x80\\x9b31m\\x85"),
        ("\u202eabc\u202c\u2066\u2069\u200f", "\\u202eabc\\u202c\\u2066\\u2069\\u200f"),
        ("Đà Nẵng 🏳️‍🌈 مرحبا", "Đà Nẵng 🏳️‍🌈 مرحبا"),
    ],
)  # fmt: skip
def test_what_a_terminal_would_obey_is_shown(text, shown):
    assert show_controls(text) == shown


def test_no_name_sends_controls_or_begins_a_line(capsys):
    faults = [Fault("a\x1b[2J\nb", "is \x9bwrong", "mend\x07 it")]
    with pytest.raises(SystemExit):
        run_program(raising(DataError(faults)))
    assert capsys.readouterr().err == "a␛[2J␊b: is \\x9bwrong; mend␇ it\n"
    tell(Path("a\x1b[2J\nb"), "is told")
    assert capsys.readouterr().err == "a␛[2J␊b: is told\n"


def test_a_mistyped_call_sends_no_controls():
    done = run_inside("evaluate", "a", "b\x07", check=False)
    assert done.returncode == 2
    assert "'b␇' is one word too many" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_behind_the_standard_output_is_told():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "thidua_ner", "--help"]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "output: No space left on device; check the path and the free space\n"
    assert done.returncode == 1


@pytest.mark.parametrize("error", ["OSError(5, 'Input/output error', 'a.txt')", "BrokenPipeError(32, 'Broken pipe')"])
def test_what_was_printed_before_a_file_failed_is_not_lost(error):
    code = f"""
from thidua_ner.faults import run_program
def main():
    print("a result")
    raise {error}
run_program(main)
"""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=buffered, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("a result\n", 1)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM")
def test_sigterm_ends_a_program_in_order(tmp_path):
    code = f"""
import os, time
from pathlib import Path
from thidua_ner.faults import run_program
from thidua_ner.files import whole
def main():
    begun, begin = os.pipe()
    if os.fork() == 0:
        os.write(begin, b"x")  # Python drops the signals that come while it forks
        while True:
            time.sleep(0.05)
    os.read(begun, 1)
    with whole(Path({str(tmp_path / "a.txt")!r})) as path:
        path.write_text("half")
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
run_program(main)
"""
    command = [sys.executable, "-c", code]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes)
    assert process.stdout.readline() == "ready\n"
    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]
    os.killpg(process.pid, signal.SIGTERM)  # the forked process ends too, without a word
    assert process.communicate(timeout=120)[1] == ""
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("before", [signal.SIG_IGN, lambda *_: None])
def test_a_sigterm_that_has_another_use_is_left_alone(before):
    kept = signal.signal(signal.SIGTERM, before)
    try:
        with pytest.raises(SystemExit) as stop:
            run_program(lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert stop.value.code == 0
        assert signal.getsignal(signal.SIGTERM) == before
    finally:
        signal.signal(signal.SIGTERM, kept)


def raising(error):
    def program():
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (OSError("cannot be loaded"), 1, "output: cannot be loaded; check the path"),
        (OSError(28, "No space left on device"), 1, "output: No space left on device; check the path"),
        (OSError(28, "No\x1b[2J", "a\x9bb"), 1, "a\\x9bb: No␛[2J; check the path"),
        (PermissionError(13, "Permission denied", "out"), 1, "out: Permission denied; check the path"),
        (ModuleNotFoundError("no", name="ray.data"), 1, "pip install -c constraints.txt '.[ray]'"),
        (ModuleNotFoundError("no", name="transformers"), 1, "pip install -c constraints.txt '.[tag]'"),
    ],
)
def test_what_the_machine_lacks_is_explained(capsys, error, code, message):
    with pytest.raises(SystemExit) as stop:
        run_program(raising(error))
    assert stop.value.code == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), ModuleNotFoundError("no", name="thidua_ner.texts")])
def test_a_mistake_of_the_program_is_not_explained_away(error):
    with pytest.raises(type(error)):
        run_program(raising(error))


def test_some_of_many_are_named():
    assert some_of(["a", "b"]) == "a, b"
    assert some_of(list("abcdefg")) == "a, b, c, d, e and 2 more"

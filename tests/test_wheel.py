"""The wheel in an empty environment, outside the clone: `make wheel`."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def run(*command, cwd, code=0):
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = shutil.copytree(
        ROOT, folder / "source", ignore=shutil.ignore_patterns(".*", "runs", "annotations", "data", "results", "build")
    )
    shutil.copytree(ROOT / "thidua_ner/runs", source / "thidua_ner/runs", dirs_exist_ok=True)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def environment(folder, requirement):
    """The programs of an empty environment with one requirement installed."""
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
    run(*pip, requirement, cwd=folder)
    return folder / "venv/bin"


def test_scoring_works_without_torch_and_outside_a_clone(wheel, tmp_path):
    programs = environment(tmp_path, wheel)
    shutil.copytree(ROOT / "annotations/gold", tmp_path / "gold")
    predictions = [tmp_path / f"{name}.jsonl" for name in ("rules", "crf")]
    for path in predictions:
        shutil.copyfile(ROOT / f"results/{path.stem}/transfer/seed-1/predictions.jsonl", path)
    call = programs / "thidua-ner"
    assert run(call, "--version", cwd=tmp_path).stdout.startswith("thidua-ner ")
    done = run(call, "score", "--gold", "gold", "--predictions", "crf.jsonl", "--output", "scored", cwd=tmp_path)
    assert "98.87" in done.stdout
    assert "paired approximate" in run(call, "compare", *predictions, "--gold", "gold", cwd=tmp_path).stdout
    run(call, "report", "scored", "--gold", "gold", "--output", "page.html", cwd=tmp_path)
    assert (tmp_path / "page.html").stat().st_size > 10_000
    run(call, "convert", "gold", "gold.conll", cwd=tmp_path)
    assert "`python -m train` in its folder" in run(call, "train", "x.yaml", cwd=tmp_path, code=2).stderr
    missing = run(call, "tag", ROOT / "README.md", cwd=tmp_path, code=1).stderr
    assert "is not a run" in missing
    code = "import thidua_ner as t; g = t.read_documents('gold'); print(t.score(g, g).micro.f1)"
    assert run(programs / "python", "-c", code, cwd=tmp_path).stdout == "1.0\n"
    assert not list((tmp_path / "venv").rglob("site-packages/torch"))


def test_the_extra_tag_tags(wheel, model, tmp_path):
    programs = environment(tmp_path, f"thidua-ner[tag] @ {wheel.as_uri()}")
    (tmp_path / "text.txt").write_text("Sáng 29/7, Công an TP Cần Thơ họp.")
    done = run(programs / "thidua-ner", "tag", model, "text.txt", cwd=tmp_path)
    assert '"label": "DATE"' in done.stdout

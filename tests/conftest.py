"""Shared fixtures: the project's own data, copies of it to damage, and models small enough to train in a test."""

import contextlib
import gc
import io
import os
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import underthesea  # noqa: F401 -- first: it resets logging, and `absl`'s handler then closes pytest's own files
from filelock import FileLock
from hypothesis import settings

from thidua_ner.baselines.crf import train_crf
from thidua_ner.baselines.folder import crf_path, save_baseline
from thidua_ner.formats import brat
from thidua_ner.runs import manifest as runs_manifest
from thidua_ner.runs.manifest import Execution, Manifest
from thidua_ner.text import iob2
from thidua_ner.text.labels import TAGS

gc.disable()  # until all tests are collected: what is imported stays
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

settings.register_profile("house", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("house")

ROOT = Path(__file__).parent.parent

TINY = [
    "scratch.merges=200",
    "scratch.hidden_size=32",
    "scratch.layers=1",
    "scratch.heads=2",
    "scratch.intermediate_size=32",
    "segmenter=none",
    "training.epochs=2",
    "training.min_updates=0",
    "training.checkpoint_every=1",
    "training.precision=bf16",
    "training.head_learning_rate=2.0e-3",
    "training.mention_replacement=0.2",
]
"""Overrides that make configs/phobert-tiny.yaml train in a second."""


LONGEST = [
    "tagging/test_clusters.py", "test_house.py", "train/test_trainer.py", "tagging/test_tag.py", "train/test_train.py",
    "models/test_encoders.py", "tagging/test_processes.py", "models/test_foreign.py", "pages/test_report.py",
]  # fmt: skip
"""The files whose tests take longest; they begin first, so that no process is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Spare the garbage collection what lives to the end: each training of a test collects it several times."""
    gc.freeze()
    gc.enable()


THREE = ("001-", "004-", "005-")
"""Prefixes of the ids of a small project's synthetic documents; the last one is for validation."""


def run_module(*arguments: str, cwd: Path = ROOT, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in a new process, as a user does, in the project's root."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


def run_inside(*arguments: str, cwd: Path = ROOT, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in this process, for programs whose imports take longer than their work."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        argv, sys.argv = sys.argv, list(arguments)
        try:
            runpy.run_module(f"{arguments[0]}.__main__", run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            code = int(stop.code or 0)
        finally:
            sys.argv = argv
    if check:
        assert code == 0, err.getvalue()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def make_manifest(*, name: str, protocol: str | None, seed: int = 1, **config: object) -> Manifest:
    """The manifest of a run that was never made."""
    execution = Execution("fp32", "cpu", "a processor", "a processor", 1, "python")
    folds = [f"{protocol}-a" if protocol == "lodo" else str(protocol)]
    made = runs_manifest.make_manifest(
        {"name": name, "protocol": protocol, **config},
        seed=seed, data_fingerprint="d" * 64, folds=folds, execution=execution,
    )  # fmt: skip
    return replace(made, commit="c" * 40, command=f"python -m train configs/{name}.yaml")


@pytest.fixture(scope="session", autouse=True)
def _encoder_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Store rebuilt encoders outside the user's cache."""
    os.environ["THIDUA_NER_CACHE"] = str(_shared(tmp_path_factory) / "encoders")


def _shared(factory: pytest.TempPathFactory) -> Path:
    """The folder of one test run, whichever of its processes asks."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def tiny_arguments() -> list[str]:
    return [part for override in TINY for part in ("--set", override)]


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_arguments: list[str]) -> Path:
    """A finished leave-one-document-out run of five tiny models."""
    trained = _shared(tmp_path_factory) / "tiny"
    with FileLock(f"{trained}.lock"):  # one process trains it, and each has a copy that its tests may write to
        if not (trained / "trained").exists():
            run_module("train", "configs/phobert-tiny.yaml", *tiny_arguments, "--output", str(trained / "run"))
            (trained / "trained").touch()
    return Path(shutil.copytree(trained / "run", tmp_path_factory.mktemp("runs") / "tiny"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small CRF that has learnt the gold documents in a second."""
    folder = tmp_path_factory.mktemp("model")
    pairs = [
        ([token.text for token in s.tokens], iob2.encode([x for x in d.spans if s.start <= x.start < s.end], s.tokens))
        for d in brat.read_folder(ROOT / "annotations/gold")
        for s in d.sentences()
    ]
    train_crf(pairs, crf_path(folder), c1=0.0, c2=0.1, max_iterations=15)
    save_baseline(folder, "crf", TAGS)
    return folder


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's annotations/ with three of the synthetic documents, and the data/ built from it."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copytree(ROOT / "annotations", folder / "annotations", ignore=_beyond_three)
    plan = folder / "annotations/synthetic/PLAN.tsv"
    header, *rows = plan.read_text().splitlines(keepends=True)
    plan.write_text(header + "".join(row for row in rows if row.startswith(THREE)))
    run_inside("thidua_ner", "agreement", cwd=folder)
    run_inside("thidua_ner", "build", cwd=folder)
    return folder


def _beyond_three(folder: str, names: list[str]) -> list[str]:
    """List the synthetic documents to leave out."""
    return [n for n in names if "synthetic" in folder and n.endswith((".txt", ".ann")) and not n.startswith(THREE)]


@pytest.fixture
def project(small_project: Path, tmp_path: Path) -> Path:
    """A copy of a small project that a test may damage."""
    return Path(shutil.copytree(small_project, tmp_path / "project"))

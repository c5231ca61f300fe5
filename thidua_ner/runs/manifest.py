"""What produced a result: code, data, versions, machine, how it was executed, and the resolved config."""

import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar

from thidua_ner.faults import fail
from thidua_ner.files import read_json
from thidua_ner.version import __version__

_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "datasets", "underthesea", "seqeval", "numpy")
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._+-]*"
"""What a config's name may be: it becomes the name of folders."""

MAX_NAME = 200
"""Bytes of the name of a folder; file systems allow 255."""

_PYTHON, _TORCHRUN, _ACCELERATE = "python", "torchrun", "accelerate launch"


@dataclass(frozen=True, slots=True)
class Machine:
    """The operating system, the processor's architecture and the number of its cores."""

    system: str
    processor: str
    cores: int | None


@dataclass(frozen=True, slots=True)
class Execution:
    """How a run was computed: another precision, device or number of processes or threads gives other weights."""

    precision: str
    """The precision that was used (`fp32`, `bf16`, `fp64`), never `auto`; `none` if nothing was computed."""
    device: str
    """`cpu` or `cuda`."""
    device_name: str
    processor_name: str
    processes: int
    launcher: str
    """`python`, `torchrun` or `accelerate launch`."""
    threads: int | None = None
    """The threads of each process; None if nothing was computed with several, and in manifests of version 0.2.0."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What produces a run, written before training; `execution` is None in manifests older than version 0.2.0."""

    thidua_ner: str
    command: str
    commit: str
    data_fingerprint: str
    seed: int
    config: dict[str, object]
    versions: dict[str, str]
    machine: Machine
    folds: tuple[str, ...]
    execution: Execution | None = None

    OMITTED_IF_NONE: ClassVar[frozenset[str]] = frozenset({"execution"})

    @property
    def name(self) -> str:
        """The name of the config, which is that of the system."""
        return str(self.config["name"])

    @property
    def protocol(self) -> str | None:
        """The protocol of the benchmark, None for other data."""
        protocol = self.config["protocol"]
        return None if protocol is None else str(protocol)

    @property
    def encoder(self) -> str:
        """The encoder of the config, an empty string for a baseline."""
        return str(self.config.get("encoder", ""))


def make_manifest(
    config: Mapping[str, object],
    *,
    seed: int,
    data_fingerprint: str,
    folds: Sequence[str],
    execution: Execution,
) -> Manifest:
    """Describe a run before training; the command is that of this process."""
    return Manifest(
        thidua_ner=__version__,
        command=shlex.join([*_launched_by(execution), "-m", _program(), *sys.argv[1:]]),
        commit=git_commit(),
        data_fingerprint=data_fingerprint,
        seed=seed,
        config=dict(config),
        versions={"python": platform.python_version(), **package_versions()},
        machine=Machine(platform.platform(), platform.machine(), os.cpu_count()),
        folds=tuple(folds),
        execution=execution,
    )


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raises DataError if a key is missing or wrong, or a name is not that of a folder."""
    remedy = "train the run again"
    manifest = read_json(path, Manifest, remedy)
    for key, kinds in (("name", str), ("protocol", str | None)):
        if key not in manifest.config or not isinstance(manifest.config[key], kinds):
            fail(path, f"config has no {key}", remedy)
    if not re.fullmatch(NAME_PATTERN, manifest.name) or len(manifest.name) > MAX_NAME:
        fail(path, f"config.name is {manifest.name!r}, which is not a name", remedy)
    if not 0 <= manifest.seed < 2**32:
        fail(path, f"seed is {manifest.seed}, which is not from 0 to {2**32 - 1}", remedy)
    for fold in manifest.folds:
        if fold in {"", ".", ".."} or Path(fold).name != fold or "\0" in fold or len(fold.encode()) > MAX_NAME:
            fail(path, f"the fold {fold!r} is not the name of a folder", remedy)
    return manifest


def launcher() -> str:
    """Name what started this process: plain Python, `torchrun` or `accelerate launch`."""
    if "ACCELERATE_MIXED_PRECISION" in os.environ:
        return _ACCELERATE
    return _TORCHRUN if "TORCHELASTIC_RUN_ID" in os.environ else _PYTHON


def _launched_by(execution: Execution) -> list[str]:
    """Return the words that begin the command."""
    if execution.launcher == _TORCHRUN:
        return [_TORCHRUN, "--nproc-per-node", str(execution.processes)]
    if execution.launcher == _ACCELERATE:
        return [*_ACCELERATE.split(), "--num_processes", str(execution.processes)]
    return [_PYTHON]


def processor_name() -> str:
    """Return the name of the processor: its model on Linux, elsewhere what `platform` reports."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _program() -> str:
    """Name the package that was run with `python -m`."""
    return Path(sys.argv[0]).parent.name or "thidua_ner"


def package_versions() -> dict[str, str]:
    """List the installed versions of the packages that can change a figure."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_commit() -> str:
    """Return the code's commit, with `+changes` if tracked files differ from it; `unknown` outside a clone."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return "unknown"
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return f"{commit}+changes" if _git(root, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

"""What produced a result: code, data, versions, machine, and the config as it was resolved."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from thidua_ner import __version__

_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "datasets", "underthesea", "seqeval", "numpy")


def make_manifest(config: dict[str, Any], data_fingerprint: str) -> dict[str, Any]:
    """Describe a run before it begins."""
    return {
        "thidua_ner": __version__,
        "command": " ".join(["python", "-m", _program(), *sys.argv[1:]]),
        "commit": git_commit(),
        "data_fingerprint": data_fingerprint,
        "seed": config["seed"],
        "config": config,
        "versions": {"python": platform.python_version(), **package_versions()},
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
    }


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
    """Name the code's commit, with `+changes` where tracked files differ from it; `unknown` outside a clone."""
    root = Path(__file__).parent.parent
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

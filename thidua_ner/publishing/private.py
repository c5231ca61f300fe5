"""Manifests without the folders of the machine that they come from, which may name people."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

from thidua_ner.runs.manifest import Manifest

_ABSOLUTE = re.compile(r"""(?:^|(?<=[=,\[({"'\s]))(?:file:/+|~[^/\\]*[/\\]|[A-Za-z]:[/\\]|\\\\|/)[^,\])}"']*""")
"""An absolute path at the beginning of a value, or of a part of it; that of a URL is not one."""


def without_private_paths(manifest: Manifest, root: Path) -> Manifest:
    """Make absolute paths of the command and the config relative to the project; of others leave the last part."""
    config = {key: _shorten_all(value, root) for key, value in manifest.config.items()}
    return replace(manifest, command=_shorten_command(manifest.command, root), config=config)


def _shorten_command(command: str, root: Path) -> str:
    """Shorten the paths of a command; one without absolute paths stays as it is."""
    try:
        words = shlex.split(command)
    except ValueError:  # it is not written as for a shell
        words = command.split()
    short = [_shorten(word, root) for word in words]
    return command if short == words else shlex.join(short)


def _shorten_all(value: object, root: Path) -> object:
    """Shorten the paths of a JSON value."""
    if isinstance(value, dict):
        return {key: _shorten_all(inner, root) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shorten_all(inner, root) for inner in value]
    return _shorten(value, root) if isinstance(value, str) else value


def _shorten(value: str, root: Path) -> str:
    def relative(match: re.Match[str]) -> str:
        path = match.group()
        own = str(root.resolve())
        if path.rstrip("/") == own or path.startswith(f"{own}/"):
            return path.removeprefix(own).strip("/") or "."
        return re.split(r"[/\\]+", path.rstrip("/\\"))[-1]

    return _ABSOLUTE.sub(relative, value)

"""Manifests without the folders of the machine that they come from, which may name people."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

from thidua_ner.runs.manifest import Manifest

_START = r"(?:file:/|~[^/\\]{0,64}[/\\]|[A-Za-z]:[/\\]|\\\\|/)"

_ABSOLUTE = re.compile(rf"\A{_START}")
"""The beginning of a value that is an absolute path; a URL is not one."""

_EMBEDDED = re.compile(rf"""(?:(?<=[=,;\[({{"'`<>|&@!\s])|(?<=:)(?!//[^/])){_START}.*[/\\]""", re.DOTALL)
"""All from where an absolute path begins inside a value to the last separator: nothing tells where a path ends."""

_NAMED = re.compile(r"\A([\w.+-]+=)(.*)", re.DOTALL)
"""An option or a setting with its value."""


def without_private_paths(manifest: Manifest, root: Path) -> Manifest:
    """Make absolute paths of the command and the config relative to the project; of others leave the last part."""
    config = {key: _shorten_all(value, root) for key, value in manifest.config.items()}
    return replace(manifest, command=_shorten_command(manifest.command, root), config=config)


def _shorten_command(command: str, root: Path) -> str:
    """Shorten the paths of a command; one without absolute paths stays as it is."""
    try:
        words = shlex.split(command)
    except ValueError:  # it is not written as for a shell
        return _shorten(command, root)
    short = [_shorten(word, root) for word in words]
    return command if short == words else shlex.join(short)


def _shorten_all(value: object, root: Path) -> object:
    """Shorten the paths of a JSON value."""
    if isinstance(value, dict):
        return {_shorten(key, root): _shorten_all(inner, root) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shorten_all(inner, root) for inner in value]
    return _shorten(value, root) if isinstance(value, str) else value


def _shorten(value: str, root: Path) -> str:
    """Shorten a string that is a path, a setting, JSON, or other text with paths inside."""
    if _ABSOLUTE.match(value):
        return _relative(value, root)
    if named := _NAMED.match(value):
        return named[1] + _shorten(named[2], root)
    if value.startswith(("{", "[", '"')):
        try:
            parsed = json.loads(value)
            short = _shorten_all(parsed, root)
            return value if short == parsed else json.dumps(short, ensure_ascii=False)
        except (ValueError, RecursionError):  # it is YAML or anything else
            pass
    return _EMBEDDED.sub("", value)


def _relative(path: str, root: Path) -> str:
    """Make a path relative to the project, if it is inside, or else leave its last part."""
    place, own = Path(path), root.resolve()
    if place.is_relative_to(own) and ".." not in place.parts:
        return place.relative_to(own).as_posix()
    return re.split(r"[/\\]+", path.rstrip("/\\"))[-1]

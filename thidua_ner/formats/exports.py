"""Exports of annotation tools, which are not read here: they are recognised, so that a fault can name the tool."""

import json
from collections.abc import Callable
from pathlib import Path

from thidua_ner.files import MAX_LINE_BYTES

CONVERT = 'convert it: write {"id": …, "text": …, "entities": [{"start": …, "end": …, "label": …}]} per line'
"""How to mend an export."""

_Row = dict[str, object]


def _first(row: _Row, key: str) -> object:
    """Return the first element of a list, None if there is none."""
    value = row.get(key)
    return value[0] if isinstance(value, list) and value else None


def _is_doccano(row: _Row) -> bool:
    old, new = _first(row, "label") or _first(row, "labels"), _first(row, "entities")
    return (isinstance(old, list) and len(old) == 3) or (isinstance(new, dict) and "start_offset" in new)


def _is_label_studio(row: _Row) -> bool:
    full, small = _first(row, "annotations"), _first(row, "label")
    return (isinstance(full, dict) and "result" in full) or (isinstance(small, dict) and "labels" in small)


def _is_prodigy(row: _Row) -> bool:
    return "_input_hash" in row or ("spans" in row and "answer" in row)


_TOOLS: dict[str, Callable[[_Row], bool]] = {
    "doccano": _is_doccano,
    "Label Studio": _is_label_studio,
    "Prodigy": _is_prodigy,
}
"""The tools that write one object per text, and how their objects are known."""

_SUFFIXES = {".spacy": "spaCy (DocBin)", ".xmi": "INCEpTION (UIMA XMI)", ".zip": "an annotation tool (a .zip archive)"}
"""The tools that are known by the suffix of their files."""


def recognise_export(row: object) -> str:
    """Name the annotation tool that wrote a record; '' if none is recognised."""
    while isinstance(row, list) and row:  # JSON may nest deeper than a function may call itself
        if len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], dict):
            return "spaCy" if "entities" in row[1] else ""
        row = row[0]
    return next((tool for tool, known in _TOOLS.items() if known(row)), "") if isinstance(row, dict) else ""


def recognise_suffix(path: Path) -> str:
    """Name the annotation tool that wrote a file by its suffix; '' if none is recognised."""
    return _SUFFIXES.get(path.suffix.lower(), "")


def recognise_file(path: Path) -> str:
    """Name the annotation tool that wrote a file, by its suffix or by the JSON in it; '' if none is recognised."""
    if path.suffix.lower() != ".json" or not path.is_file() or path.stat().st_size > MAX_LINE_BYTES:
        return recognise_suffix(path)
    try:
        return recognise_export(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return ""

"""The Croissant description of the dataset's files, as loaders outside the hub read it.

Croissant 1.0: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

import hashlib
import json
from importlib.resources import files
from typing import Any

from thidua_ner import __version__

_DESCRIPTION = (
    "Named entities in Vietnamese public-security news, six types: five real documents to test on, and machine-written "
    "ones to train on. The licence is that of the annotations and the machine-written texts; the real texts remain "
    "their publishers'."
)
_PUBLISHED = "2026-11-22"
_CITATION = f"The maintainers of ThiDuaNER: ThiDuaNER, named entities in Vietnamese public-security news, {__version__}"
_DOCUMENT_FIELDS = {"id": "sc:Text", "text": "sc:Text"}
_SENTENCE_FIELDS = {
    "id": "sc:Text",
    "doc_id": "sc:Text",
    "doc_start": "sc:Integer",
    "text": "sc:Text",
    "tokens": "sc:Text",
    "ner_tags": "sc:Integer",
    "token_starts": "sc:Integer",
    "token_ends": "sc:Integer",
}
_LISTS = {"tokens", "ner_tags", "token_starts", "token_ends"}
_ENTITY_FIELDS = {"start": "sc:Integer", "end": "sc:Integer", "label": "sc:Text", "text": "sc:Text"}


def describe(content: dict[str, bytes]) -> dict[str, Any]:
    """Describe the files of the dataset, by their paths in it, with their hashes."""
    fields = {"documents": _DOCUMENT_FIELDS, "sentences": _SENTENCE_FIELDS}
    records = [
        _record_set(path.removesuffix(".jsonl").replace("/", "-"), path, fields[path.partition("/")[0]])
        for path in content
        if path.endswith(".jsonl")
    ]
    return {
        "@context": json.loads(
            files("thidua_ner.corpus").joinpath("croissant_context.json").read_text(encoding="utf-8")
        ),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "ThiDuaNER",
        "description": _DESCRIPTION,
        "version": __version__,
        "datePublished": _PUBLISHED,
        "citeAs": _CITATION,
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "inLanguage": "vi",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "encodingFormat": "application/jsonlines",
                "sha256": hashlib.sha256(raw).hexdigest(),
            }
            for path, raw in content.items()
            if path.endswith(".jsonl")
        ],
        "recordSet": records,
    }


def _record_set(name: str, path: str, fields: dict[str, str]) -> dict[str, Any]:
    """Describe the records of one file; their entities are a list of records in turn."""
    entities = {
        **_field(f"{name}/entities"),
        "repeated": True,
        "subField": [
            {**_field(f"{name}/entities/{part}"), "dataType": kind, "source": _column(path, "entities", f"[*].{part}")}
            for part, kind in _ENTITY_FIELDS.items()
        ],
    }
    described = [
        {
            **_field(f"{name}/{field}"),
            "dataType": kind,
            **({"repeated": True} if field in _LISTS else {}),
            "source": _column(path, field),
        }
        for field, kind in fields.items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": [*described, entities]}


def _field(identity: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": identity, "name": identity.rpartition("/")[2]}


def _column(path: str, column: str, json_path: str = "") -> dict[str, Any]:
    """Say which column of which file a field is read from, and which part of it."""
    source: dict[str, Any] = {"fileObject": {"@id": path}, "extract": {"column": column}}
    return {**source, "transform": {"jsonPath": json_path}} if json_path else source

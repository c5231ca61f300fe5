"""The Croissant description of the dataset's files, for loaders other than the hub's.

Croissant 1.0: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from thidua_ner.corpus.schema import FEATURES, Feature, FeatureKind
from thidua_ner.version import __version__

_DESCRIPTION = (
    "Named entities in Vietnamese public-security news, six types: five real documents to test on, machine-written "
    "ones to train on, minimal pairs to test on, and annotations of 96 real documents without their texts. The licence "
    "is that of the annotations and the machine-written texts, except for the annotations of the documents ntrex-…, "
    "which are under CC BY-SA 4.0; the real texts remain their publishers'."
)
_PUBLISHED = "2026-11-27"
_CITATION = f"The ThiDuaNER contributors: ThiDuaNER, named entities in Vietnamese public-security news, {__version__}"
_TYPES: dict[FeatureKind, str] = {"string": "sc:Text", "integer": "sc:Integer", "class": "sc:Integer"}


def describe_files(content: Mapping[str, bytes]) -> dict[str, object]:
    """Describe the .jsonl files of the dataset, given by their paths in it, with their hashes."""
    context = files("thidua_ner.corpus").joinpath("croissant_context.json").read_text(encoding="utf-8")
    rows = {path: raw for path, raw in content.items() if path.endswith(".jsonl")}
    return {
        "@context": json.loads(context),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "ThiDuaNER",
        "description": _DESCRIPTION,
        "version": __version__,
        "datePublished": _PUBLISHED,
        "citeAs": _CITATION,
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "inLanguage": "vi",
        "distribution": [_file_object(path, raw) for path, raw in rows.items()],
        "recordSet": [_record_set(path, FEATURES[path.partition("/")[0]]) for path in rows],
    }


def _file_object(path: str, raw: bytes) -> dict[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "encodingFormat": "application/jsonlines",
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


def _record_set(path: str, features: Sequence[Feature]) -> dict[str, object]:
    """Describe the rows of a file."""
    name = path.removesuffix(".jsonl").replace("/", "-")
    fields = [_field(name, path, feature) for feature in features]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(parent: str, path: str, feature: Feature) -> dict[str, object]:
    """Describe a key of a row; the value of a record is read by its parts."""
    field = _named(parent, feature)
    repeated = {"repeated": True} if feature.repeated else {}
    if feature.kind != "record":
        return {**field, "dataType": _TYPES[feature.kind], **repeated, "source": _column(path, feature.name)}
    parts = [
        {
            **_named(f"{parent}/{feature.name}", part),
            "dataType": _TYPES[part.kind],
            "source": {**_column(path, feature.name), "transform": {"jsonPath": f"[*].{part.name}"}},
        }
        for part in feature.parts
    ]
    return {**field, **repeated, "subField": parts}


def _named(parent: str, feature: Feature) -> dict[str, object]:
    return {"@type": "cr:Field", "@id": f"{parent}/{feature.name}", "name": feature.name}


def _column(path: str, column: str) -> dict[str, object]:
    """Name the key of a file's rows that a field is read from."""
    return {"fileObject": {"@id": path}, "extract": {"column": column}}

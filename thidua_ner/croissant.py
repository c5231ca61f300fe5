"""The Croissant description of the dataset's files, as loaders outside the hub read it.

Croissant 1.0: https://docs.mlcommons.org/croissant/docs/croissant-spec.html
"""

import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from thidua_ner import __version__

_DESCRIPTION = "Named entities in Vietnamese public-security news: five real documents, six entity types."


def describe(content: dict[str, bytes], names: Sequence[str]) -> dict[str, Any]:
    """Describe the files of the dataset, by their paths in it, with their hashes."""
    sentence_fields = {
        "id": "sc:Text",
        "doc_id": "sc:Text",
        "doc_start": "sc:Integer",
        "text": "sc:Text",
        "tokens": "sc:Text",
        "ner_tags": "sc:Integer",
    }
    records = [_record_set("documents", "documents.jsonl", {"id": "sc:Text", "text": "sc:Text"})]
    records += [_record_set(f"sentences-{name}", f"sentences/{name}.jsonl", sentence_fields) for name in names]
    return {
        "@context": json.loads(files("thidua_ner").joinpath("croissant_context.json").read_text(encoding="utf-8")),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": "ThiDuaNER",
        "description": _DESCRIPTION,
        "version": __version__,
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
    """Describe the records of one file."""
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "dataType": kind,
                **({"repeated": True} if field in {"tokens", "ner_tags"} else {}),
                "source": {"fileObject": {"@id": path}, "extract": {"column": field}},
            }
            for field, kind in fields.items()
        ],
    }

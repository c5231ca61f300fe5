"""The dataset repository `data/`, built from `annotations/` to the byte: card, JSON Lines, statistics, Croissant."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from thidua_ner import __version__, card, corpus, croissant, iob2
from thidua_ner.faults import Fault, fail
from thidua_ner.files import write_bytes
from thidua_ner.labels import ENTITY_TYPES, TAGS
from thidua_ner.records import entity_record, format_json_lines
from thidua_ner.spans import Document, Span
from thidua_ner.syllables import split_sentences

Splits = dict[str, list[str]]
"""The documents of each split of a configuration, by id."""

DEFAULT_TEST, DEFAULT_VALIDATION = "nghean-2020-07", "cantho-2022-07"
"""The gold documents that `default` holds out; chosen before any run, from provinces that no other document is of."""


def sentence_rows(document: Document) -> Iterator[dict[str, Any]]:
    """Cut a document into the rows of its sentences; their offsets count from the sentence's first character."""
    for number, sentence in enumerate(split_sentences(document.text), start=1):
        spans = [s for s in document.spans if sentence.start <= s.start and s.end <= sentence.end]
        tags = iob2.encode(spans, sentence.tokens)
        yield {
            "id": f"{document.id}-s{number:03}",
            "doc_id": document.id,
            "doc_start": sentence.start,
            "text": document.text[sentence.start : sentence.end],
            "tokens": [token.text for token in sentence.tokens],
            "ner_tags": [TAGS.index(tag) for tag in tags],
            "token_starts": [token.start - sentence.start for token in sentence.tokens],
            "token_ends": [token.end - sentence.start for token in sentence.tokens],
            "entities": _entities(document, spans, sentence.start),
        }


def _entities(document: Document, spans: Sequence[Span], offset: int = 0) -> list[dict[str, Any]]:
    """List spans as records with their surface, counted from `offset`."""
    return [
        {**entity_record(Span(s.start - offset, s.end - offset, s.label)), "text": document.surface(s)} for s in spans
    ]


def configurations(names: Sequence[str]) -> dict[str, Splits]:
    """Name the sentence configurations of the dataset and the documents of their splits."""
    held_out = (DEFAULT_VALIDATION, DEFAULT_TEST)
    return {
        "default": {
            "train": [name for name in names if name not in held_out],
            "validation": [DEFAULT_VALIDATION],
            "test": [DEFAULT_TEST],
        },
        "gold": {"test": list(names)},
        **{f"lodo-{name}": {"train": [n for n in names if n != name], "test": [name]} for name in names},
    }


def build(annotations: Path) -> dict[str, bytes]:
    """Make every file of the dataset repository, by its path in `data/`; DataError where a rule is broken."""
    documents = corpus.read_gold(annotations)
    names = [document.id for document in documents]
    missing = {DEFAULT_TEST, DEFAULT_VALIDATION} - set(names)
    if missing:
        fail(annotations / corpus.GOLD, 0, f"lacks {', '.join(sorted(missing))}", "restore what `default` holds out")
    rows = {document.id: list(sentence_rows(document)) for document in documents}
    content = {f"sentences/{name}.jsonl": format_json_lines(rows[name]) for name in names}
    content["documents.jsonl"] = format_json_lines(
        {"id": d.id, "text": d.text, "entities": _entities(d, d.spans)} for d in documents
    )
    stats = statistics(documents, rows)
    rows_digest = hashlib.sha256("".join(content[path] for path in sorted(content)).encode("utf-8")).hexdigest()
    content["README.md"] = card.card(annotations, configurations(names), stats, rows_digest)
    content["stats.json"] = _json(stats)
    encoded = {path: text.encode("utf-8") for path, text in sorted(content.items())}
    encoded["croissant.json"] = _json(croissant.describe(encoded, names)).encode("utf-8")
    return encoded


def write(annotations: Path, data: Path) -> list[str]:
    """Write the dataset repository, delete the sentences of documents that are no more; return the paths written."""
    content = build(annotations)
    for path, raw in content.items():
        write_bytes(data / path, raw)
    for old in data.glob("sentences/*.jsonl"):
        if old.relative_to(data).as_posix() not in content:
            old.unlink()
    return list(content)


def check(annotations: Path, data: Path) -> list[Fault]:
    """Find where `data/` is not what `annotations/` builds, files beyond it included."""
    content = build(annotations)
    remedy = "run `python -m thidua_ner build`"
    faults = [
        Fault(str(data / path), 0, "is not built from the annotations", "delete it")
        for path in _existing(data) - set(content)
    ]
    for path, raw in content.items():
        if not (data / path).is_file():
            faults.append(Fault(str(data / path), 0, "is missing", remedy))
        elif (actual := (data / path).read_bytes()) != raw:
            pairs = zip_longest(actual.split(b"\n"), raw.split(b"\n"))
            line = next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), 0)
            faults.append(Fault(str(data / path), line, "is not what the annotations build", remedy))
    return sorted(faults)


def _existing(data: Path) -> set[str]:
    """List the files of `data/`, hidden ones (a clone's .git) left alone."""
    paths = (path.relative_to(data) for path in data.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}


def statistics(documents: Sequence[Document], rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Count documents, sentences, tokens and entities, in all and by document."""
    per_document: dict[str, dict[str, Any]] = {
        document.id: {
            "characters": len(document.text),
            "sentences": len(rows[document.id]),
            "tokens": sum(len(row["tokens"]) for row in rows[document.id]),
            "entities": len(document.spans),
            "entities_by_type": _by_type([document]),
        }
        for document in documents
    }
    counted = ("characters", "sentences", "tokens", "entities")
    total = {key: sum(document[key] for document in per_document.values()) for key in counted}
    distinct = {
        label: len({d.surface(s).casefold() for d in documents for s in d.spans if s.label == label})
        for label in ENTITY_TYPES
    }
    splits = {
        name: {split: sum(len(rows[n]) for n in ids) for split, ids in splits.items()}
        for name, splits in configurations([d.id for d in documents]).items()
    }
    return {
        "version": __version__,
        "documents": len(documents),
        **total,
        "entities_by_type": _by_type(documents),
        "distinct_surfaces_by_type": distinct,
        "per_document": per_document,
        "sentences_by_config": splits,
    }


def _by_type(documents: Sequence[Document]) -> dict[str, int]:
    counts = Counter(span.label for document in documents for span in document.spans)
    return {label: counts[label] for label in ENTITY_TYPES}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

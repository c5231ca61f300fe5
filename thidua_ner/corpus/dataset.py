"""The dataset repository `data/`, built from `annotations/` to the byte: card, JSON Lines, statistics, Croissant."""

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from thidua_ner import __version__
from thidua_ner.corpus import annotations as corpus
from thidua_ner.corpus import card, croissant
from thidua_ner.faults import Fault
from thidua_ner.files import write_bytes
from thidua_ner.formats.jsonl import entity_record, format_json_lines
from thidua_ner.text import iob2
from thidua_ner.text.labels import ENTITY_TYPES, TAGS
from thidua_ner.text.spans import Document, Span
from thidua_ner.text.syllables import split_sentences

Files = dict[str, tuple[Document, ...]]
"""The documents of each file of sentences, by the file's name: a gold document, or a split of the synthetic part."""

Splits = dict[str, list[str]]
"""The files of each split of a configuration, by name."""

GOLD, TRAIN, VALIDATION = "gold", "synthetic-train", "synthetic-validation"
"""The files of whole documents."""


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


def configurations(gold: Sequence[str]) -> dict[str, Splits]:
    """Name the sentence configurations of the dataset and the files of their splits."""
    others = {name: [n for n in gold if n != name] for name in gold}
    return {
        "default": {"train": [TRAIN], "validation": [VALIDATION], "test": list(gold)},
        "gold": {"test": list(gold)},
        **{f"lodo-{name}": {"train": others[name], "test": [name]} for name in gold},
        **{
            f"lodo+synthetic-{name}": {"train": [TRAIN, *others[name]], "validation": [VALIDATION], "test": [name]}
            for name in gold
        },
    }


def build(annotations: Path, found: corpus.Corpus) -> dict[str, bytes]:
    """Make every file of the dataset repository, by its path in `data/`."""
    parts: Files = {GOLD: found.gold, TRAIN: found.train, VALIDATION: found.validation}
    files: Files = {**{d.id: (d,) for d in found.gold}, TRAIN: found.train, VALIDATION: found.validation}
    rows = {name: [row for d in documents for row in sentence_rows(d)] for name, documents in files.items()}
    content = {f"sentences/{name}.jsonl": format_json_lines(rows[name]) for name in files}
    content |= {
        f"documents/{name}.jsonl": format_json_lines(
            {"id": d.id, "text": d.text, "entities": _entities(d, d.spans)} for d in documents
        )
        for name, documents in parts.items()
    }
    configs = configurations([d.id for d in found.gold])
    stats = statistics(parts, files, configs)
    rows_digest = hashlib.sha256("".join(content[path] for path in sorted(content)).encode("utf-8")).hexdigest()
    content["README.md"] = card.card(annotations, configs, stats, rows_digest)
    content["stats.json"] = _json(stats)
    encoded = {path: text.encode("utf-8") for path, text in sorted(content.items())}
    encoded["croissant.json"] = _json(croissant.describe(encoded)).encode("utf-8")
    return encoded


def write(annotations: Path, data: Path) -> list[str]:
    """Write the dataset repository, delete the files of documents that are no more; return the paths written.

    DataError where a rule is broken.
    """
    content = build(annotations, corpus.read_corpus(annotations))
    for path, raw in content.items():
        write_bytes(data / path, raw)
    for old in [*data.glob("sentences/*.jsonl"), *data.glob("documents/*.jsonl")]:
        if old.relative_to(data).as_posix() not in content:
            old.unlink()
    return list(content)


def check(annotations: Path, found: corpus.Corpus, data: Path) -> list[Fault]:
    """Find where `data/` is not what `annotations/` builds, files beyond it included."""
    content = build(annotations, found)
    remedy = "run `python -m thidua_ner build`"
    faults = [
        Fault(str(data / path), "is not built from the annotations", "delete it")
        for path in _existing(data) - set(content)
    ]
    for path, raw in content.items():
        if not (data / path).is_file():
            faults.append(Fault(str(data / path), "is missing", remedy))
        elif (actual := (data / path).read_bytes()) != raw:
            pairs = zip_longest(actual.split(b"\n"), raw.split(b"\n"))
            line = next((n for n, (a, b) in enumerate(pairs, start=1) if a != b), 0)
            faults.append(Fault(str(data / path), "is not what the annotations build", remedy, line=line))
    return sorted(faults)


def _existing(data: Path) -> set[str]:
    """List the files of `data/`, hidden ones (a clone's .git) left alone."""
    paths = (path.relative_to(data) for path in data.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}


def statistics(parts: Files, files: Files, configs: dict[str, Splits]) -> dict[str, Any]:
    """Count documents, sentences, tokens and entities by part, and the mentions that a configuration's tests share."""
    sentences = {name: sum(len(d.sentences()) for d in documents) for name, documents in files.items()}
    of_split = {
        name: {split: [d for file in own for d in files[file]] for split, own in splits.items()}
        for name, splits in configs.items()
    }
    return {
        "version": __version__,
        "parts": {name: _count_part(documents) for name, documents in parts.items()},
        "sentences_by_config": {
            name: {split: sum(sentences[file] for file in own) for split, own in splits.items()}
            for name, splits in configs.items()
        },
        "mention_overlap": {
            name: _overlap(splits["train"], splits["test"]) for name, splits in of_split.items() if "train" in splits
        },
    }


def _count_part(documents: Sequence[Document]) -> dict[str, Any]:
    """Count a part of the corpus, in all and by document."""
    per_document = {document.id: _count_document(document) for document in documents}
    counted = ("characters", "sentences", "tokens", "entities")
    return {
        "documents": len(documents),
        **{key: sum(counts[key] for counts in per_document.values()) for key in counted},
        "entities_by_type": _by_type(documents),
        "distinct_surfaces_by_type": {label: len(_surfaces(documents, label)) for label in ENTITY_TYPES},
        "per_document": per_document,
    }


def _count_document(document: Document) -> dict[str, Any]:
    sentences = document.sentences()
    return {
        "characters": len(document.text),
        "sentences": len(sentences),
        "tokens": sum(len(sentence.tokens) for sentence in sentences),
        "entities": len(document.spans),
        "entities_by_type": _by_type([document]),
    }


def _overlap(train: Sequence[Document], test: Sequence[Document]) -> dict[str, Any]:
    """Count, by type, the mentions of the test whose surface stands in the training text with the same type."""
    counts = {}
    for label in ENTITY_TYPES:
        known = _surfaces(train, label)
        mentions = [_normal(d.surface(s)) for d in test for s in d.spans if s.label == label]
        seen = sum(mention in known for mention in mentions)
        counts[label] = {"seen": seen, "unseen": len(mentions) - seen}
    total = {side: sum(row[side] for row in counts.values()) for side in ("seen", "unseen")}
    return {**total, "by_type": counts}


def _surfaces(documents: Sequence[Document], label: str) -> set[str]:
    """Collect the different surfaces of a type, whatever their case."""
    return {_normal(d.surface(s)) for d in documents for s in d.spans if s.label == label}


def _normal(surface: str) -> str:
    return " ".join(unicodedata.normalize("NFC", surface).casefold().split())


def _by_type(documents: Sequence[Document]) -> dict[str, int]:
    counts = Counter(span.label for document in documents for span in document.spans)
    return {label: counts[label] for label in ENTITY_TYPES}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"

"""The dataset repository `data/`, built from `annotations/` to the byte: card, JSON Lines, statistics, Croissant."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from thidua_ner.corpus.agreement import Agreement, check_agreement, measure_agreement, read_agreement
from thidua_ner.corpus.annotations import Annotations, read_annotations
from thidua_ner.corpus.card import format_card
from thidua_ner.corpus.checks import check_annotations, read_checked_annotations
from thidua_ner.corpus.configurations import configurations, document_files, sentence_files
from thidua_ner.corpus.croissant import describe_files
from thidua_ner.corpus.pairs import Passage
from thidua_ner.corpus.schema import FEATURES, DocumentRow, EntityRow, PassageRow, SentenceRow, SpanRow, StandoffRow
from thidua_ner.corpus.statistics import compute_statistics
from thidua_ner.corpus.wild import WILD_SPLITS, Wild
from thidua_ner.corpus.wild_texts import find_wild_texts
from thidua_ner.faults import DataError, Fault
from thidua_ner.files import format_json, write_bytes
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.text import iob2
from thidua_ner.text.labels import TAGS
from thidua_ner.text.spans import Document, Span


def sentence_rows(document: Document) -> Iterator[SentenceRow]:
    """Split a document into the rows of its sentences."""
    for number, sentence in enumerate(document.sentences(), start=1):
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


def document_row(document: Document) -> DocumentRow:
    """Make the row of a whole document."""
    return {"id": document.id, "text": document.text, "entities": _entities(document, document.spans)}


def passage_row(passage: Passage) -> PassageRow:
    """Make the row of half of a minimal pair."""
    document = passage.document
    return {
        "id": document.id,
        "phenomenon": passage.phenomenon,
        "pair": passage.pair,
        "half": passage.half,
        "text": document.text,
        "entities": _entities(document, document.spans),
    }


def standoff_rows(wild: Wild, split: str) -> Iterator[StandoffRow]:
    """Make the rows of a split of the real texts that are not here."""
    for text in wild.rows(split):
        entities: list[SpanRow] = [
            {"start": span.start, "end": span.end, "label": span.label} for span in wild.splits[split][text.id]
        ]
        yield {
            "id": text.id,
            "source": text.source,
            "place": text.place,
            "sha256": text.sha256,
            "entities": entities,
        }


def _entities(document: Document, spans: Sequence[Span], offset: int = 0) -> list[EntityRow]:
    """Make the rows of spans; their offsets count from `offset`."""
    return [
        {"start": s.start - offset, "end": s.end - offset, "label": s.label, "text": document.surface(s)} for s in spans
    ]


def build_dataset(annotations: Annotations, agreement: Agreement) -> dict[str, bytes]:
    """Build every file of the dataset repository, by its path in it, from annotations that have no fault."""
    corpus = annotations.corpus()
    content = {
        f"sentences/{name}.jsonl": format_json_lines(dict(row) for d in documents for row in sentence_rows(d))
        for name, documents in sentence_files(corpus).items()
    }
    content |= {
        f"documents/{name}.jsonl": format_json_lines(dict(document_row(d)) for d in documents)
        for name, documents in document_files(corpus).items()
    }
    content["pairs/test.jsonl"] = format_json_lines(dict(passage_row(passage)) for passage in corpus.pairs)
    content |= {
        f"wild/{split}.jsonl": format_json_lines(dict(row) for row in standoff_rows(annotations.wild, split))
        for split in WILD_SPLITS
    }
    rows_digest = hashlib.sha256("".join(content[path] for path in sorted(content)).encode("utf-8")).hexdigest()
    configs = configurations([d.id for d in corpus.gold])
    statistics = compute_statistics(corpus, configs, annotations.wild)
    content["README.md"] = format_card(configs, statistics, agreement, annotations.sources.rows, rows_digest)
    content["stats.json"] = format_json(statistics)
    encoded = {path: text.encode("utf-8") for path, text in sorted(content.items())}
    encoded["croissant.json"] = format_json(describe_files(encoded)).encode("utf-8")
    return encoded


def write_dataset(annotations: Path, data: Path) -> list[str]:
    """Build the dataset repository from an annotations folder; return the paths written.

    The files of documents that no longer exist are deleted. Raises DataError, and writes nothing, if a file under
    `annotations/` breaks a rule of form or agreement.json cannot be read.
    """
    content = build_dataset(read_checked_annotations(annotations), read_agreement(annotations))
    for path, raw in content.items():
        write_bytes(data / path, raw)
    for old in (path for folder in FEATURES for path in data.glob(f"{folder}/*.jsonl")):
        if old.relative_to(data).as_posix() not in content:
            old.unlink()
    return list(content)


def check_dataset(annotations: Annotations, agreement: Agreement, data: Path) -> list[Fault]:
    """Find the files of a dataset repository that differ from what annotations without fault build."""
    content = build_dataset(annotations, agreement)
    remedy = "run `thidua-ner build`"
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
    """List the files of a dataset repository, except hidden ones such as a clone's .git."""
    paths = (path.relative_to(data) for path in data.rglob("*") if path.is_file())
    return {path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)}


def check_project(annotations: Path, data: Path) -> list[Fault]:
    """Find the faults of the annotations; if there are none, of agreement.json, of the dataset, and copied texts."""
    try:
        found = read_annotations(annotations)
    except DataError as error:
        return list(error.faults)
    if faults := check_annotations(found):
        return faults
    agreement = measure_agreement(found)
    faults = check_agreement(annotations, agreement) or check_dataset(found, agreement, data)
    return faults or list(find_wild_texts(path for folder in (annotations, data) for path in folder.rglob("*")))

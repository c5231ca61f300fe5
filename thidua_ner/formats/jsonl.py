"""JSON Lines: documents with their entities and predictions of systems, one record per document.

A document is `{"id", "text", "entities": [{"start", "end", "label"}]}`; if its source was tokenized, it also has the
tokens of its sentences (`"sentences": [[[start, end], …], …]`). An entity may have its `"text"` too. A prediction is
`{"id", "entities": [{"start", "end", "label", "score"}]}`; the score is optional. Other keys are ignored.
"""

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from thidua_ner.faults import DataError, Fault, fail, some_of
from thidua_ner.files import read_text, write_text
from thidua_ner.formats.exports import CONVERT, recognise_export
from thidua_ner.formats.texts import begins_long_json, foreign_encoding, parse_json, record_id
from thidua_ner.text.alike import Lookalikes, describe_difference, find_units
from thidua_ner.text.characters import has_surrogate
from thidua_ner.text.spans import Document, Span, in_order, is_allowed, label_remedy
from thidua_ner.text.syllables import Sentence, Token

_Record = dict[str, Any]


def read_documents(path: Path, types: Collection[str] | None = None) -> list[Document]:
    """Read documents; `types` None allows any label. Raises DataError with the line of every faulty record."""
    documents: list[Document] = []
    faults: list[Fault] = []
    for line, record in _records(path, faults):
        text = record.get("text")
        if not isinstance(text, str):
            faults.append(Fault(str(path), "the record has no text", 'give "text" as a string', line=line))
            continue
        try:
            documents.append(_document(path, line, record, text, types))
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    if not documents:
        fail(path, "holds no records", "write one JSON object per line")
    return documents


def read_predictions(path: Path, gold: Iterable[Document], types: Collection[str] | None = None) -> list[Document]:
    """Read one prediction per gold document, in the order of the gold.

    Raises DataError with unknown and missing documents and with entities that are not spans of the gold text.
    """
    documents = {document.id: document for document in gold}
    predicted: dict[str, Document] = {}
    faults: list[Fault] = []
    records = list(_records(path, faults))
    every_line_is_read = not faults
    unknown = [record["id"] for _, record in records if record["id"] not in documents]
    alike = Lookalikes(documents if unknown else ())
    for line, record in records:
        name = record["id"]
        if name not in documents:
            what = f"{name!r} is not a gold document{alike.hint(name)}"
            faults.append(Fault(str(path), what, f"use {some_of(documents)}", line=line))
            continue
        predicted[name] = documents[name]
        try:
            predicted[name] = _prediction(path, line, record, documents[name], types)
        except DataError as error:
            faults += error.faults
    missing = [name for name in documents if name not in predicted]
    if missing and every_line_is_read:
        remedy = 'add a record for each, with "entities": [] if nothing was found'
        faults.append(Fault(str(path), f"no prediction for {some_of(missing)}", remedy))
    if faults:
        raise DataError(faults)
    return [predicted[name] for name in documents]


def read_standoff(path: Path, types: Collection[str] | None = None) -> dict[str, tuple[Span, ...]]:
    """Read the spans of documents without their texts, by id; raises DataError with the line of every faulty record."""
    found: dict[str, tuple[Span, ...]] = {}
    faults: list[Fault] = []
    for line, record in _records(path, faults):
        try:
            found[record["id"]] = _spans(path, line, record, None, types)
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    return found


def _prediction(path: Path, line: int, record: _Record, gold: Document, types: Collection[str] | None) -> Document:
    """Make a prediction of a record; raises DataError if its spans are of another text than the gold's."""
    own = record.get("text", gold.text)
    own = own if isinstance(own, str) else gold.text
    spans = _document(path, line, record, own, types).spans
    if any(own[span.start : span.end] != gold.surface(span) for span in spans):
        what = f"{gold.id!r} is predicted on another text than the gold's"
        difference = describe_difference(own, gold.text)
        what += f": it differs in {difference}" if difference else ""
        fail(path, what, "tag the gold's text as it is", line=line)
    return gold.with_spans(spans)


def _records(path: Path, faults: list[Fault]) -> Iterator[tuple[int, _Record]]:
    """Yield each record with its line and its id as a string; add a fault for what is no object with a unique id.

    Raises DataError if the whole file is something else: JSON of several lines, or an export of a tool.
    """
    seen: dict[str, int] = {}
    lines = _read_lines(path)
    for line, content in enumerate(lines, start=1):
        if not content.strip():
            continue
        if line == 1 and begins_long_json(content, lines[1] if len(lines) > 1 else ""):
            fail(path, "begins JSON of several lines", "write one JSON object per line", line=line)
        try:
            record = _parse_record(path, line, content)
        except DataError as error:
            faults += error.faults
            continue
        tool = recognise_export(record)
        if tool and not _has_entities(record):
            raise DataError([*faults, Fault(str(path), f"is an export of {tool}", CONVERT, line=line)])
        if isinstance(record, list):
            faults.append(Fault(str(path), "is a JSON array", "write one object per line", line=line))
        elif not isinstance(record, dict) or not record_id(record.get("id")):
            what = "is not an object with an id"
            faults.append(Fault(str(path), what, 'write {"id": "…", "entities": […]}', line=line))
        elif first := seen.get(name := record_id(record["id"])):
            what = f"{name!r} is on line {first} already"
            faults.append(Fault(str(path), what, "keep one record per document", line=line))
        else:
            seen[name] = line
            yield line, {**record, "id": name}


def _read_lines(path: Path) -> list[str]:
    """Read the lines of a file; raises DataError as `read_text` does, and names UTF-16 and UTF-32."""
    try:
        return read_text(path).removeprefix("\ufeff").split("\n")
    except DataError:
        if path.is_file():
            with path.open("rb") as file:
                if encoding := foreign_encoding(file.read(4)):
                    fail(path, f"is {encoding}", "save it as UTF-8")
        raise


def _parse_record(path: Path, line: int, content: str) -> Any:
    """Parse a line; raises DataError if it is not JSON of whole characters."""
    try:
        record = parse_json(content)
    except ValueError as error:
        fail(path, str(error), "correct the line: it must be one JSON object", line=line)
    named = (record.get("id"), record.get("text")) if isinstance(record, dict) else ()
    if any(isinstance(value, str) and has_surrogate(value) for value in named):
        fail(path, "holds half of a surrogate pair", "write whole characters", line=line)
    return record


def _has_entities(record: Any) -> bool:
    """Tell whether a record has entities as they are read here, whatever else it has."""
    entities = record.get("entities") if isinstance(record, dict) else None
    return isinstance(entities, list) and all(isinstance(one, dict) and "start" in one for one in entities)


def _document(path: Path, line: int, record: _Record, text: str, types: Collection[str] | None) -> Document:
    """Make a document of a record; raises DataError with its faulty entities."""
    spans = _spans(path, line, record, text, types)
    return Document(record["id"], text, spans, _given(path, line, record, text))


def _spans(path: Path, line: int, record: _Record, text: str | None, types: Collection[str] | None) -> tuple[Span, ...]:
    """Make the spans of a record, of a text that may not be known; raises DataError with its faulty entities."""
    name = record["id"]
    faults: list[Fault] = []
    spans: list[Span] = []
    entities = record.get("entities")
    if not isinstance(entities, list):
        fail(path, f"{name!r} has no entities", 'give "entities" as a list, empty if there are none', line=line)
    for number, entity in enumerate(entities, start=1):
        problem = _entity_problem(entity, text, types)
        if problem is None:
            spans.append(Span(entity["start"], entity["end"], entity["label"], entity.get("score")))
        else:
            faults.append(Fault(str(path), f"{name!r}, entity {number}: {problem[0]}", problem[1], line=line))
    if faults:
        raise DataError(faults)
    try:
        return in_order(spans)
    except ValueError as error:
        fail(path, f"{name!r}: {error}", "keep only one of the two: spans do not overlap", line=line)


def _given(path: Path, line: int, record: _Record, text: str) -> tuple[Sentence, ...]:
    """Read the tokens of a record, if it has any; raises DataError if they are not in order and inside the text."""
    ends = [0]
    sentences: list[Sentence] = []
    try:
        for sentence in record.get("sentences") or []:
            tokens = tuple(Token(text[start:end], start, end) for start, end in sentence)
            for token in tokens:
                if not ends[-1] <= token.start < token.end <= len(text):
                    raise ValueError
                ends.append(token.end)
            sentences.append(Sentence(tokens[0].start, tokens[-1].end, tokens))
    except (TypeError, ValueError, IndexError):
        remedy = "give for each sentence the [start, end] of its tokens in order, or omit the key"
        fail(path, f"{record['id']!r}: the sentences are not tokens of the text", remedy, line=line)
    return tuple(sentences)


def _entity_problem(entity: Any, text: str | None, types: Collection[str] | None) -> tuple[str, str] | None:
    """Say what is wrong with an entity of a record and how to fix it; None if it is valid, for all that is known."""
    problem = _form_problem(entity, types)
    if problem or text is None:
        return problem
    start, end = entity["start"], entity["end"]
    if end > len(text):
        what = f"{start} to {end} lies outside the text of {len(text)} characters"
        return what, _correct_offsets(text, start, end, entity.get("text"))
    surface = entity.get("text", text[start:end])
    if surface != text[start:end]:
        difference = describe_difference(str(surface), text[start:end])
        what = f"its text is {surface!r}, but the document has {text[start:end]!r}"
        what += f": it differs in {difference}" if difference else ""
        return what, _correct_offsets(text, start, end, surface)
    return None


def _form_problem(entity: Any, types: Collection[str] | None) -> tuple[str, str] | None:
    """Say what is wrong with an entity whatever the text, and how to fix it; None if it is a span with a label."""
    if not isinstance(entity, dict):
        return f"{entity!r} is not an object", 'write {"start": …, "end": …, "label": …}'
    if lacking := next((key for key in ("start", "end", "label") if key not in entity), ""):
        keys = f"its keys are {some_of(entity)}" if entity else "it is empty"
        return f"it has no {lacking}; {keys}", f'give "{lacking}"'
    start, end, label, score = (entity.get(key) for key in ("start", "end", "label", "score"))
    if type(start) is not int or type(end) is not int:
        return f"the offsets are {start!r} and {end!r}", "give whole numbers"
    if not 0 <= start < end:
        return f"it starts at {start} and ends at {end}", "give the first character and the one after the last"
    if not is_allowed(label, types):
        return f"unknown label {label!r}{Lookalikes(types or ()).hint(str(label))}", label_remedy(types)
    if score is not None and not (type(score) in (int, float) and abs(score) <= sys.float_info.max):
        return f"the score is {score!r}", "give a number or omit it"
    return None


def _correct_offsets(text: str, start: int, end: int, surface: object) -> str:
    """Say how to mend offsets, and which units they count if it is not characters."""
    units = find_units(text, start, end, surface if isinstance(surface, str) else None)
    return f"these offsets count {units}: count characters (code points)" if units else "correct the offsets"


def entity_record(span: Span) -> _Record:
    """Turn a span into a record: start, end, label and, if the span has one, score."""
    record: _Record = {"start": span.start, "end": span.end, "label": span.label}
    return record if span.score is None else {**record, "score": span.score}


def format_json_lines(rows: Iterable[_Record]) -> str:
    """Format records as JSON Lines, one object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_documents(path: Path, documents: Iterable[Document]) -> None:
    """Write documents with their texts and entities, one record per line."""
    write_text(path, format_json_lines(map(document_record, documents)))


def write_with_surfaces(path: Path, documents: Iterable[Document]) -> None:
    """Write documents as `write_documents` does, each entity with its text, as in the dataset."""
    write_text(path, format_json_lines(document_record(document, surfaces=True) for document in documents))


def document_record(document: Document, *, surfaces: bool = False) -> _Record:
    """Turn a document into a record: id, text, entities and, if its source was tokenized, sentences.

    With `surfaces` each entity has its text too.
    """
    entities = [
        {**entity_record(span), "text": document.surface(span)} if surfaces else entity_record(span)
        for span in document.spans
    ]
    row = {"id": document.id, "text": document.text, "entities": entities}
    sentences = [[[token.start, token.end] for token in sentence.tokens] for sentence in document.given]
    return {**row, "sentences": sentences} if sentences else row


def write_predictions(path: Path, documents: Iterable[Document]) -> None:
    """Write the ids and entities of documents without their texts, one record per line."""
    rows = ({"id": d.id, "entities": [entity_record(s) for s in d.spans]} for d in documents)
    write_text(path, format_json_lines(rows))

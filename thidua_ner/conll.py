"""CoNLL columns: one token and its IOB2 tag a line, white space between, a blank line after each sentence.

The format keeps no text: reading joins tokens with single spaces and sentences with line breaks. A line
`# doc_id = …` begins a document; without such lines each sentence is a document of its own, named by its number.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from thidua_ner import iob2
from thidua_ner.faults import fail
from thidua_ner.files import read_text, write_text
from thidua_ner.labels import ENTITY_TYPES
from thidua_ner.spans import Document, Span
from thidua_ner.syllables import Token, split_sentences

_DOCUMENT = "# doc_id = "
_SEPARATOR = "-DOCSTART-"

Rows = list[tuple[str, str]]


def read_file(path: Path, types: Collection[str] = tuple(ENTITY_TYPES)) -> list[Document]:
    """Read the documents of a CoNLL file; DataError names the line of the first fault."""
    documents: dict[str, list[Document]] = {}
    for line, name, rows in _sentences(path):
        sentences = documents.setdefault(name or f"sentence-{len(documents) + 1}", [])
        if rows:
            sentences.append(_sentence(path, line, rows, types))
    if not documents:
        fail(path, 0, "holds no sentences", "write one token and its tag a line")
    return [_join(name, sentences) for name, sentences in documents.items()]


def _sentences(path: Path) -> Iterator[tuple[int, str, Rows]]:
    """Yield each sentence as its first line's number, its document's id and its rows; a document's start has none."""
    name, first = "", 0
    rows: Rows = []
    for number, raw in enumerate([*read_text(path).removeprefix("\ufeff").split("\n"), ""], start=1):
        line = raw.strip()
        begins = line.startswith(_DOCUMENT)
        if line and not begins and not line.startswith(_SEPARATOR):
            cells = line.split()
            if len(cells) < 2:
                fail(path, number, f"{line[:60]!r} has one column", "write the token, white space and its tag")
            first = first or number
            rows.append((cells[0], cells[-1]))
            continue
        if rows:
            yield first, name, rows
            rows, first = [], 0
        if begins:
            name = line.removeprefix(_DOCUMENT)
            yield number, name, []


def _sentence(path: Path, line: int, rows: Rows, types: Collection[str]) -> Document:
    """Make a sentence's text and spans."""
    tokens, at = [], 0
    for token, _ in rows:
        tokens.append(Token(token, at, at + len(token)))
        at += len(token) + 1
    try:
        spans = iob2.decode([tag for _, tag in rows], tokens)
    except ValueError as error:
        fail(path, line, f"in the sentence that begins here, {error}", "mend the tags")
    for span in spans:
        if span.label not in types:
            fail(path, line, f"unknown label {span.label!r}", f"use one of {', '.join(types)}")
    return Document("", " ".join(token for token, _ in rows), tuple(spans))


def _join(name: str, sentences: list[Document]) -> Document:
    """Join the sentences of one document, a line each."""
    spans: list[Span] = []
    offset = 0
    for sentence in sentences:
        spans += [Span(s.start + offset, s.end + offset, s.label) for s in sentence.spans]
        offset += len(sentence.text) + 1
    return Document(name, "\n".join(s.text for s in sentences), tuple(spans))


def format_documents(documents: Iterable[Document]) -> str:
    """Write documents as CoNLL columns over syllable tokens; ValueError where the format cannot hold one."""
    lines: list[str] = []
    for document in documents:
        if document.id != " ".join(document.id.split()):
            raise ValueError(f"the id {document.id!r} does not fit on a line")
        lines.append(f"{_DOCUMENT}{document.id}")
        written = 0
        for sentence in split_sentences(document.text):
            inside = [s for s in document.spans if sentence.start <= s.start < sentence.end]
            tags = iob2.encode(inside, sentence.tokens)
            written += len(inside)
            for token, tag in zip(sentence.tokens, tags, strict=True):
                if len(token.text.split()) != 1:
                    raise ValueError(f"{document.id}: the token {token.text!r} does not fit in a column")
                lines.append(f"{token.text} {tag}")
            lines.append("")
        if written < len(document.spans):
            raise ValueError(f"{document.id}: a span stands on white space between sentences")
    return "\n".join(lines) + "\n"


def write_file(path: Path, documents: Iterable[Document]) -> None:
    """Write documents to a CoNLL file; DataError where the format cannot hold one."""
    try:
        content = format_documents(documents)
    except ValueError as error:
        fail(path, 0, str(error), "choose a format that keeps the text (.jsonl or a folder)")
    write_text(path, content)

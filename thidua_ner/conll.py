"""CoNLL columns: one token and its IOB2 tag a line, white space between, a blank line after each sentence.

The format keeps no text, so reading joins tokens with single spaces; `# doc_id = …` begins a document,
and without such lines each sentence is a document of its own, named by its number.
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


def read_file(path: Path, types: Collection[str] = tuple(ENTITY_TYPES), repair: iob2.Repair = "none") -> list[Document]:
    """Read the documents of a CoNLL file; DataError names the line of the first fault."""
    documents: dict[str, list[Document]] = {}
    for line, name, rows in _sentences(path):
        text = " ".join(token for token, _ in rows)
        tokens, at = [], 0
        for token, _ in rows:
            tokens.append(Token(token, at, at + len(token)))
            at += len(token) + 1
        try:
            spans = iob2.decode([tag for _, tag in rows], tokens, repair)
        except ValueError as error:
            fail(path, line, f"in the sentence that begins here, {error}", "mend the tags or name a repair policy")
        for span in spans:
            if span.label not in types:
                fail(path, line, f"unknown label {span.label!r}", f"use one of {', '.join(types)}")
        documents.setdefault(name, []).append(Document(name, text, tuple(spans)))
    if not documents:
        fail(path, 0, "holds no sentences", "write one token and its tag a line")
    return [_join(sentences) for sentences in documents.values()]


def _sentences(path: Path) -> Iterator[tuple[int, str, list[tuple[str, str]]]]:
    """Yield each sentence as its first line's number, its document's id, and its tokens and tags."""
    name, count, first = "", 0, 0
    rows: list[tuple[str, str]] = []
    for number, line in enumerate([*read_text(path).splitlines(), ""], start=1):
        if line.startswith(_DOCUMENT):
            name = line.removeprefix(_DOCUMENT).strip()
        elif line.strip():
            cells = line.split()
            if len(cells) < 2:
                fail(path, number, f"{line[:60]!r} has one column", "write the token, white space and its tag")
            first = first or number
            rows.append((cells[0], cells[-1]))
        elif rows:
            count += 1
            yield first, name or f"sentence-{count}", rows
            rows, first = [], 0


def _join(sentences: list[Document]) -> Document:
    """Join the sentences of one document, a line each."""
    spans: list[Span] = []
    offset = 0
    for sentence in sentences:
        spans += [Span(s.start + offset, s.end + offset, s.label) for s in sentence.spans]
        offset += len(sentence.text) + 1
    return Document(sentences[0].id, "\n".join(s.text for s in sentences), tuple(spans))


def format_documents(documents: Iterable[Document]) -> str:
    """Write documents as CoNLL columns over syllable tokens; ValueError where a span cuts a token."""
    lines: list[str] = []
    for document in documents:
        lines.append(f"{_DOCUMENT}{document.id}")
        for sentence in split_sentences(document.text):
            inside = [s for s in document.spans if sentence.start <= s.start < sentence.end]
            tags = iob2.encode(inside, sentence.tokens)
            lines += [f"{token.text} {tag}" for token, tag in zip(sentence.tokens, tags, strict=True)]
            lines.append("")
    return "\n".join(lines) + "\n"


def write_file(path: Path, documents: Iterable[Document]) -> None:
    """Write documents to a CoNLL file."""
    write_text(path, format_documents(documents))

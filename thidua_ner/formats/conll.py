"""CoNLL columns: one line per token, which begins with the token and ends with its IOB2 tag, separated by white space.

A blank line follows each sentence. The format does not keep the text: the reader joins tokens with single spaces and
sentences with line breaks. A line `# doc_id = …` begins a document; without such lines each sentence is a document,
named by its number. Columns between the first and the last are ignored (as in the CoNLL-2003 shared task).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from thidua_ner.faults import fail, some_of
from thidua_ner.files import read_text, write_text
from thidua_ner.text import iob2
from thidua_ner.text.labels import ENTITY_TYPES, OUTSIDE
from thidua_ner.text.spans import Document, Span, document_of_tokens, is_label
from thidua_ner.text.syllables import Sentence, Token

_DOCUMENT = "# doc_id = "
_SEPARATOR = "-DOCSTART-"


class ConllRow(NamedTuple):
    """The number of a line, its token and its tag."""

    line: int
    token: str
    tag: str


def read_file(
    path: Path, types: Collection[str] | None = tuple(ENTITY_TYPES), repair: iob2.Repair = "none"
) -> list[Document]:
    """Read the documents of a CoNLL file with its tokens and sentences; `types` None allows any label.

    Raises DataError with the line of the first fault.
    """
    documents: dict[str, list[Document]] = {}
    for name, rows in _sentences(path):
        sentences = documents.setdefault(name or f"sentence-{len(documents) + 1}", [])
        if rows:
            sentences.append(_sentence(path, rows, types, repair))
    if not documents:
        fail(path, "holds no sentences", "write one token and its tag per line")
    return [_join(name, sentences) for name, sentences in documents.items()]


def read_predictions(
    path: Path,
    gold: Sequence[Document],
    types: Collection[str] | None = tuple(ENTITY_TYPES),
    repair: iob2.Repair = "none",
) -> list[Document]:
    """Read one prediction per gold document, in the order of the gold, and find its tokens in the gold text.

    Raises DataError with the line of the first token that is not in the text or tag that is not valid, or with the
    documents that are missing or incomplete.
    """
    documents = {document.id: document for document in gold}
    places = dict.fromkeys(documents, 0)
    spans: dict[str, list[Span]] = {}
    remedy = f"begin each document with `{_DOCUMENT}` and its id: {some_of(documents)}"
    n_sentences = 0
    for name, rows in _sentences(path):
        n_sentences += not name
        named = name or f"sentence-{n_sentences}"
        found = spans.setdefault(named, [])
        if not rows:
            continue
        if named not in documents:
            fail(path, f"{named!r} is not a gold document", remedy, line=rows[0].line)
        tokens = _find_tokens(path, rows, documents[named].text, places[named])
        places[named] = tokens[-1].end
        _check_tags(path, rows, types, repair)
        found += iob2.decode([row.tag for row in rows], tokens, repair)
    if unknown := [name for name in spans if name not in documents]:
        fail(path, f"{unknown[0]!r} is not a gold document", remedy)
    if missing := [name for name in documents if name not in spans]:
        fail(path, f"no prediction for {some_of(missing)}", "add their tokens, tagged O if nothing was found")
    for name, document in documents.items():
        if rest := document.text[places[name] :].strip():
            fail(path, f"{name!r} ends before {rest[:40]!r}", "add the missing tokens, tagged O")
    return [document.with_spans(tuple(spans[document.id])) for document in gold]


def _find_tokens(path: Path, rows: list[ConllRow], text: str, at: int) -> list[Token]:
    """Find the tokens of a sentence in a text; raises DataError with the line of the first token that is not there."""
    tokens: list[Token] = []
    for line, token, _ in rows:
        while at < len(text) and text[at].isspace():
            at += 1
        if not text.startswith(token, at):
            what = f"the token is {token[:40]!r}, but the gold text has {text[at : at + 20]!r}"
            fail(path, what, "write every token exactly as in the text, without underscores", line=line)
        tokens.append(Token(token, at, at + len(token)))
        at += len(token)
    return tokens


def _sentences(path: Path) -> Iterator[tuple[str, list[ConllRow]]]:
    """Yield the document id and the rows of each sentence, and once without rows at the start of each document."""
    name = ""
    rows: list[ConllRow] = []
    for number, raw in enumerate([*read_text(path).removeprefix("\ufeff").split("\n"), ""], start=1):
        line = raw.strip()
        begins = line.startswith(_DOCUMENT)
        if line and not begins and not line.startswith(_SEPARATOR):
            cells = line.split()
            if len(cells) < 2:
                fail(path, f"{line[:60]!r} has one column", "write the token, white space and its tag", line=number)
            rows.append(ConllRow(number, cells[0], cells[-1]))
            continue
        if rows:
            yield name, rows
            rows = []
        if begins:
            name = line.removeprefix(_DOCUMENT)
            yield name, []


def _check_tags(path: Path, rows: list[ConllRow], types: Collection[str] | None, repair: iob2.Repair) -> None:
    """Check tags; raises DataError with the line of the first that is not IOB2, has an unknown label or is illegal."""
    previous = OUTSIDE
    for line, token, tag in rows:
        if not iob2.is_tag(tag):
            fail(path, f"{tag!r} after {token!r} is not an IOB2 tag", "write O, B-LABEL or I-LABEL", line=line)
        if tag != OUTSIDE and (not is_label(tag[2:]) if types is None else tag[2:] not in types):
            known = f"use one of {', '.join(types)}" if types else "give a word without hyphens at its ends"
            fail(path, f"unknown label {tag[2:]!r}", known, line=line)
        if repair == "none" and not iob2.follows(tag, previous):
            fail(
                path,
                f"{tag} continues nothing after {previous}",
                f"write B-{tag[2:]}, or name a policy (`--repair` in scoring, `repair` in the `data` of a config)",
                line=line,
            )
        previous = tag


def _sentence(path: Path, rows: list[ConllRow], types: Collection[str] | None, repair: iob2.Repair) -> Document:
    """Make a document of one sentence; raises DataError with the line of the first tag that is not valid."""
    _check_tags(path, rows, types, repair)
    document = document_of_tokens([row.token for row in rows])
    spans = iob2.decode([row.tag for row in rows], document.given[0].tokens, repair)
    return document.with_spans(tuple(spans))


def _join(name: str, sentences: list[Document]) -> Document:
    """Join the sentences of a document, one per line."""
    spans: list[Span] = []
    given: list[Sentence] = []
    offset = 0
    for sentence in sentences:
        spans += [Span(s.start + offset, s.end + offset, s.label) for s in sentence.spans]
        tokens = tuple(Token(t.text, t.start + offset, t.end + offset) for t in sentence.given[0].tokens)
        given.append(Sentence(tokens[0].start, tokens[-1].end, tokens))
        offset += len(sentence.text) + 1
    return Document(name, "\n".join(s.text for s in sentences), tuple(spans), tuple(given))


def format_documents(documents: Iterable[Document]) -> str:
    """Format documents as CoNLL columns over their tokens; raises ValueError if the format cannot represent one."""
    lines: list[str] = []
    for document in documents:
        if document.id != " ".join(document.id.split()):
            raise ValueError(f"the id {document.id!r} does not fit on a line")
        lines.append(f"{_DOCUMENT}{document.id}")
        written = 0
        for sentence in document.sentences():
            inside = [s for s in document.spans if sentence.start <= s.start < sentence.end]
            tags = iob2.encode(inside, sentence.tokens)
            written += len(inside)
            for token, tag in zip(sentence.tokens, tags, strict=True):
                if len(token.text.split()) != 1:
                    raise ValueError(f"{document.id}: the token {token.text!r} does not fit in a column")
                lines.append(f"{token.text} {tag}")
            lines.append("")
        if written < len(document.spans):
            raise ValueError(f"{document.id}: a span covers only white space between sentences")
    return "\n".join(lines) + "\n"


def write_file(path: Path, documents: Iterable[Document]) -> None:
    """Write documents to a CoNLL file; raises DataError if the format cannot represent one."""
    try:
        content = format_documents(documents)
    except ValueError as error:
        fail(path, str(error), "choose a format that keeps the text (.jsonl or a folder)")
    write_text(path, content)


def problem(document: Document) -> str:
    """Say why the format cannot represent a document; return '' if it can."""
    try:
        format_documents([document])
    except ValueError as error:
        return str(error)
    return ""

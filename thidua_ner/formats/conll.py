"""CoNLL columns: one line per token, which begins with the token and ends with its tag (IOB2, BIOES or BILOU).

Columns are separated by tabs, which leave the spaces inside tokens alone, or else by spaces. A blank line follows each
sentence; lines that begin with `# ` before a sentence are comments. The format does not keep the text: the reader joins
tokens with single spaces and sentences with line breaks. A line `# doc_id = …` or `-DOCSTART-` begins a document;
without such lines each sentence is a document, named by its number.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from thidua_ner.faults import DataError, Fault, fail, some_of
from thidua_ner.files import read_text, write_text
from thidua_ner.text import iob2, schemes
from thidua_ner.text.alike import Lookalikes, describe_difference
from thidua_ner.text.characters import remove_invisible
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.spans import Document, Span, document_of_tokens, is_allowed, label_remedy
from thidua_ner.text.syllables import Sentence, Token

_DOCUMENT = "# doc_id = "
_SEPARATOR = "-DOCSTART-"
_BLANKS = " \t\r"
_BOM = "\ufeff"
_CHUNKS = {
    *("NP", "VP", "PP", "AP", "QP", "RP", "MP", "LP", "TP", "XP", "ADJP", "ADVP", "SBAR", "PRT", "CONJP", "INTJ"),
    *("LST", "UCP", "MDP", "UNP", "WHNP", "WHAP", "WHRP", "WHPP"),
}
"""Labels of phrases: a column of these is not one of entities."""


_MAX_STRANGE = 5
"""Strings that are no tags, of a file, that are told."""


class ConllRow(NamedTuple):
    """The number of a line and its cells."""

    line: int
    cells: tuple[str, ...]


class TaggedRow(NamedTuple):
    """The number of a line, its token and its tag, as the file has it and in IOB2."""

    line: int
    token: str
    written: str
    tag: str


class _Part(NamedTuple):
    """A sentence, or the beginning of a document, which has no rows; the name is '' outside documents."""

    document: str
    line: int
    rows: list[ConllRow]


class TaggedPart(NamedTuple):
    """A part whose rows have tags."""

    document: str
    line: int
    rows: list[TaggedRow]


def read_file(path: Path, types: Collection[str] | None = None, tags: TagReading | None = None) -> list[Document]:
    """Read the documents of a CoNLL file with its tokens and sentences; `types` are the labels allowed, None for any.

    Raises DataError with the lines of all faults.
    """
    tags = tags or TagReading()
    documents: dict[str, list[Document]] = {}
    faults: list[Fault] = []
    for name, line, rows in _tagged(path, tags):
        if not rows and name in documents:
            faults.append(Fault(str(path), f"the document {name!r} is there already", "give each its own id", line))
        sentences = documents.setdefault(name or f"sentence-{len(documents) + 1}", [])
        if not rows:
            continue
        if found := list(_tag_faults(path, rows, types, tags)):
            faults += found
        else:
            sentences.append(_sentence(rows, tags))
    if faults:
        raise DataError(faults)
    if not documents:
        fail(path, "holds no sentences", "write one token and its tag per line")
    return [_join(name, sentences) for name, sentences in documents.items()]


def read_predictions(
    path: Path, gold: Sequence[Document], types: Collection[str] | None = None, tags: TagReading | None = None
) -> list[Document]:
    """Read one prediction per gold document, in the order of the gold, and find its tokens in the gold text.

    Raises DataError with the lines of tokens that are not in the text and of tags that are not valid, or with the
    documents that are missing or incomplete.
    """
    tags = tags or TagReading()
    documents = {document.id: document for document in gold}
    alike = Lookalikes(documents)
    places = dict.fromkeys(documents, 0)
    spans: dict[str, list[Span]] = {}
    faults: list[Fault] = []
    lost: set[str] = set()  # documents with a token that is not in the text: what follows it is not looked up
    n_sentences = 0
    for name, line, rows in _tagged(path, tags):
        n_sentences += not name
        named = name or f"sentence-{n_sentences}"
        if named not in documents and named not in spans:
            remedy = f"begin each document with `{_DOCUMENT}` and its id: {some_of(documents)}"
            what = f"{named!r} is not a gold document{alike.hint(named)}"
            faults.append(Fault(str(path), what, remedy, line))
        found = spans.setdefault(named, [])
        if not rows or named not in documents or named in lost:
            continue
        tag_faults = list(_tag_faults(path, rows, types, tags))
        try:
            tokens = _find_tokens(path, rows, documents[named].text, places[named])
        except DataError as error:
            faults += error.faults
            lost.add(named)
            continue
        places[named] = tokens[-1].end
        faults += tag_faults
        if not tag_faults:
            found += iob2.decode(tags.read([row.tag for row in rows]), tokens)
    faults += _incomplete(path, documents, spans, {name: places[name] for name in documents if name not in lost})
    if faults:
        raise DataError(faults)
    return [document.with_spans(tuple(spans[document.id])) for document in gold]


def _incomplete(
    path: Path, documents: dict[str, Document], spans: Collection[str], places: dict[str, int]
) -> Iterator[Fault]:
    """Find the documents that a file of predictions lacks, or whose last tokens it lacks."""
    if missing := [name for name in documents if name not in spans]:
        remedy = "add their tokens, tagged O if nothing was found"
        yield Fault(str(path), f"no prediction for {some_of(missing)}", remedy)
    for name, place in places.items():
        if name in spans and (rest := remove_invisible(documents[name].text[place:]).strip()):
            yield Fault(str(path), f"{name!r} ends before {rest[:40]!r}", "add the missing tokens, tagged O")


def _find_tokens(path: Path, rows: list[TaggedRow], text: str, at: int) -> list[Token]:
    """Find the tokens of a sentence in a text; raises DataError with the line of the first token that is not there."""
    tokens: list[Token] = []
    for line, token, *_ in rows:
        while at < len(text) and _is_gap(text[at]) and not text.startswith(token, at):
            at += 1
        if not text.startswith(token, at):
            here = text[at : at + 20]
            what = f"the token is {token[:40]!r}, but the gold text has {here!r}"
            differing = describe_difference(token, text[at : at + len(token) + 10].split(" ", maxsplit=1)[0])
            remedy = "write every token exactly as in the text, without underscores"
            fail(path, what + (f", which differs in {differing}" if differing else ""), remedy, line=line)
        tokens.append(Token(token, at, at + len(token)))
        at += len(token)
    return tokens


def _is_gap(character: str) -> bool:
    """Tell whether a character may stand between tokens: white space, or one that is not seen."""
    return character.isspace() or not remove_invisible(character)


def _tagged(path: Path, tags: TagReading) -> list[TaggedPart]:
    """Read the sentences and beginnings of documents of a file, with the tags of the column that holds them.

    Raises DataError with every line that is not like the others, the columns that may be meant, or what is no tag.
    """
    parts = _parts(path)
    rows = [row for part in parts for row in part.rows]
    if not rows:
        return [TaggedPart(name, line, []) for name, line, _ in parts]
    _refuse_numbers(path, parts)
    column = _tag_column(path, rows, tags.column)
    if faults := list(_strange_tags(path, rows, column)):
        raise DataError(faults)
    try:
        scheme = schemes.scheme_of({row.cells[column] for row in rows})
    except ValueError as error:
        odd = next(row.line for row in rows if row.cells[column][0] not in "OBI")
        fail(path, str(error), "write IOB2, BIOES or BILOU", line=odd)
    tagged: list[TaggedPart] = []
    for name, line, own in parts:
        written = [row.cells[column] for row in own]
        for place in schemes.unclosed(written, scheme) if tags.repair == "none" else ():
            what = f"{written[place]} is not followed by the rest of its entity, as {scheme} demands"
            faults.append(Fault(str(path), what, "correct the tags, or name a policy of repair", own[place].line))
        pairs = zip(own, written, schemes.to_iob2(written, scheme), strict=True)
        tagged.append(TaggedPart(name, line, [TaggedRow(row.line, row.cells[0], *pair) for row, *pair in pairs]))
    if faults:
        raise DataError(faults)
    return tagged


def _refuse_numbers(path: Path, parts: Sequence[_Part]) -> None:
    """Raise DataError if the first column numbers the tokens of each sentence, as in CoNLL-U."""
    columns = [[row.cells[0] for row in part.rows] for part in parts if part.rows]
    if max(map(len, columns)) > 1 and all(cells == [str(n + 1) for n in range(len(cells))] for cells in columns):
        remedy = "delete that column: a line begins with its token"
        fail(path, "the first column numbers the tokens, as in CoNLL-U", remedy, line=1)


def _strange_tags(path: Path, rows: Sequence[ConllRow], column: int) -> Iterator[Fault]:
    """Find the strings that are tags of no scheme that is read, each where it first stands."""
    first: dict[str, ConllRow] = {}
    for row in rows:
        if not schemes.has_prefix(row.cells[column]):
            first.setdefault(row.cells[column], row)
    for tag, row in list(first.items())[:_MAX_STRANGE]:
        what = f"{tag!r} after {row.cells[0]!r} is not an IOB2 tag ({schemes.why_no_tag(tag)})"
        yield Fault(str(path), what, "write O, B-LABEL or I-LABEL", row.line)
    if len(first) > _MAX_STRANGE:
        yield Fault(str(path), f"{len(first) - _MAX_STRANGE} more strings are no tags", "write them in IOB2")


def _tag_column(path: Path, rows: Sequence[ConllRow], chosen: int | None) -> int:
    """Choose the column of the tags, from 0; raises DataError if several may be meant, or there is no such column."""
    width = len(rows[0].cells)
    if chosen is not None:
        if not 2 <= chosen <= width:
            what, remedy = f"has {width} columns, and so no tags in column {chosen}", "name one of them"
            fail(path, what, remedy, line=rows[0].line)
        return chosen - 1
    likely = [column for column in range(1, width) if _holds_entities(row.cells[column] for row in rows)]
    tags_last = all(schemes.has_prefix(row.cells[-1]) for row in rows)
    if len({*likely, width - 1} if tags_last else likely) > 1:
        shown = ", ".join(f"{column + 1} ({_example(rows, column)})" for column in sorted({*likely, width - 1}))
        remedy = "name one: `--tag-column N`, or `tag_column: N` in the `data` of a config"
        fail(path, f"several columns look like tags: {shown}", remedy, line=rows[0].line)
    if likely and not tags_last:
        remedy = f"name column {likely[0] + 1}: `--tag-column`, or `tag_column` in the `data` of a config"
        fail(path, f"the last column has no tags ({rows[0].cells[-1]!r})", remedy, line=rows[0].line)
    return width - 1


def _holds_entities(cells: Iterable[str]) -> bool:
    """Tell whether a column holds the tags of entities: tags, not all O, and not those of phrases."""
    found = set(cells)
    labels = {cell[2:] for cell in found if cell != OUTSIDE}
    return all(map(schemes.has_prefix, found)) and not labels <= _CHUNKS


def _example(rows: Sequence[ConllRow], column: int) -> str:
    return next((row.cells[column] for row in rows if row.cells[column] != OUTSIDE), OUTSIDE)


def _parts(path: Path) -> list[_Part]:
    """Cut a file into sentences and beginnings of documents; raises DataError with every line of another width."""
    lines = _lines(path)
    shape = _shape(lines)
    parts: list[_Part] = []
    name, n_documents, begun = "", 0, True
    rows: list[ConllRow] = []
    faults: list[Fault] = []
    for number, line in enumerate([*lines, ""], start=1):
        cells = _cells(line)
        begins = line.startswith(_DOCUMENT) or cells[0] == _SEPARATOR
        if cells != ("",) and not begins and (rows or not _is_comment(line, cells, shape[0])):
            rows.append(ConllRow(number, cells))
            faults += _row_faults(path, rows[-1], line, shape)
            if not begun:
                parts.append(_Part(name, number, []))
                begun = True
            continue
        if rows:
            parts.append(_Part(name, rows[0].line, rows))
            rows = []
        if line.startswith(_DOCUMENT):
            name, begun = line.removeprefix(_DOCUMENT).strip(_BLANKS), True
            if not name:
                faults.append(Fault(str(path), "begins a document without an id", "write one after the sign", number))
            parts.append(_Part(name, number, []))
        elif begins:
            n_documents += 1
            name, begun = f"document-{n_documents}", False
    if faults:
        raise DataError(faults)
    return parts


def _lines(path: Path) -> list[str]:
    """Read the lines of a file without byte-order marks, which files that were joined have inside."""
    lines = [line.removeprefix(_BOM) for line in read_text(path).split("\n")]
    if strange := next((n for n, line in enumerate(lines, start=1) if "\r" in line.rstrip("\r")), 0):
        fail(path, "has line breaks of CR alone", "save it with the line breaks LF or CRLF", line=strange)
    return lines


def _cells(line: str) -> tuple[str, ...]:
    """Cut a line at its tabs or, if it has none, at spaces; other white space stays inside tokens."""
    if _has_tab(line):
        return tuple(cell.strip(" \r") for cell in line.split("\t"))
    return tuple(re.split("[ \t]+", line.strip(_BLANKS)))


def _has_tab(line: str) -> bool:
    return "\t" in line.strip(_BLANKS)


def _shape(lines: Sequence[str]) -> tuple[int, bool]:
    """Return the number of cells of the first row, and whether tabs separate those of any row."""
    filled = [line for line in lines if line.strip(_BLANKS) and not line.startswith((_SEPARATOR, _DOCUMENT))]
    rows = [line for line in filled if not line.startswith("#")]
    rows = rows or [line for line in filled if schemes.has_prefix(_cells(line)[-1])]
    return max(len(_cells(rows[0])), 2) if rows else 2, any(map(_has_tab, rows))


def _is_comment(line: str, cells: Sequence[str], width: int) -> bool:
    """Tell whether a line before a sentence is a comment: it begins with `# ` and is not a row of the file."""
    return (line.startswith(("# ", "##")) or line.strip(_BLANKS) == "#") and not (
        len(cells) == width and schemes.has_prefix(cells[-1])
    )


def _row_faults(path: Path, row: ConllRow, line: str, shape: tuple[int, bool]) -> list[Fault]:
    """Say if a row has no token, another number of cells than the first row, or other separators."""
    number, cells = row
    if (len(cells), _has_tab(line)) != shape:
        return [_width_fault(path, row, line, shape)]
    return [] if cells[0] else [Fault(str(path), "has an empty token", "write one, or delete the line", number)]


def _width_fault(path: Path, row: ConllRow, line: str, shape: tuple[int, bool]) -> Fault:
    """Describe a line that has another number of cells than the first row, or other separators."""
    (number, cells), (width, tabs) = row, shape
    shown = f"{line.strip(_BLANKS)[:60]!r} has "
    if len(cells) == 1:
        return Fault(str(path), f"{shown}one column", "write the token, a tab and its tag", line=number)
    if tabs and not _has_tab(line):
        return Fault(str(path), f"{shown}no tab, but other lines have", "separate its columns by tabs", line=number)
    remedy = "separate the columns by tabs if a token holds spaces" if not tabs else "give every line the same columns"
    return Fault(str(path), f"{shown}{len(cells)} columns, the first row {width}", remedy, line=number)


def _tag_faults(path: Path, rows: list[TaggedRow], types: Collection[str] | None, tags: TagReading) -> Iterator[Fault]:
    """Find tags that have an unknown label or continue nothing."""
    previous = OUTSIDE
    for line, _, written, tag in rows:
        if tag != OUTSIDE and not is_allowed(tag[2:], types):
            yield Fault(str(path), f"unknown label {tag[2:]!r}", label_remedy(types), line=line)
        elif tags.repair == "none" and not iob2.follows(tag, previous):
            what = f"{written} continues nothing after {previous}"
            policy = "`--repair` or, for the gold, `--gold-repair`; `repair` in the `data` of a config"
            yield Fault(str(path), what, f"write B-{tag[2:]}, or name a policy ({policy})", line=line)
        previous = tag


def _sentence(rows: list[TaggedRow], tags: TagReading) -> Document:
    """Make a document of one sentence."""
    document = document_of_tokens([row.token for row in rows])
    return document.with_spans(tuple(iob2.decode(tags.read([row.tag for row in rows]), document.given[0].tokens)))


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
    """Format documents as columns over their tokens, separated by tabs if a token holds spaces.

    Raises ValueError if the format cannot represent a document.
    """
    documents = list(documents)
    separator = "\t" if any(" " in token for token in _tokens(documents)) else " "
    lines: list[str] = []
    for document in documents:
        if not document.id or document.id != " ".join(document.id.split()):
            raise ValueError(f"the id {document.id!r} does not fit on a line")
        lines.append(f"{_DOCUMENT}{document.id}")
        written = 0
        for sentence in document.given or document.sentences():
            inside = [s for s in document.spans if sentence.start <= s.start < sentence.end]
            tags = _encoded(document, inside, sentence)
            written += len(inside)
            for token, tag in zip(sentence.tokens, tags, strict=True):
                if not _fits(token.text):
                    raise ValueError(f"{document.id}: the token {token.text!r} does not fit in a column")
                lines.append(f"{token.text}{separator}{tag}")
            lines.append("")
        if written < len(document.spans):
            raise ValueError(f"{document.id}: a span covers only white space between sentences")
    return "\n".join(lines) + "\n"


def _encoded(document: Document, spans: Sequence[Span], sentence: Sentence) -> list[str]:
    """Tag the tokens of a sentence; raises ValueError, with the document and the surface, if a span cuts a token."""
    edges = {token.start for token in sentence.tokens}, {token.end for token in sentence.tokens}
    for span in spans:
        if span.start not in edges[0] or span.end not in edges[1]:
            shown = f"{document.surface(span)[:60]!r} ({span})"
            raise ValueError(f"{document.id}: {shown} does not begin and end on token boundaries")
    return iob2.encode(spans, sentence.tokens)


def _tokens(documents: Iterable[Document]) -> Iterator[str]:
    sentences = (sentence for document in documents for sentence in document.given or document.sentences())
    return (token.text for sentence in sentences for token in sentence.tokens)


def _fits(token: str) -> bool:
    """Tell whether a token is read back as it is."""
    is_line_of_its_own = token == _SEPARATOR or token.startswith(_DOCUMENT)
    is_lost = token.startswith(_BOM) or set("\t\n\r") & set(token)
    return token == token.strip(_BLANKS) != "" and not is_line_of_its_own and not is_lost


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

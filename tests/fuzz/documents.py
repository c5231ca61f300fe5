"""Annotated documents and predictions: samples of known content, and what their readers may not lose."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.damage import BOM, damaged_bytes, damaged_json, dump, file_sample
from tests.fuzz.engine import Sample, Target, to_bytes, to_text
from tests.strategies import documents as vietnamese_documents
from thidua_ner.faults import FaultError
from thidua_ner.formats import brat
from thidua_ner.formats.registry import read_documents, read_predictions, write_documents
from thidua_ner.text import iob2
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.text.schemes import has_prefix
from thidua_ner.text.spans import Document, Span

TYPES = [list(ENTITY_TYPES), None]
_OWN_LABELS = ["Cấp_bậc", "loc", "B-1", "🙂", "O"]
_IDS = ["a", "bài 1", "d\u0301", "2023/07", "🙂", "x.txt", "# doc_id", "sentence-2", "7", "%41", "~2"]
_TOKENS = [
    "Công",
    "an",
    "tỉnh",
    "28/7",
    "3.264",
    "H'Mông",
    "…",
    "x\u0301\u0323",
    "🙂",
    "#",
    "-",
    "O",
    "B-ORG",
    '"',
    "_",
]

Described = list[Any]
"""A document as JSON: its id, its text, and the start, end and label of each span."""


def described(document: Document) -> Described:
    return [document.id, document.text, [list(span.triple) for span in document.spans]]


def hold(found: Sequence[Any], whole: Sequence[Any], *, complete: bool) -> None:
    """Check that what must come through is in what was found, in its order; nothing else is, if it is complete."""
    rest = iter(found)
    assert all(any(one == other for other in rest) for one in whole), f"lost one of {whole} in {found}"
    assert not complete or len(found) == len(whole), f"found more than {whole}: {found}"


def text_of(sample: Sample, name: str) -> str:
    """The text of a file that the reader has accepted, which is therefore UTF-8."""
    return to_bytes(sample.files[name]).decode("utf-8")


@st.composite
def relabelled(draw: st.DrawFn, document: Document, types: list[str] | None) -> Document:
    """Give the spans labels of another data set if any are allowed."""
    if types is not None or draw(st.booleans()):
        return document
    label = draw(st.sampled_from(_OWN_LABELS))
    return document.with_spans(tuple(Span(s.start, s.end, label) for s in document.spans))


@st.composite
def document_lists(draw: st.DrawFn, types: list[str] | None, ids: Sequence[str] = tuple(_IDS)) -> list[Document]:
    names = draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
    return [draw(relabelled(draw(vietnamese_documents(name)), types)) for name in names]


def _record(document: Document, *, with_text: bool = True) -> dict[str, Any]:
    entities = [{"start": s.start, "end": s.end, "label": s.label} for s in document.spans]
    return {"id": document.id, **({"text": document.text} if with_text else {}), "entities": entities}


@st.composite
def jsonl_samples(draw: st.DrawFn, *, predictions: bool = False) -> Sample:
    types = draw(st.sampled_from(TYPES))
    drawn = draw(document_lists(types))
    records = [_record(document, with_text=not predictions) for document in drawn]
    options = {"types": types, "gold": [[document.id, document.text] for document in drawn]}
    chunks = [dump(record) + b"\n" for record in records]
    return draw(
        file_sample(
            "in.jsonl",
            chunks,
            [described(document) for document in drawn],
            odd_chunk=lambda number: damaged_json(records[number]).map(lambda line: line + b"\n"),
            options=options,
        )
    )


def _json_records(sample: Sample) -> list[Any]:
    lines = text_of(sample, "in.jsonl").removeprefix("\ufeff").split("\n")
    return [json.loads(line) for line in lines if line.strip()]


def check_jsonl(sample: Sample, folder: Path) -> bool:
    """Each line is a document with all its entities, or the file is refused."""
    found = [described(one) for one in read_documents(folder / "in.jsonl", sample.options["types"])]
    hold(found, sample.whole, complete=sample.complete)
    assert [len(spans) for _, _, spans in found] == [len(record["entities"]) for record in _json_records(sample)]
    return True


def _predicted(sample: Sample, path: Path) -> list[Described]:
    """Read predictions, which are one per gold document, with its text."""
    gold = [Document(name, text) for name, text in sample.options["gold"]]
    found = [described(one) for one in read_predictions(path, gold, sample.options["types"])]
    assert [[name, text] for name, text, _ in found] == sample.options["gold"]
    hold(found, sample.whole, complete=sample.complete)
    return found


def check_predicted_jsonl(sample: Sample, folder: Path) -> bool:
    """Each entity of each line is a span of its gold document, or the file is refused."""
    found = {name: len(spans) for name, _, spans in _predicted(sample, folder / "in.jsonl")}
    records = _json_records(sample)
    assert len(records) == len(found)
    assert sum(found.values()) == sum(len(record["entities"]) for record in records)
    return True


Mention = tuple[list[str], str | None]


def _conll_document(
    name: str, sentences: list[list[Mention]], separator: str, columns: str
) -> tuple[bytes, Described, int]:
    """Write a document as columns, and describe what it holds; also count its tokens."""
    lines, words, spans, at = [f"# doc_id = {name}"], [], [], 0
    for sentence in sentences:
        for tokens, label in sentence:
            surface = " ".join(tokens)
            if label:
                spans.append([at, at + len(surface), label])
            for number, token in enumerate(tokens):
                tag = f"{'I' if number else 'B'}-{label}" if label else "O"
                lines.append(f"{token}{separator}{columns.replace(' ', separator)}{tag}")
            words.append(surface)
            at += len(surface) + 1
        lines.append("")
        words.append("\n")
    text = " ".join(words).replace(" \n ", "\n").removesuffix(" \n")
    return "".join(f"{line}\n" for line in lines).encode(), [name, text, spans], len(lines)


@st.composite
def conll_samples(draw: st.DrawFn) -> Sample:
    types, separator = draw(st.sampled_from(TYPES)), draw(st.sampled_from(["\t", " ", "  "]))
    labels = st.sampled_from([None, *(types or _OWN_LABELS)])
    spaced = ["a\u00a0b", "10\u202f000", "x\u3000y"] if separator == "\t" else []
    mentions = st.tuples(st.lists(st.sampled_from([*_TOKENS, *spaced]), min_size=1, max_size=3), labels)
    sentences = st.lists(mentions, min_size=1, max_size=4)
    columns = draw(st.sampled_from(["", "", "_ ", "Np B-NP "]))
    drawn = [
        _conll_document(name, draw(st.lists(sentences, min_size=1, max_size=3)), separator, columns)
        for name in draw(st.lists(st.sampled_from(_IDS), min_size=1, max_size=3, unique=True))
    ]
    odd = st.sampled_from(
        [
            *(
                b"# doc_id = \n",
                b"# doc_id = a\n",
                b"-DOCSTART- -X- O O\n\n",
                b"a\n",
                b"a I-ORG\n\n",
                b"a B-\n",
                b"a o\n",
            ),
            *(
                b"# text = a b\n",
                "a\u2028 b O\n".encode(),
                "a\u00a0b O\n".encode(),
                b"\x0b O\n",
                b"O\tO\n",
                b"a b c d\n",
            ),
            *(
                b"\ta O\n",
                b" O\n",
                "a B-ĐƠN VỊ\n".encode(),
                b"a B-ORG \r\n",
                b"a\x0cb O\n",
                b"a\x1cO\n",
                b"\xef\xbb\xbfa O\n",
            ),
        ]
    )
    options = {"types": types, "gold": [[name, text] for _, (name, text, _), _ in drawn]}
    chunks, whole = [chunk for chunk, _, _ in drawn], [one for _, one, _ in drawn]

    def extended(number: int) -> st.SearchStrategy[bytes]:
        return odd.map(lambda lines: chunks[number] + lines) | odd

    return draw(file_sample("in.conll", chunks, whole, odd_chunk=extended, options=options))


def _cells(line: str) -> list[str]:
    """Cut a line at its tabs, or else at ASCII spaces; a blank line has no cells."""
    line = line.strip(" \t\r")
    return [cell for cell in line.split("\t" if "\t" in line else " ") if cell]


def _conll_rows(sample: Sample) -> list[list[str]]:
    lines = text_of(sample, "in.conll").removeprefix("\ufeff").split("\n")
    rows: list[list[str]] = []
    width = next((len(_cells(line)) for line in lines if _cells(line) and not line.startswith(("#", "-DOC"))), 0)
    inside = False
    for line in lines:
        cells = _cells(line)
        is_row = bool(cells) and cells[0] != "-DOCSTART-" and not line.startswith("# doc_id = ")
        if is_row and not inside and re.fullmatch("#(#.*)?", cells[0]):  # a comment, unless it is a token with its tag
            is_row = len(cells) == (width or len(cells)) and has_prefix(cells[-1])
        rows += [cells] * is_row
        inside = is_row
    return rows


def check_conll(sample: Sample, folder: Path) -> bool:
    """Each row is a token and each B- tag a span, or the file is refused; a document can only be continued."""
    documents = read_documents(folder / "in.conll", sample.options["types"])
    found = {document.id: described(document) for document in documents}
    assert not sample.complete or list(found.values()) == sample.whole, found
    for name, text, spans in sample.whole:
        assert found[name][1].startswith(text)
        assert found[name][2][: len(spans)] == spans
    rows = _conll_rows(sample)
    assert sum(len(sentence.tokens) for d in documents for sentence in d.given) == len(rows)
    assert sum(len(spans) for _, _, spans in found.values()) == sum(row[-1].startswith("B-") for row in rows)
    return True


def check_predicted_conll(sample: Sample, folder: Path) -> bool:
    """Each B- tag is a span of its gold document, or the file is refused."""
    found = _predicted(sample, folder / "in.conll")
    assert sum(len(spans) for _, _, spans in found) == sum(row[-1].startswith("B-") for row in _conll_rows(sample))
    return True


_FILE_IDS = ["a", "bài 1", "🙂", "x.y", "%41", "-"]
_ODD_LINES = [
    *(
        "T1\tORG 0 1\n",
        "T9\tORG 0 1 2 3\t\n",
        "T9\tORG 0 1;2 3\tC n\n",
        "R1\tOrg Arg1:T1 Arg2:T2\n",
        "#1\tNote T1\ta\n",
    ),
    *(
        "T9\tORG 5 1\tx\n",
        f"T9\tORG {'9' * 5000} 3\tx\n",
        "T٣\tORG ٠ ٣\tCôn\n",
        "T9 ORG 0 3 Côn\n",
        "\u2028\n",
        "\u00a0\n",
    ),
    *("*\tEquiv T1 T2\n", "E1\tORG:T1\n", "T9\tORG 0 0\t\n", "T9\t 0 1\tC\n", "\0\n", "T9\tORG -1 1\tC\n", "\r\n"),
]


@st.composite
def brat_samples(draw: st.DrawFn) -> Sample:
    types = draw(st.sampled_from(TYPES))
    drawn = draw(document_lists(types, _FILE_IDS))
    files: dict[str, bytes] = {}
    for document in drawn:
        files[f"in/{document.id}.txt"] = document.text.encode()
        files[f"in/{document.id}.ann"] = "".join(
            f"T{number}\t{s.label} {s.start} {s.end}\t{document.surface(s)}\n"
            for number, s in enumerate(document.spans, start=1)
        ).encode()
    kind = draw(st.sampled_from(["valid", "crlf", "bom", "bytes", "bytes", "line", "line", "lost", "ids"]))
    if kind == "lost":
        del files[draw(st.sampled_from(list(files)))]
    hit = draw(st.sampled_from([name for name in files if kind in {"lost", "bytes"} or name.endswith(".ann")]))
    if kind == "crlf":
        files[hit] = files[hit].replace(b"\n", b"\r\n")
    elif kind == "bom":
        files[hit] = BOM + files[hit]
    elif kind == "bytes":
        files[hit] = draw(damaged_bytes(files[hit]))
    elif kind == "line":
        lines = files[hit].splitlines(keepends=True)
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(_ODD_LINES)).encode())
        files[hit] = b"".join(lines)
    elif kind == "ids":
        files[hit] = files[hit].replace(b"T2\t", b"T1\t")
    complete = kind in {"valid", "crlf", "bom"}
    whole = [described(d) for d in sorted(drawn, key=lambda d: d.id) if complete or not hit.startswith(f"in/{d.id}.")]
    gold = [[document.id, document.text] for document in sorted(drawn, key=lambda d: d.id)]
    return Sample(
        {name: to_text(content) for name, content in files.items()}, whole, complete, {"types": types, "gold": gold}
    )


def _annotation_lines(sample: Sample) -> int:
    """Count the lines that annotate spans; those of relations, events, notes and so on do not."""
    contents = [text_of(sample, name).removeprefix("\ufeff") for name in sample.files if name.endswith(".ann")]
    lines = [line for content in contents for line in content.split("\n")]
    others = re.compile("[*#]|[REAMN][0-9]")
    return sum(bool(line.strip()) and not others.match(line) for line in lines)


def check_brat(sample: Sample, folder: Path) -> bool:
    """Each text is a document, without a byte-order mark, and each line of an .ann file a span, or it is a fault."""
    documents = read_documents(folder / "in", sample.options["types"])
    hold([described(document) for document in documents], sample.whole, complete=sample.complete)
    texts = {n: text_of(sample, n).removeprefix("\ufeff") for n in sample.files if n.endswith(".txt")}
    assert {f"in/{document.id}.txt": document.text for document in documents} == texts
    assert sum(len(document.spans) for document in documents) == _annotation_lines(sample)
    return True


def check_predicted_brat(sample: Sample, folder: Path) -> bool:
    """Each line of an .ann file is a span of its gold document, or the folder is refused."""
    found = _predicted(sample, folder / "in")
    assert sum(len(spans) for _, _, spans in found) == _annotation_lines(sample)
    return True


_WILD = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("Cô\u0302 \n\t\r\u00a0\u2028\u0085\ufeff\0#%/.:\\đ🙂"),
    max_size=20,
)


@st.composite
def wild_documents(draw: st.DrawFn) -> Sample:
    """Draw documents of any characters, with any flat spans, under ids of any characters."""
    drawn: list[Described] = []
    for name in draw(st.lists(_WILD.filter(bool) | st.sampled_from(_IDS), min_size=1, max_size=3, unique=True)):
        text = draw(_WILD) if draw(st.booleans()) else draw(vietnamese_documents()).text
        edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
        spans = [
            [start, end, draw(st.sampled_from([*ENTITY_TYPES, *_OWN_LABELS]))]
            for start, end in zip(edges[::2], edges[1::2], strict=False)
        ]
        drawn.append([name, text, spans])
    return Sample(whole=drawn)


def _wild(sample: Sample) -> list[Document]:
    return [Document(name, text, tuple(Span(*span) for span in spans)) for name, text, spans in sample.whole]


def round_trip(suffix: str, view: Callable[[Document], Any]) -> Callable[[Sample, Path], bool]:
    """Make the check of a format; `view` is what it keeps of a document."""

    def check(sample: Sample, folder: Path) -> bool:
        """What is written is read back, or is refused with nothing written."""
        path, drawn = folder / f"out{suffix}", _wild(sample)
        try:
            write_documents(path, drawn)
        except FaultError:
            assert not path.exists(), "refused, but written"
            raise
        try:
            found = {one.id: view(one) for one in read_documents(path, None)}
        except FaultError as error:
            raise AssertionError(f"cannot be read back: {error}") from error
        assert found == {one.id: view(one) for one in drawn}
        return True

    return check


def _tagged_tokens(document: Document) -> list[list[tuple[str, str]]]:
    """What CoNLL columns keep of a document: the tokens of each sentence with their tags."""
    return [
        [(token.text, tag) for token, tag in zip(s.tokens, iob2.encode(inside, s.tokens), strict=True)]
        for s in document.sentences()
        for inside in [[span for span in document.spans if s.start <= span.start < s.end]]
    ]


def check_encoded_folder(sample: Sample, folder: Path) -> bool:
    """Documents that fit are all read back from a folder of encoded names, in texts, spans and number."""
    drawn = [document for document in _wild(sample) if not brat.problem(document)]
    if not drawn:
        return False
    brat.write_encoded_folder(folder / "out", drawn)
    found = {one.id: [one.text, one.spans] for one in read_documents(folder / "out", None)}
    names = brat.file_names(drawn)
    assert found == {name: [one.text, one.spans] for name, one in zip(names, drawn, strict=True)}
    return True


TARGETS = {
    "jsonl": Target(jsonl_samples(), check_jsonl),
    "conll": Target(conll_samples(), check_conll),
    "brat": Target(brat_samples(), check_brat),
    "predicted-jsonl": Target(jsonl_samples(predictions=True), check_predicted_jsonl),
    "predicted-conll": Target(conll_samples(), check_predicted_conll),
    "predicted-brat": Target(brat_samples(), check_predicted_brat),
    "round-trip-jsonl": Target(wild_documents(), round_trip(".jsonl", described)),
    "round-trip-conll": Target(wild_documents(), round_trip(".conll", _tagged_tokens)),
    "round-trip-brat": Target(wild_documents(), round_trip("", described)),
    "encoded-folder": Target(wild_documents(), check_encoded_folder),
}

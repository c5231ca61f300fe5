"""Texts to tag: samples of each kind of file, of which every record must be tagged or refused."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.fuzz.damage import BOM, damaged_bytes, damaged_json, dump, file_sample
from tests.fuzz.documents import hold
from tests.fuzz.engine import Sample, Target, to_bytes, to_text
from thidua_ner.formats.jsonl import format_json_lines
from thidua_ner.formats.registry import READERS
from thidua_ner.formats.texts import Record, Refused
from thidua_ner.tagging.inputs import find_sources
from thidua_ner.tagging.shards import digest
from thidua_ner.text.spans import Document

_TEXTS = st.sampled_from(
    [
        *("Công an tỉnh Quảng Nam.", "a", '"', "a,b", "a;b", "a\tb", "hai\ndòng", "hai\r\ndòng", "x\u2028y", "\ufeffb"),
        *(
            "d\u0301\u0302",
            "🙂",
            "\u00a0",
            " ",
            "''",
            "NULL",
            "=1+1",
            "#",
            "\\n",
            "{}",
            "\\",
            '"a" b',
            "b\u0085c",
            "\x1c",
        ),
    ]
)
_IDS = ["a", "bài 1", "🙂", "x,y", 'q"', "d\u0301", "7", "NA", "-", "a b"]


def read(folder: Path, name: str) -> list[Record]:
    """Read the records of a file, and check that each can be hashed and written."""
    (source,) = find_sources([str(folder / name)], "text")
    records = list(source.records())
    assert (source.count() or 0) >= 0
    assert len(digest(records)) == 64
    refused = [{"id": record.id, "error": record.reason} for record in records if isinstance(record, Refused)]
    assert format_json_lines(refused).encode("utf-8").count(b"\n") == len(refused)
    return records


def refused_any(records: list[Record]) -> bool:
    return any(isinstance(record, Refused) for record in records)


def hold_records(records: list[Record], sample: Sample) -> None:
    """Check that the records before the damage are the first that come through, and that a valid file is read whole."""
    tagged = [[record.id, record.text] for record in records if isinstance(record, Document)]
    assert tagged[: len(sample.whole)] == sample.whole, f"lost one of {sample.whole}: {records}"
    assert not sample.complete or [[r.id, getattr(r, "text", None)] for r in records] == sample.whole, records


@st.composite
def _rows(draw: st.DrawFn) -> list[list[str]]:
    names = draw(st.lists(st.sampled_from(_IDS), min_size=1, max_size=5, unique=True))
    return [[name, draw(_TEXTS)] for name in names]


@st.composite
def jsonl_samples(draw: st.DrawFn) -> Sample:
    rows = draw(_rows())
    records = [{"id": name, "text": text, "url": None} for name, text in rows]
    chunks = [dump(record, ascii_only=draw(st.booleans())) + b"\n" for record in records]

    def odd(number: int) -> st.SearchStrategy[bytes]:
        return damaged_json(records[number]).map(lambda line: line + b"\n")

    return draw(file_sample("in.jsonl", chunks, rows, odd_chunk=odd))


def check_jsonl(sample: Sample, folder: Path) -> bool:
    """Each line that is not blank is one record, tagged or refused; the lines before the damage are tagged."""
    records = read(folder, "in.jsonl")
    hold_records(records, sample)
    content = to_bytes(sample.files["in.jsonl"]).removeprefix(BOM)
    reasons = [record.reason for record in records if isinstance(record, Refused)]
    if any("UTF-" in reason or "of several lines" in reason for reason in reasons):
        return False  # one refusal may stand for a file that is no JSON Lines as a whole
    assert len(records) == sum(bool(line.strip()) for line in content.split(b"\n"))
    return not refused_any(records)


def csv_samples(suffix: str) -> st.SearchStrategy[Sample]:
    """Make the samples of tables whose cells are separated as the suffix says."""
    delimiter = "\t" if suffix == ".tsv" else ","

    def row(*cells: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
        written = io.StringIO()
        csv.writer(written, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(cells)
        return written.getvalue().encode()

    @st.composite
    def samples(draw: st.DrawFn) -> Sample:
        quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
        rows = draw(_rows())
        chunks = [row(name, "2023", text, quoting=quoting) for name, text in rows]
        cells = st.lists(st.sampled_from(['"', "a", "", "b" * 3000, "\0", "x\ny"]), max_size=6)
        raw = st.sampled_from(
            [b'"\n', b'a,"b\n', b'a,b,"c" d\n', b'a,b,c"d\n', b"\n", b"\xff,a,b\n", b"a,b,\xc3\n", b"\r\n"]
        )
        # a line break inside a cell would become another one
        harmless = ["bom", "unended"] if any("\n" in text for _, text in rows) else ["bom", "unended", "crlf"]
        return draw(
            file_sample(
                f"in{suffix}",
                chunks,
                rows,
                head=row("id", "year", "text", quoting=quoting),
                odd_chunk=lambda _: cells.map(lambda drawn: row(*drawn)) | raw,
                harmless=harmless,
                options={"lines": [to_text(chunk) for chunk in chunks], "texts": [text for _, text in rows]},
            )
        )

    return samples()


def csv_check(suffix: str) -> Callable[[Sample, Path], bool]:
    def check(sample: Sample, folder: Path) -> bool:
        """The rows before the damage are tagged; a later row that is still there is in a text, or one is refused."""
        records = read(folder, f"in{suffix}")
        hold_records(records, sample)
        content = sample.files[f"in{suffix}"]
        texts = "\n".join(f"{record.id}\n{record.text}" for record in records if isinstance(record, Document))
        for line, text in zip(sample.options["lines"], sample.options["texts"], strict=True):
            lost = f"\n{line}" in content and text.strip() and text.replace('"', "") not in texts.replace('"', "")
            assert not lost or refused_any(records), f"lost {line!r}: {records}"
        return not refused_any(records)

    return check


_COLUMNS: list[tuple[str, Callable[[list[str]], pa.Array]]] = [
    ("text", pa.array),
    ("text", lambda texts: pa.array(texts, pa.large_string())),
    ("text", lambda texts: pa.array(texts).dictionary_encode()),
    ("text", lambda texts: pa.array([text.encode() for text in texts], pa.binary())),
    ("text", lambda texts: pa.array([None, *texts[1:]], pa.string())),
    ("text", lambda texts: pa.array([[text] for text in texts])),
    ("text", lambda texts: pa.array([{"a": text} for text in texts])),
    ("text", lambda texts: pa.array(range(len(texts)))),
    ("text", lambda texts: pa.nulls(len(texts))),
    ("content", pa.array),
]
_STRING_COLUMNS = 3
"""The first of these columns, whose values are strings."""


@st.composite
def parquet_samples(draw: st.DrawFn) -> Sample:
    rows = draw(_rows())
    number = draw(st.sampled_from([*range(_STRING_COLUMNS)] * 3 + [*range(_STRING_COLUMNS, len(_COLUMNS))]))
    name, make = _COLUMNS[number]
    table = pa.table({"id": pa.array([one for one, _ in rows]), name: make([text for _, text in rows])})
    stream = pa.BufferOutputStream()
    pq.write_table(
        table,
        stream,
        row_group_size=draw(st.sampled_from([1, 2, 1000])),
        compression=draw(st.sampled_from(["none", "snappy", "gzip"])),
    )
    content = stream.getvalue().to_pybytes()
    complete = number < _STRING_COLUMNS
    if draw(st.booleans()):
        content, complete = draw(damaged_bytes(content)), False
    elif draw(st.integers(0, 9)) == 0:
        content, complete = draw(st.binary(max_size=60)), False
    return Sample({"in.parquet": to_text(content)}, rows if complete else [], complete)


def check_parquet(sample: Sample, folder: Path) -> bool:
    """There are as many records as the file says that it has rows, or one of them says what is refused."""
    records = read(folder, "in.parquet")
    hold_records(records, sample)
    (source,) = find_sources([str(folder / "in.parquet")], "text")
    assert len(records) == source.count() or refused_any(records), f"{len(records)} of {source.count()}"
    return not refused_any(records)


@st.composite
def txt_samples(draw: st.DrawFn) -> Sample:
    text = "".join(draw(st.lists(_TEXTS | st.text(max_size=10), max_size=8)))
    valid = draw(st.booleans())
    content = text.encode() if valid else draw(damaged_bytes(text.encode()))
    return Sample({"in.txt": to_text(content)}, [text] if valid else [], valid)


def check_txt(sample: Sample, folder: Path) -> bool:
    """A file is one record: its text, without a byte-order mark at most, or a refusal if it is not UTF-8."""
    records = read(folder, "in.txt")
    (record,) = records
    content = to_bytes(sample.files["in.txt"])
    if isinstance(record, Refused):
        assert not sample.complete, record
        assert to_text(content) != content.decode("utf-8", "replace"), "refuses UTF-8"
    else:
        assert record.text.encode() in {content, content.removeprefix(BOM)}
    return not refused_any(records)


@st.composite
def mixed_folders(draw: st.DrawFn) -> Sample:
    """Draw a folder of files of all kinds, also ones that are not texts."""
    names = ["a.txt", "b/c.txt", "d.jsonl", "b/e.csv", "f.md", "g.parquet", "h.TXT", ".i.txt", "j.jsonl.gz", "k.tsv"]
    contents = [b"", b"\n", b"a", b"id,text\n1,b\n", dump({"text": "a"}), b"\xff", b"\xef\xbb\xbf", b"id\ttext\n1\tb\n"]
    drawn = draw(st.dictionaries(st.sampled_from(names), st.sampled_from(contents), min_size=1))
    return Sample({f"in/{name}": to_text(content) for name, content in drawn.items()})


def check_folder(sample: Sample, folder: Path) -> bool:
    """Each file of texts is a source; each that is not blank yields records, under a name that begins with its path."""
    sources = find_sources([str(folder / "in")], "text")
    suffixes = {name: Path(name).suffix.lower() for name in sample.files if not Path(name).name.startswith(".")}
    expected = [name for name, suffix in suffixes.items() if suffix in READERS and READERS[suffix].texts]
    expected = [n for n in expected if suffixes[n] != ".tsv" or "text" in sample.files[n].partition("\n")[0]]
    hold(sources := sorted(source.name for source in sources), sorted(str(folder / n) for n in expected), complete=True)
    for name in sources:
        records = read(folder, name)
        suffix, content = Path(name).suffix, to_bytes(sample.files[str(Path(name).relative_to(folder))])
        lines = [line for line in content.removeprefix(BOM).split(b"\n") if line.strip()]
        assert records or not (lines[1:] if suffix in {".csv", ".tsv"} else lines), name
        assert all(isinstance(record, Refused) or record.text for record in records if suffix.lower() != ".txt")
    return True


_TABLES = [suffix for suffix in (".csv", ".tsv") if suffix in READERS]

TARGETS = {
    "texts-txt": Target(txt_samples(), check_txt),
    "texts-jsonl": Target(jsonl_samples(), check_jsonl),
    **{f"texts-{suffix[1:]}": Target(csv_samples(suffix), csv_check(suffix)) for suffix in _TABLES},
    "texts-parquet": Target(parquet_samples(), check_parquet),
    "texts-folder": Target(mixed_folders(), check_folder, 20),
}

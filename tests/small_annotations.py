"""A small annotations folder with all parts, and the repositories that hold the texts of its part `wild`."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.formats.brat import write_folder
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.text.spans import Document, Span

_MARK = re.compile(r"\[([A-Z]+) ([^\]]+)\]")

NEWS_FOLDER, WORLD_FILE = "vn_news/data", "NTREX-128/newstest2019-ref.vie.txt"


def marked(name: str, text: str) -> Document:
    """Make a document of a text in which entities are written as `[LABEL surface]`."""
    plain, spans, at = "", [], 0
    for found in _MARK.finditer(text):
        plain += text[at : found.start()]
        spans.append(Span(len(plain), len(plain) + len(found[2]), found[1]))
        plain, at = plain + found[2], found.end()
    return Document(name, plain + text[at:], tuple(spans))


@dataclass(frozen=True)
class WildDocument:
    """A document of `wild` with its row of SOURCES.tsv; `settled` and the passes are the same unless given."""

    document: Document
    place: str
    split: str
    first: tuple[Span, ...] | None = None
    second: tuple[Span, ...] | None = None

    @property
    def row(self) -> list[str]:
        digest = hashlib.sha256(self.document.text.encode()).hexdigest()
        return [self.document.id, self.document.id.partition("-")[0], self.place, self.split, digest]

    def of_pass(self, name: str) -> Document:
        spans = getattr(self, name)
        return self.document if spans is None else self.document.with_spans(spans)


WILD = (
    WildDocument(
        marked("baomoi-001", "Đội Kim Ngưu về nhất\n\nSáng [DATE 3/4], [ORG Công an xã Tân Lập] họp.\n"),
        f"{NEWS_FOLDER}/0001.txt", "validation",
    ),
    WildDocument(
        marked("baomoi-002", "[RANK Thiếu tá] [PER Đỗ Văn Bách] bắt [NUM 12] người ở [LOC Tân Lập].\r\nHết 🙂."),
        f"{NEWS_FOLDER}/0002.txt", "test",
    ),
    WildDocument(
        marked("ntrex-01", "Bão vào bờ biển.\n[LOC Lisbon] mất điện.\n"), f"{WORLD_FILE}:2-3", "validation"
    ),
    WildDocument(
        marked("ntrex-02", "[PER Ana Lopes] thắng.\nCó [NUM 40] người ở [LOC Porto].\n"), f"{WORLD_FILE}:4-5", "test"
    ),
)  # fmt: skip
"""Two documents of each source, one per split."""

PAIRS = {
    "abbreviation": (
        "[ORG Công an xã Tân Lập] tuần tra.", "[ORG CA xã Tân Lập] tuần tra.",
        "Họ gặp [PER ông Bách] ở chợ.", "Họ gặp người lạ ở chợ.",
    ),
    "place-name": ("Đoàn đến [LOC Tân Lập].", "Đoàn lập đội mới."),
}  # fmt: skip
"""The passages of each phenomenon; each two are a pair."""


def pairs_documents() -> list[Document]:
    """Return the documents of `pairs`, one per phenomenon with a passage per line."""
    return [marked(name, "".join(f"{line}\n" for line in lines)) for name, lines in PAIRS.items()]


def write_wild(annotations: Path, documents: tuple[WildDocument, ...] = WILD) -> Path:
    """Write the part `wild` of an annotations folder, and its passes."""
    folder, passes = annotations / "wild", annotations / "passes/wild"
    for split in ("validation", "test"):
        write_predictions(folder / f"{split}.jsonl", [one.document for one in documents if one.split == split])
    for name in ("first", "second"):
        write_predictions(passes / f"{name}.jsonl", [one.of_pass(name) for one in documents])
    rows = [["id", "source", "place", "split", "sha256"], *(one.row for one in documents)]
    (folder / "SOURCES.tsv").write_text("".join("\t".join(row) + "\n" for row in rows), newline="")
    return annotations


def write_sources(root: Path, documents: tuple[WildDocument, ...] = WILD, line_break: str = "\n") -> dict[str, Path]:
    """Write repositories with the texts, and return them by source; lines that nobody annotates are `-`."""
    folders = {"baomoi": root / "scraper", "ntrex": root / "NTREX"}
    world: list[str] = []
    for one in documents:
        if one.document.id.startswith("baomoi"):
            path = folders["baomoi"] / one.place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.document.text.encode())
        else:
            first, last = map(int, one.place.partition(":")[2].split("-"))
            world += ["-"] * (last - len(world))
            world[first - 1 : last] = one.document.text.removesuffix("\n").split("\n")
    path = folders["ntrex"] / WORLD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}{line_break}" for line in [*world, "-"]).encode())
    return folders


def write_annotations(root: Path) -> Path:
    """Write an annotations folder without faults."""
    gold = [marked("g-1", "[ORG Công an huyện An Bình] họp ngày [DATE 5/6].\n")]
    synthetic = [
        marked("001-a", "[RANK Đại tá] [PER Hồ Thị Sen] khen [NUM 3] tổ.\n"),
        marked("002-b", "Tổ ở [LOC Vĩnh Sơn] được thưởng.\n"),
    ]
    for part, documents, passes in (
        ("gold", gold, ("first", "second")),
        ("synthetic", synthetic, ("written", "read")),
        ("pairs", pairs_documents(), ("written", "read")),
    ):
        for folder in (root / part, *(root / "passes" / part / name for name in passes)):
            write_folder(folder, documents)
    digest = hashlib.sha256(gold[0].text.encode()).hexdigest()
    (root / "gold/SOURCES.tsv").write_text(f"id\toriginal_file\tpublished_by\tsha256\ng-1\ta.doc\tBáo A\t{digest}\n")
    plan = ("id\tsplit\tevent\tplace\tpage\tsubject", "001-a\ttrain\te\tp\tq\ts", "002-b\tvalidation\te\tp\tq\ts")
    (root / "synthetic/PLAN.tsv").write_text("".join(f"{line}\n" for line in plan))
    (root / "synthetic/FIXED.tsv").write_text("phrase\tkind\n")
    return write_wild(root)

"""The formats of tagged shards: those of documents, and HTML pages."""

from pathlib import Path
from typing import Final

from thidua_ner.formats.jsonl import write_with_surfaces
from thidua_ner.formats.registry import WRITERS, Writer
from thidua_ner.pages.view import label_colours, page_environment, write_page
from thidua_ner.text.spans import Document


def _write_page(path: Path, documents: list[Document]) -> None:
    labels = [span.label for document in documents for span in document.spans]
    values = {"documents_": documents, "colours": label_colours(labels), "title": path.stem}
    write_page(path, page_environment().get_template("tagged.html"), values)


FORMATS = (*WRITERS, "html")
"""The names of the formats of shards."""

NO_TEXT: Final = "jsonl without texts"
"""What the format `jsonl` is called in a job whose entities have offsets only."""

SHARD_WRITERS: dict[str, Writer] = {
    **WRITERS,
    "jsonl": Writer(".jsonl", write_with_surfaces),
    NO_TEXT: WRITERS["jsonl"],
    "html": Writer(".html", _write_page),
}
"""The writers of shards by the name of their format."""

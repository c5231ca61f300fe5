"""Tagged texts on the standard output: in colours on a terminal, as JSON Lines in a pipe."""

import io
import sys
from collections.abc import Iterable, Sequence
from typing import Literal

from thidua_ner.faults import show_controls, tell
from thidua_ner.formats.jsonl import document_record, format_json_lines
from thidua_ner.formats.texts import Record, Refused
from thidua_ner.pages.view import label_colours
from thidua_ner.tagging.encodings import EncodingCount, count_encodings, sum_counts, tell_encodings
from thidua_ner.tagging.jobs import tag_records
from thidua_ner.tagging.tagger import AnyTagger
from thidua_ner.text.spans import Document

Style = Literal["colour", "jsonl", "jsonl without texts"]

_ANSI = (34, 31, 35, 32, 33, 36, 95, 93)
"""Terminal colours of the labels, as many as `pages/view.py` gives them in turn."""


def format_for_terminal(document: Document, labels: Sequence[str] = ()) -> str:
    """Write a text with its spans in colours, each followed by its label; controls of the text are shown, not sent.

    `labels` are those of the model, so that a label has the same colour in all its texts.
    """
    colours = label_colours([*labels, *(span.label for span in document.spans)])
    parts: list[str] = []
    at = 0
    for span in document.spans:
        colour = _ANSI[colours[span.label]]
        surface, label = show_controls(document.surface(span)), show_controls(span.label)
        parts.append(show_controls(document.text[at : span.start]))
        parts.append(f"\033[{colour};1m{surface}\033[0m\033[2m:{label}\033[0m")
        at = span.end
    return "".join([*parts, show_controls(document.text[at:])])


def tag_to_stdout(
    tagger: AnyTagger,
    groups: Iterable[list[Record]],
    style: Style,
    *,
    labels: Sequence[str] = (),
    named: bool = True,
) -> int:
    """Write each text as it is tagged, and refusals to the standard error; return the number of refusals.

    The records of a group are tagged together. In colours, those of the model's `labels`, the id of a `named` text
    stands above it. Texts that no model can read are told at the end.
    """
    refused = 0
    encodings: tuple[EncodingCount, ...] = ()
    if isinstance(sys.stdout, io.TextIOWrapper):  # JSON is UTF-8 everywhere; a terminal shows what it can
        sys.stdout.reconfigure(encoding=None if style == "colour" else "utf-8", errors="replace")
    for group in groups:
        encodings = sum_counts([*encodings, *count_encodings(group)])
        tagged = iter(tag_records(tagger, [one for one in group if isinstance(one, Document)]))
        for one in group:
            found = one if isinstance(one, Refused) else next(tagged)
            if isinstance(found, Refused):
                refused += 1
                tell(found.id, found.reason)
            elif style == "colour":
                title = f"\033[1;4m{show_controls(found.id).replace(chr(10), '␊')}\033[0m\n" if named else ""
                print(f"{title}{format_for_terminal(found, labels)}\n", flush=True)
            else:
                print(format_json_lines([document_record(found, surfaces=style == "jsonl")]), end="", flush=True)
    tell_encodings(encodings)
    return refused

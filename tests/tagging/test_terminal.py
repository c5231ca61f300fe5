"""Tagged texts on a terminal: controls of a text, an id or a reason are shown, never sent."""

import re

import pytest

from thidua_ner.formats.texts import Refused
from thidua_ner.tagging.terminal import format_for_terminal, tag_to_stdout
from thidua_ner.text.spans import Document, Span

TEXT = "a\x1b[2J Cần\x9b Thơ\x7f\u202eb\r\n\tc"


class Everything:
    """Finds one span in each text."""

    def tag(self, text):
        raise NotImplementedError

    def tag_many(self, documents):
        for document in documents:
            yield document.with_spans((Span(6, 14, "LOC"),))


def test_controls_of_a_text_are_shown():
    document = Document("a", TEXT, (Span(6, 14, "LOC"),))
    written = format_for_terminal(document)
    own = r"\033\[(?:\d+;1|0|2)m"
    assert len(re.findall(own, written)) == 4
    assert re.sub(own, "", written) == "a␛[2J Cần\\x9b Thơ:LOC␡\\u202eb␍\n\tc"


@pytest.mark.parametrize("style", ["colour", "jsonl"])
def test_controls_of_a_refusal_are_shown(capsys, style):
    records = [Refused("a\x1b]0;x\x07", "is \x9b2J wrong"), Document("b", TEXT)]
    assert tag_to_stdout(Everything(), [records], style) == 1
    out, err = capsys.readouterr()
    assert err == "a␛]0;x␇: is \\x9b2J wrong\n"
    assert ("\\u001b[2J" in out) == (style == "jsonl")  # a pipe gets the text itself, as JSON
    assert ("␛[2J" in out) == (style == "colour")

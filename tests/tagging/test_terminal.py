"""Tagged texts on a terminal: controls of a text, an id or a reason are shown, never sent."""

import os
import re

import pytest

from thidua_ner.formats.texts import Refused
from thidua_ner.tagging.inputs import STDIN, find_sources
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


def test_each_own_label_has_a_colour_of_its_own_in_every_text():
    labels = [f"L{n}" for n in range(8)]
    spans = tuple(Span(n, n + 1, label) for n, label in enumerate(labels))
    colours = re.findall(r"\033\[(\d+);1m", format_for_terminal(Document("a", "abcdefgh", spans), labels))
    assert len(set(colours)) == len(colours) == 8
    assert "90" not in colours  # grey
    alone = format_for_terminal(Document("a", "abcdefgh", spans[3:4]), labels)
    assert re.findall(r"\033\[(\d+);1m", alone) == colours[3:4]


def test_each_text_has_its_id_above_it_in_colours_only(capsys):
    groups = [[Document("dir/a\n\x1b", TEXT), Document("b", TEXT)]]
    tag_to_stdout(Everything(), groups, "colour")
    shown = capsys.readouterr().out
    assert shown.startswith("\033[1;4mdir/a␊␛\033[0m\na␛[2J ")
    assert "\n\n\033[1;4mb\033[0m\na␛[2J " in shown
    tag_to_stdout(Everything(), groups, "colour", named=False)
    assert capsys.readouterr().out.startswith("a␛[2J ")


@pytest.mark.skipif(os.name != "posix", reason="Windows has no pseudo-terminals")
def test_a_terminal_is_told_that_a_text_is_waited_for_and_a_pipe_is_not(capsys, monkeypatch):
    ours, theirs = os.openpty()
    told = "tag: waits for a text; type or paste it, and end it with Ctrl-D on a line of its own\n"
    for name, message in ((theirs, told), (None, "")):
        read, write = os.pipe()
        os.write(ours if name else write, "Huế\n\x04".encode() if name else b"Hu\n")
        os.close(write)
        with open(name or read, closefd=False) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            (source,) = find_sources([STDIN], "text")
            (record,) = source.records()
        assert record.text == ("Huế\n" if name else "Hu\n")
        assert capsys.readouterr().err == message


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

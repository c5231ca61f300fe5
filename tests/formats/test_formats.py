"""Reading and writing brat, JSON Lines and CoNLL: round trips, and the faults of damaged files."""

import json

import pytest
from hypothesis import given

from tests.strategies import documents
from thidua_ner.faults import DataError
from thidua_ner.formats import brat, conll, jsonl
from thidua_ner.formats.registry import READERS, read_documents, write_documents
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document, Span, document_of_tokens

TEXT = "Công an tỉnh\nQuảng Nam 5%"


def faults_of(call, *arguments):
    with pytest.raises(DataError) as caught:
        call(*arguments)
    return str(caught.value)


@given(documents())
def test_brat_round_trip(document):
    annotations, faults = brat.parse_annotations("d.ann", brat.format_annotations(document), document.text)
    assert not faults
    assert tuple(a.span for a in annotations) == document.spans


@pytest.mark.parametrize("ending", ["", ".jsonl"])
@given(document=documents())
def test_files_round_trip(tmp_path_factory, document, ending):
    path = tmp_path_factory.mktemp("round") / f"gold{ending}"
    write_documents(path, [document])
    assert read_documents(path) == [document]


@given(documents())
def test_conll_keeps_tokens_labels_and_order(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("conll") / "gold.conll"
    write_documents(path, [document])
    back = read_documents(path)
    assert "".join(back[0].text.split()) == "".join(document.text.split())
    assert [s.label for s in back[0].spans] == [s.label for s in document.spans]
    surfaces = [["".join(d.surface(s).split()) for s in d.spans] for d in (back[0], document)]
    assert surfaces[0] == surfaces[1]


@pytest.mark.parametrize(
    ("lines", "line", "what"),
    [
        ("T1\tORG 0 6\tCông a", 0, ""),
        ("T1\tORG 0 7\tCông an\n#1\tAnnotatorNotes T1\tsure\n\n", 0, ""),
        ("T1\tORG 0 7\tCong an", 1, "the surface 'Cong an', but the text has 'Công an'"),
        ("T1\tBODY 0 7\tCông an", 1, "unknown label 'BODY'"),
        ("T1\tORG 0 99\tCông an", 1, "outside the text of 25 characters"),
        ("T1\tORG 7 7\t", 1, "7 7 is empty"),
        ("T1\tORG 0 4;8 12\tCông tỉnh", 1, "not continuous: ' an ' lies between its fragments"),
        ("T1\tORG 0 12;13 17\tCông an tỉnh Quản", 0, ""),
        ("T1\tORG 5 ;\tCông an", 1, "offsets '5 ;'"),
        (f"T1\tORG 0 {'9' * 5000}\tCông an", 1, "the offsets '0 999"),
        ("T1\t-R 0 7\tCông an", 1, "unknown label '-R'"),
        ("T1 ORG 0 7 Công an", 1, "not a text-bound annotation"),
        ("Rx\tPart Arg1:T1 Arg2:T2", 1, "not a text-bound annotation"),
        ("\ufeffT1\tORG 0 7\tCông an", 0, ""),
        ("T1\tORG 0 7\tCông an\nT1\tLOC 13 22\tQuảng Nam", 2, "T1 is used twice, first on line 1"),
        ("T1\tORG 0 7\tCông an\nT2\tORG 5 12\tan tỉnh", 2, "T2 overlaps T1 on line 1"),
        ("T1\tORG 0 7\tCông an\r", 0, ""),
    ],
)
def test_brat_faults(lines, line, what):
    _, faults = brat.parse_annotations("d.ann", lines, TEXT, ["ORG", "LOC"])
    if line:
        assert [fault.line for fault in faults] == [line]
        assert what in str(faults[0])
    else:
        assert not faults


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Một\r\nCông an", "CRLF line breaks"),
        ("Co\u0302ng an", "decomposed Unicode"),
        ("Công  an", "correct the offsets or the surface"),
    ],
)
def test_brat_names_what_shifts_offsets(text, hint):
    _, (fault,) = brat.parse_annotations("d.ann", "T1\tORG 0 7\tCông an", text)
    assert hint in fault.remedy


def test_brat_folder_lists_every_fault_of_every_file(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.ann").write_text("")
    (tmp_path / "c.txt").write_bytes(b"one\ntwo \xff")
    (tmp_path / "c.ann").write_text("")
    (tmp_path / "d.txt").write_text(TEXT)
    (tmp_path / "d.ann").write_text("T1\tORG 0 7\tX\nT2\tX 0 7\tCông an\n")
    message = faults_of(brat.read_folder, tmp_path, ["ORG"])
    assert "a.txt: has no a.ann" in message
    assert "b.ann: has no b.txt" in message
    assert "c.txt:2: byte 8 is not UTF-8" in message
    assert "d.ann:1:" in message
    assert "d.ann:2:" in message
    assert len(message.splitlines()) == 5


def test_brat_offsets_count_line_breaks_of_the_file_as_it_stands(tmp_path):
    (tmp_path / "a.txt").write_bytes("Một\r\nHà Nội".encode())
    (tmp_path / "a.ann").write_text("T1\tLOC 5 11\tHà Nội\n")
    assert brat.read_folder(tmp_path)[0].surface(Span(5, 11, "LOC")) == "Hà Nội"


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ("{", "is not JSON"),
        ("[]", "is a JSON array; write one object per line"),
        ('{"id": ""}', "not an object with an id"),
        ('{"id": "a", "entities": []}', "has no text"),
        ('{"id": "a", "text": "x"}', "has no entities"),
        ('{"id": "a", "text": "\\ud800", "entities": []}', "half of a surrogate pair"),
        ('{"id": "a", "text": "abc", "entities": [1]}', "entity 1: 1 is not an object"),
        ('{"id": "a", "text": "abc", "entities": [{"start": 0, "end": 9, "label": "ORG"}]}', "outside the text of 3"),
        (
            '{"id": "a", "text": "abc", "entities": [{"start": 2, "end": 1, "label": "ORG"}]}',
            "starts at 2 and ends at 1",
        ),
        ('{"id": "a", "text": "abc", "entities": [{"start": 0.0, "end": 2, "label": "ORG"}]}', "offsets are 0.0 and 2"),
        ('{"id": "a", "text": "abc", "entities": [{"start": true, "end": 2, "label": "ORG"}]}', "offsets are True"),
        ('{"id": "a", "text": "abc", "entities": [{"start": 0, "end": 2, "label": "MISC-"}]}', "unknown label 'MISC-'"),
        (
            '{"id": "a", "text": "abc", "entities": [{"start": 0, "end": 2, "label": "ORG", "text": "b"}]}',
            "text is 'b', but",
        ),
        (
            '{"id": "a", "text": "abc", "entities": [{"start": 0, "end": 2, "label": "ORG", "score": NaN}]}',
            "the score is nan",
        ),
        (
            '{"id": "a", "text": "abc", "entities": [{"start": 0, "end": 2, "label": "ORG"}, '
            '{"start": 1, "end": 3, "label": "LOC"}]}',
            "overlap",
        ),
    ],
)
def test_record_faults_name_the_line(tmp_path, record, what):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "0", "text": "x", "entities": []}\n\n' + record + "\n")
    message = faults_of(jsonl.read_documents, path)
    assert f"{path}:3: " in message
    assert what in message


def test_record_ids_are_unique(tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text('{"id": "a", "text": "x", "entities": []}\n' * 2)
    assert f"{path}:2: 'a' is on line 1 already" in faults_of(jsonl.read_documents, path)


def test_predictions_are_matched_with_the_gold(tmp_path):
    gold = [Document("a", "abc"), Document("b", "abc")]
    path = tmp_path / "predictions.jsonl"
    rows = [
        {"id": "b", "entities": [{"start": 0, "end": 1, "label": "ORG", "score": 0.5}]},
        {"id": "a", "entities": []},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = jsonl.read_predictions(path, gold)
    assert [d.id for d in read] == ["a", "b"]
    assert read[1].spans[0].score == 0.5

    path.write_text(json.dumps({"id": "c", "entities": []}) + "\n")
    message = faults_of(jsonl.read_predictions, path, gold)
    assert f"{path}:1: 'c' is not a gold document; use a, b" in message
    assert f"{path}: no prediction for a, b" in message


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("", None, "holds no sentences"),
        ("Công B-ORG\nan\n", 2, "'an' has one column"),
        (
            "Công B-ORG\nan I-LOC\n",
            2,
            "I-LOC continues nothing after B-ORG; write B-LOC, or name a policy (`--repair`",
        ),
        ("\nCông B-MISC\n", 2, "unknown label 'MISC'; use one of ORG, LOC"),
        ("Công ORG\n", 1, "'ORG' after 'Công' is not an IOB2 tag (it has no prefix: the scheme is IO"),
        ("Công ORG-B\n", 1, "the letter is a suffix"),
        ("Công B\n", 1, "a bare letter, which names no label"),
        ("Công B-ORG\nan E-ORG\nHuế U-LOC\n", 2, "the prefixes B, E, U mix two schemes"),
        ("Công b-org\n", 1, "a prefix is a capital letter and a hyphen"),
        ("Công B_ORG\n", 1, "a prefix is a capital letter and a hyphen"),
        ("Công o\n", 1, "no tag is a capital O"),
        ("\tN\tO\nHuế\tN\tB-LOC\n", 1, "has an empty token"),
        ("Công O\rHuế B-LOC\r", 1, "has line breaks of CR alone; save it with the line breaks LF or CRLF"),
        ("1 Công _ B-ORG\n2 an _ I-ORG\n\n1 Huế _ O\n", 1, "the first column numbers the tokens, as in CoNLL-U"),
        ("Công B-ORG\nan I-ORG\nHuế S-LOC\n", 2, "I-ORG is not followed by the rest of its entity, as BIOES demands"),
        ("Công\tB-ORG\nan O\n", 2, "'an O' has no tab, but other lines have"),
        (
            "Công N B-ORG\nHà Nội N B-LOC\n",
            2,
            "'Hà Nội N B-LOC' has 4 columns, the first row 3; separate the columns by",
        ),
        ("Công N B-ORG B-LOC\n", 1, "several columns look like tags: 3 (B-ORG), 4 (B-LOC); name one: `--tag-column"),
        ("Công B-ORG O\n", 1, "several columns look like tags: 2 (B-ORG), 3 (O)"),
        ("Công B-ORG 0.9\n", 1, "the last column has no tags ('0.9'); name column 2"),
        ("# doc_id = a\nCông O\n\n# doc_id = a\nan O\n", 4, "the document 'a' is there already"),
    ],
)
def test_conll_faults(tmp_path, content, line, what):
    path = tmp_path / "gold.conll"
    path.write_text(content)
    message = faults_of(conll.read_file, path, ["ORG", "LOC"])
    assert (f"{path}:{line}: " if line else f"{path}: ") in message
    assert what in message


def test_conll_keeps_documents_apart_and_empty_ones_alive(tmp_path):
    path = tmp_path / "gold.conll"
    path.write_text("\ufeff# doc_id = a\nHà B-LOC\nNội I-LOC\n# doc_id = b\n# doc_id = c\n-DOCSTART- O\n\nHuế B-LOC\n")
    found = [(d.id, d.text, len(d.spans)) for d in read_documents(path)]
    assert found == [("a", "Hà Nội", 1), ("b", "", 0), ("c", "", 0), ("document-1", "Huế", 1)]
    write_documents(path, [Document("a", ""), Document("b", "Huế")])
    assert [(d.id, d.text) for d in read_documents(path)] == [("a", ""), ("b", "Huế")]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        (Document("a\nx O", "Huế"), "does not fit on a line"),
        (Document("a", "Hà Nội.  \n Ba", (Span(7, 9, "LOC"),)), "only white space between sentences"),
        (document_of_tokens(["-DOCSTART-"], "a"), "does not fit in a column"),
        (document_of_tokens(["Hà\tNội"], "a"), "does not fit in a column"),
        (document_of_tokens(["\ufeffHuế"], "a"), "does not fit in a column"),
        (Document("", "Huế"), "the id '' does not fit on a line"),
        (Document("a", "Huế", (Span(0, 2, "LOC"),)), "token boundaries"),
    ],
)
def test_conll_refuses_what_it_cannot_hold(tmp_path, document, what):
    assert what in faults_of(write_documents, tmp_path / "gold.conll", [document])
    assert not (tmp_path / "gold.conll").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\0b", ".."])
def test_ids_that_are_no_file_names_are_not_written(tmp_path, name):
    folder = tmp_path / "deep/gold"
    message = faults_of(write_documents, folder, [Document("fine", "x"), Document(name, "x")])
    assert "is not a file name; rename the document" in message
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(("digits", "fits"), [(300, True), (400, False)])
def test_a_score_is_a_number_that_a_float_holds(tmp_path, digits, fits):
    path = tmp_path / "p.jsonl"
    score = "1" + "0" * digits
    path.write_text('{"id": "a", "entities": [{"start": 0, "end": 1, "label": "ORG", "score": ' + score + "}]}")
    if fits:
        assert jsonl.read_predictions(path, [Document("a", "abc")])[0].spans[0].score > 1
    else:
        with pytest.raises(DataError, match=r"the score is 10+…; give a number"):
            jsonl.read_predictions(path, [Document("a", "abc")])


def test_conll_without_document_lines_numbers_its_sentences(tmp_path):
    path = tmp_path / "gold.conll"
    path.write_text("Công N B-ORG\nan  N  I-ORG \n\nHà N B-LOC\nNội N I-LOC\n")
    assert [(d.id, d.text, d.spans) for d in read_documents(path)] == [
        ("sentence-1", "Công an", (Span(0, 7, "ORG"),)),
        ("sentence-2", "Hà Nội", (Span(0, 6, "LOC"),)),
    ]


@pytest.mark.parametrize("name", ["missing", "gold.xml"])
def test_unreadable_sources(tmp_path, name):
    if "." in name:
        (tmp_path / name).write_text("")
    assert "name a folder of .txt and .ann files, a .jsonl or a .conll file" in faults_of(
        read_documents, tmp_path / name
    )


VLSP = "Công an\tN\tB-NP\tB-ORG\nthị xã\tN\tI-NP\tI-ORG\nSơn Mỹ\tNp\tI-NP\tI-ORG\nhọp\tV\tB-VP\tO\n\nBà\tN\tB-NP\tO\n"


def test_conll_words_that_hold_spaces_stay_whole(tmp_path):
    path = tmp_path / "vlsp.conll"
    path.write_text(VLSP)
    first, second = read_documents(path)
    assert (first.text, first.spans) == ("Công an thị xã Sơn Mỹ họp", (Span(0, 21, "ORG"),))
    assert [token.text for token in first.given[0].tokens] == ["Công an", "thị xã", "Sơn Mỹ", "họp"]
    assert [token.text for token in first.sentences()[0].tokens] == ["Công", "an", "thị", "xã", "Sơn", "Mỹ", "họp"]
    write_documents(tmp_path / "again.conll", [first, second])
    again = read_documents(tmp_path / "again.conll")
    assert [document.given for document in again] == [first.given, second.given]


@pytest.mark.parametrize("space", ["\xa0", "\u202f", "\x85", "\u3000", "\u2028", "\x1c", "\x0b"])
def test_conll_columns_are_cut_at_ascii_spaces_and_tabs_alone(tmp_path, space):
    path = tmp_path / "gold.conll"
    path.write_text(f"ở O\nHà{space}Nội B-LOC\n")
    (document,) = read_documents(path)
    assert (document.text, document.surface(document.spans[0])) == (f"ở Hà{space}Nội", f"Hà{space}Nội")
    write_documents(path, [document])
    assert read_documents(path) == [document]


@pytest.mark.parametrize(
    "tags", ["O B-PER I-PER E-PER O S-LOC", "O B-PER I-PER L-PER O U-LOC", "O B-PER I-PER I-PER O B-LOC"]
)
def test_conll_reads_the_schemes_that_have_names_for_their_prefixes(tmp_path, tags):
    rows = zip(["ông", "Trần", "Văn", "Lộc", "ở", "Huế"], tags.split(), strict=True)
    (tmp_path / "gold.conll").write_text("".join(f"{token} {tag}\n" for token, tag in rows))
    (document,) = read_documents(tmp_path / "gold.conll")
    assert [(document.surface(span), span.label) for span in document.spans] == [
        ("Trần Văn Lộc", "PER"),
        ("Huế", "LOC"),
    ]


def test_conll_reads_the_column_that_is_named(tmp_path):
    (tmp_path / "nested.conll").write_text("Công N B-ORG O\nan N I-ORG O\nHuế N I-ORG B-LOC\n")
    for column, spans in ((3, (Span(0, 11, "ORG"),)), (4, (Span(8, 11, "LOC"),))):
        (document,) = read_documents(tmp_path / "nested.conll", tags=TagReading(column=column))
        assert document.spans == spans
    for column in (5, 99):
        with pytest.raises(DataError, match=f"has 4 columns, and so no tags in column {column}; name one of them"):
            read_documents(tmp_path / "nested.conll", tags=TagReading(column=column))


def test_conll_comments_and_separators_are_no_tokens(tmp_path):
    path = tmp_path / "gold.conll"
    path.write_text(
        "-DOCSTART- -X-\n\n# sent_id = 1\n# text = Huế O\n## 2\nHuế N O B-LOC\n\nđẹp A O O\n\n-DOCSTART-\nBa N O O\n"
    )
    (tmp_path / "plain.conll").write_text("# một chú thích\nHuế B-LOC\n\n# O\n# O\n")
    assert [(d.id, d.text) for d in read_documents(path)] == [("document-1", "Huế\nđẹp"), ("document-2", "Ba")]
    assert [d.text for d in read_documents(tmp_path / "plain.conll")] == ["Huế", "# #"]


def test_conll_gathers_its_faults(tmp_path):
    (tmp_path / "p.conll").write_text("a B-X\nb\nc\n")
    assert "p.conll:2" in (told := faults_of(read_documents, tmp_path / "p.conll"))
    assert "p.conll:3" in told
    (tmp_path / "p.conll").write_text("a I-X\n\nb I-X\n")
    assert len(faults_of(read_documents, tmp_path / "p.conll").splitlines()) == 2


def test_conll_counts_what_a_policy_changes(tmp_path):
    (tmp_path / "iob1.conll").write_text(
        "ông O\nTrần I-PER\nLộc I-PER\nLê B-PER\nMận I-PER\nở O\nGò I-LOC\nCông I-LOC\n"
    )
    reading = TagReading("conlleval")
    (document,) = read_documents(tmp_path / "iob1.conll", tags=reading)
    assert [document.surface(span) for span in document.spans] == ["Trần Lộc", "Lê Mận", "Gò Công"]
    assert reading.changed == 2


def test_conll_ids_and_tokens_that_look_alike_are_told(tmp_path):
    gold = [Document("bài-Hà-Tiên", "Hà Tiên")]
    path = tmp_path / "p.conll"
    path.write_text("# doc_id = ba\u0300i-Ha\u0300-Tie\u0302n\nHà O\nTiên O\n")
    assert "it differs from 'bài-Hà-Tiên' in decomposed Unicode (NFD) instead of NFC" in faults_of(
        conll.read_predictions, path, gold
    )
    path.write_text("# doc_id = bài-Hà-Tiên\nHa\u0300 O\nTiên O\n")
    assert "which differs in decomposed Unicode" in faults_of(conll.read_predictions, path, gold)


def brat_folder(folder, text, annotations):
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").write_text(text)
    (folder / "a.ann").write_text(annotations)
    return folder


def test_brat_lines_of_other_kinds_are_left_out_and_counted(tmp_path, capsys):
    others = "R1\tO Arg1:T1 Arg2:T1\nA1\tB T1\nM1\tB T1\nE1\tORG:T1\n*\tSame T1 T1\nN1\tRef T1 W:Q\tx\n#1\tN T1\tx\n"
    folder = brat_folder(tmp_path / "d", TEXT, f"T1\tORG 0 7\tCông an\n{others}")
    (tmp_path / "d/._a.txt").write_bytes(b"\0\xff")
    brat_folder(tmp_path / "d/more", TEXT, "")
    assert [d.spans for d in read_documents(folder)] == [(Span(0, 7, "ORG"),)]
    told = capsys.readouterr().err
    assert "d: left out 2 attributes, 1 equivalence, 1 event, 1 note, 1 reference, 1 relation" in told
    assert "d: its subfolders are not read: more" in told


@pytest.mark.parametrize("offsets", ["0 7", "1 8"])
def test_brat_texts_lose_a_byte_order_mark_whether_the_offsets_count_it_or_not(tmp_path, offsets):
    folder = brat_folder(tmp_path / "d", f"\ufeff{TEXT}", f"\ufeffT1\tORG {offsets}\tCông an\n")
    assert read_documents(folder) == [Document("a", TEXT, (Span(0, 7, "ORG"),))]


def test_brat_predictions_say_in_what_a_text_differs(tmp_path):
    folder = brat_folder(tmp_path / "d", "Hà Nội\n", "")
    assert "differs from the gold text in another line break at the end" in faults_of(
        brat.read_predictions, folder, [Document("a", "Hà Nội")]
    )


def test_a_byte_order_mark_shifts_no_offset_between_tagging_and_gold(tmp_path):
    folder = brat_folder(tmp_path / "d", f"\ufeff{TEXT}", "")
    (tagged,) = READERS[".txt"].texts(folder / "a.txt", "text")
    assert tagged.text == read_documents(folder)[0].text == TEXT


def test_conll_predictions_pass_over_characters_that_are_not_seen(tmp_path):
    gold = Document("a", "Huế \u200b, đẹp\u200b")
    path = tmp_path / "p.conll"
    conll.write_file(path, [gold.with_spans((Span(0, 3, "LOC"),))])
    assert conll.read_predictions(path, [gold])[0].spans == (Span(0, 3, "LOC"),)


def test_conll_files_that_were_joined_lose_their_byte_order_marks(tmp_path):
    (tmp_path / "joined.conll").write_text("\ufeffông O\n\n\ufeffHuế B-LOC\n")
    assert [document.text for document in read_documents(tmp_path / "joined.conll")] == ["ông", "Huế"]


def test_brat_fragments_that_meet_over_a_line_break_and_a_blank_are_joined():
    text = "ở Thanh \nHóa"
    annotations, faults = brat.parse_annotations("d.ann", "T1\tLOC 2 7;9 12\tThanh Hóa", text)
    assert (annotations[0].span, faults) == (Span(2, 12, "LOC"), [])
    _, (fault,) = brat.parse_annotations("d.ann", "T1\tLOC 9 12;2 7\tHóa Thanh", text)
    assert "has fragments that overlap or are not in order" in fault.what


def test_brat_folders_name_what_they_cannot_read(tmp_path):
    (tmp_path / "deep/inner").mkdir(parents=True)
    brat_folder(tmp_path / "deep/inner", "Huế", "")
    (tmp_path / "upper").mkdir()
    (tmp_path / "upper/A.TXT").write_text("Huế")
    (tmp_path / "upper/A.ANN").write_text("")
    assert "holds no documents, but its subfolders do: inner" in faults_of(read_documents, tmp_path / "deep")
    assert "A.TXT: has an ending in capital letters" in faults_of(read_documents, tmp_path / "upper")


@pytest.mark.parametrize("ids", [["a", "A"], ["con"], ["a:b"], ["x" * 300], ["é", "e\u0301"]])
def test_ids_that_another_system_cannot_keep_apart_are_not_written(tmp_path, ids):
    documents = [Document("fine", "x"), *(Document(name, "x") for name in ids)]
    faults_of(write_documents, tmp_path / "gold", documents)
    assert not (tmp_path / "gold").exists()


def test_texts_that_begin_with_a_byte_order_mark_are_not_written_as_files(tmp_path):
    told = faults_of(write_documents, tmp_path / "gold", [Document("a", "\ufeffHuế")])
    assert "begins with a byte-order mark, which no reader keeps" in told

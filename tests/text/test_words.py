import os
import sys
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.faults import MachineError
from thidua_ner.formats import brat
from thidua_ner.text import iob2, words
from thidua_ner.text.syllables import split_sentences, tokenize
from thidua_ner.text.words import SEGMENTERS, segment, split_at_entities

UNDERTHESEA = SEGMENTERS["underthesea"]


def spelt(text, segmenter=UNDERTHESEA):
    return " ".join(word.text for word in segment(tokenize(text), segmenter))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Công an tỉnh Quảng Nam", "Công_an tỉnh Quảng_Nam"),
        ("Chiều 28/7, khối thi đua", "Chiều 28 / 7 , khối thi_đua"),
        ("đạt 86,2%; 3.264 vụ", "đạt 86,2 % ; 3.264 vụ"),
        ("(Congannghean.vn)-Sáng", "( Congannghean.vn ) - Sáng"),
        ("", ""),
    ],
)
def test_underthesea_groups_syllables(text, words):
    assert spelt(text) == words


def test_decomposed_text_is_segmented_like_composed():
    for document in brat.read_folder(ROOT / "annotations/gold"):
        for line in document.text.split("\n"):
            assert spelt(unicodedata.normalize("NFD", line)) == spelt(line)


@pytest.mark.parametrize("name", ["underthesea", "none"])
@given(document=documents())
def test_words_are_a_partition_of_the_tokens(name, document):
    for sentence in split_sentences(document.text):
        words = segment(sentence.tokens, SEGMENTERS[name])
        assert [i for word in words for i in range(word.first, word.last)] == list(range(len(sentence.tokens)))
        for word in words:
            tokens = sentence.tokens[word.first : word.last]
            assert word.syllables == tuple(unicodedata.normalize("NFC", token.text) for token in tokens)


@given(documents(), st.randoms(use_true_random=False))
def test_split_words_have_one_tag_each_and_lose_no_entity(document, random):
    def anyhow(syllables):
        lengths, left = [], len(syllables)
        while left:
            lengths.append(random.randint(1, min(4, left)))
            left -= lengths[-1]
        return lengths

    for sentence in split_sentences(document.text):
        spans = [s for s in document.spans if sentence.start <= s.start < sentence.end]
        tags = iob2.encode(spans, sentence.tokens)
        words = split_at_entities(segment(sentence.tokens, anyhow), tags)
        assert [i for word in words for i in range(word.first, word.last)] == list(range(len(tags)))
        units = [
            tokenize(document.text, sentence.tokens[w.first].start, sentence.tokens[w.first].end)[0]._replace(
                end=sentence.tokens[w.last - 1].end
            )
            for w in words
        ]
        assert iob2.decode([tags[word.first] for word in words], units) == spans


def test_underscores_of_the_text_stay_in_their_words():
    tokens = tokenize("anh_1 xem http://a.vn/b_c")
    words = segment(tokens, SEGMENTERS["none"])
    assert [word.text for word in split_at_entities(words, ["O"] * len(tokens))] == [t.text for t in tokens]


@pytest.fixture
def vncorenlp(tmp_path, monkeypatch):
    """A stand-in with the interface of the VnCoreNLP package that joins the words of a small list."""

    class Model:
        def __init__(self, annotators, save_dir):
            assert annotators == ["wseg"]
            os.chdir(save_dir)

        def word_segment(self, text):
            first, _, second = text.replace("Công an", "Công_an").replace("3 vụ", "3_vụ").partition(" . ")
            return [f"{first} .", second] if second else [first]

    (tmp_path / "models/wordsegmenter").mkdir(parents=True)
    monkeypatch.setenv("VNCORENLP", str(tmp_path))
    monkeypatch.setitem(sys.modules, "py_vncorenlp", SimpleNamespace(VnCoreNLP=Model))
    words._vncorenlp.cache_clear()
    yield SEGMENTERS["vncorenlp"]
    words._vncorenlp.cache_clear()


def test_vncorenlp_groups_syllables_and_leaves_the_process_where_it_was(vncorenlp):
    here = Path.cwd()
    assert spelt("Công an bắt 3 vụ. Công an", vncorenlp) == "Công_an bắt 3 vụ . Công_an"
    assert Path.cwd() == here


def test_vncorenlp_without_its_files_is_explained(monkeypatch):
    monkeypatch.delenv("VNCORENLP", raising=False)
    with pytest.raises(MachineError, match=r"VNCORENLP: is not a folder of VnCoreNLP; install Java and"):
        spelt("Công an", SEGMENTERS["vncorenlp"])


def test_vncorenlp_that_does_not_start_is_explained(vncorenlp, monkeypatch):
    monkeypatch.setitem(sys.modules, "py_vncorenlp", SimpleNamespace())
    with pytest.raises(MachineError, match="VnCoreNLP does not start"):
        spelt("Công an", vncorenlp)

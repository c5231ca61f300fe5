"""Subwords, encoders, checkpoints and the tagger, on models made in the test."""

import unicodedata
from itertools import cycle, islice, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, BertConfig, BertTokenizerFast, PhobertTokenizer

from tests.conftest import ROOT
from tests.strategies import documents
from thidua_ner.faults import DataError
from thidua_ner.formats import brat
from thidua_ner.models.checkpoints import Checkpoint, blank_model, load_checkpoint
from thidua_ner.models.pretrained import usable_positions
from thidua_ner.models.scratch import learn_phobert_vocabulary, phobert_tokenizer, small_roberta
from thidua_ner.tagging.tagger import Tagger, load_tagger
from thidua_ner.text import subwords
from thidua_ner.text.labels import TAGS
from thidua_ner.text.subwords import SubwordEncoder, best_windows, word_probabilities
from thidua_ner.text.syllables import split_sentences
from thidua_ner.text.words import SEGMENTERS, segment

SIZE = {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 16, "positions": 32}


def gold_words():
    for document in brat.read_folder(ROOT / "annotations/gold"):
        for sentence in split_sentences(document.text):
            for word in segment(sentence.tokens, SEGMENTERS["underthesea"]):
                yield word.text


def learn_phobert_tokenizer(words, merges, folder):
    learn_phobert_vocabulary(words, merges, folder)
    return phobert_tokenizer(folder)


def small_checkpoint(tokenizer, tags):
    torch.manual_seed(0)
    return Checkpoint(blank_model(small_roberta(tokenizer, **SIZE), tags, 0.0, 0.0), tokenizer, tags, "underthesea")


@pytest.fixture(scope="session")
def phobert(tmp_path_factory):
    return learn_phobert_tokenizer(gold_words(), 300, tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def fast_tokenizer(tmp_path_factory):
    path = tmp_path_factory.mktemp("bert") / "vocab.txt"
    letters = sorted({c for word in gold_words() for c in unicodedata.normalize("NFC", word)} - {" "})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Công", "an", *letters, *(f"##{c}" for c in letters)]
    path.write_text("\n".join(pieces))
    return BertTokenizerFast(str(path), do_lower_case=False, strip_accents=False)


@pytest.fixture(scope="session")
def checkpoint(phobert):
    return small_checkpoint(phobert, TAGS)


def test_the_learnt_vocabulary_spells_every_training_word(phobert):
    assert isinstance(phobert, PhobertTokenizer)
    for word in set(gold_words()):
        pieces = phobert.tokenize(word)
        assert "".join(piece.removesuffix("@@") for piece in pieces) == word
        assert phobert.unk_token_id not in phobert.convert_tokens_to_ids(pieces)
    assert phobert.tokenize("Công_an") == ["Công_an"]
    assert len(phobert.bpe_ranks) == 300


def test_words_that_would_break_the_files_are_passed_over(tmp_path):
    tokenizer = learn_phobert_tokenizer(["", "a\x1cb", "an", "an"], 10, tmp_path)
    assert tokenizer.tokenize("an") == ["an"]
    assert learn_phobert_tokenizer(["a", "b"], 10, tmp_path).tokenize("a") == ["a"]


def test_the_learnt_vocabulary_is_the_same_twice(phobert, tmp_path):
    again = learn_phobert_tokenizer(gold_words(), 300, tmp_path)
    assert again.get_vocab() == phobert.get_vocab()
    assert again.bpe_ranks == phobert.bpe_ranks


@pytest.mark.parametrize("kind", ["phobert", "fast_tokenizer"])
@given(words=st.lists(st.sampled_from(["Công_an", "tỉnh", "28/7", "Quảng_Nam", "🙂", "x" * 60]), max_size=60))
def test_every_word_has_its_head_in_some_window(kind, words, request):
    tokenizer = request.getfixturevalue(kind)
    encoder = SubwordEncoder(tokenizer, 32)
    windows = encoder.encode(words)
    assert all(len(window.input_ids) <= 32 for window in windows)
    chosen = best_windows(windows, len(words))
    for word, (index, place) in zip(words, chosen, strict=True):
        first = tokenizer.convert_tokens_to_ids(tokenizer.tokenize(word))[0]
        assert windows[index].input_ids[windows[index].heads[place]] == first
        assert words[windows[index].first_word + place] == word


def test_a_long_sentence_overlaps_its_windows(phobert):
    windows = SubwordEncoder(phobert, 32).encode(["Công_an"] * 100)
    assert len(windows) > 3
    for left, right in pairwise(windows):
        assert right.first_word < left.first_word + len(left.heads)


def test_a_short_sentence_is_what_the_tokenizer_itself_makes(phobert, fast_tokenizer):
    for tokenizer in (phobert, fast_tokenizer):
        words = ["Công_an", "tỉnh", "Quảng_Nam"]
        (window,) = SubwordEncoder(tokenizer, 64).encode(words)
        assert window.input_ids == tokenizer(" ".join(words))["input_ids"]


def test_roberta_loses_positions_to_its_padding(phobert):
    assert usable_positions(small_roberta(phobert, **SIZE)) == 32
    assert usable_positions(BertConfig(max_position_embeddings=512)) == 512


def test_a_checkpoint_comes_back_as_it_was(checkpoint, tmp_path):
    checkpoint.save(tmp_path)
    assert {"config.json", "model.safetensors", "vocab.txt", "bpe.codes"} <= {p.name for p in tmp_path.iterdir()}
    assert not list(tmp_path.glob("*.bin"))
    back = load_checkpoint(tmp_path)
    assert (back.tags, back.segmenter) == (TAGS, "underthesea")
    assert isinstance(AutoTokenizer.from_pretrained(tmp_path), PhobertTokenizer)
    text = brat.read_folder(ROOT / "annotations/gold")[0].text
    assert Tagger([back]).tag(text) == Tagger([checkpoint]).tag(text)


def test_a_checkpoint_with_a_pickle_instead_of_safetensors_is_refused(checkpoint, tmp_path):
    checkpoint.save(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(DataError, match=r"pytorch_model\.bin: is a pickle; save the model as safetensors"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "config.json"])
def test_a_damaged_checkpoint_is_named(checkpoint, tmp_path, name):
    checkpoint.save(tmp_path)
    if name == "vocab.txt":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:50])
    with pytest.raises(DataError, match=r"is not a checkpoint that transformers reads|config\.json: is not JSON"):
        load_checkpoint(tmp_path)


def test_checkpoints_that_do_not_fit_each_other_are_refused(checkpoint, phobert, tmp_path):
    checkpoint.save(tmp_path / "a")
    small_checkpoint(phobert, TAGS[:5]).save(tmp_path / "b")
    with pytest.raises(DataError, match="different tags"):
        load_tagger(tmp_path / "a", tmp_path / "b")


@given(document=documents())
def test_predicted_spans_are_flat_and_carry_a_probability(checkpoint, document):
    found = Tagger([checkpoint]).tag(document.text)
    for span in found.spans:
        assert 0.0 < span.score <= 1.0
        assert found.surface(span) == found.surface(span).strip()


def test_composed_and_decomposed_text_get_the_same_spans(checkpoint):
    tagger = Tagger([checkpoint])
    for document in brat.read_folder(ROOT / "annotations/gold"):
        decomposed = unicodedata.normalize("NFD", document.text)
        pairs = [
            [(s.label, unicodedata.normalize("NFC", text[s.start : s.end])) for s in tagger.tag(text).spans]
            for text in (document.text, decomposed)
        ]
        assert pairs[0] == pairs[1]
        assert pairs[0]


def test_a_copy_of_a_model_changes_no_average(checkpoint):
    text = brat.read_folder(ROOT / "annotations/gold")[0].text
    assert Tagger([checkpoint, checkpoint]).tag(text) == Tagger([checkpoint]).tag(text)


def test_texts_without_words_have_no_spans(checkpoint):
    for text in ("", " \n\t ", "\n"):
        assert Tagger([checkpoint]).tag(text).spans == ()


@given(words=st.lists(st.sampled_from(["Công", "an", "tỉnh", "họp", "15", "Krông"]), max_size=300))
def test_seams_between_windows_change_nothing(phobert, words):
    def look_around(ids, mask):
        """Score each subword by itself and its three neighbours on either side."""
        padded = np.pad(ids * mask, [(0, 0), (3, 3)])
        near = np.stack([padded[:, k : k + ids.shape[1]] * (k + 1) for k in range(7)]).sum(0)
        return np.stack([np.sin(near), np.cos(near)], -1)

    (short,), (whole,) = (
        word_probabilities(SubwordEncoder(phobert, length), look_around, phobert.pad_token_id, [words])
        for length in (64, 4096)
    )
    np.testing.assert_array_equal(short, whole)


def test_a_stream_of_texts_is_tagged_as_it_comes(checkpoint):
    read = 0

    def texts():
        nonlocal read
        while True:
            read += 1
            yield f"Công an tỉnh Quảng Nam họp lần {read}."

    stream = Tagger([checkpoint]).tag_many(texts())
    found = list(islice(stream, 5000))
    assert [document.text.split()[-1] for document in found] == [f"{n}." for n in range(1, 5001)]
    assert read < 5000 + 16_384 / 8
    assert next(Tagger([checkpoint]).tag_many(cycle([""]))).spans == ()


def test_words_without_end_are_not_all_remembered(phobert, monkeypatch):
    words = [str(n) for n in range(100)] * 2
    expected = SubwordEncoder(phobert, 64).encode(words)
    monkeypatch.setattr(subwords, "_REMEMBERED", 10)
    encoder = SubwordEncoder(phobert, 64)
    assert encoder.encode(words) == expected
    assert len(encoder._known) <= 10


def test_a_sentence_longer_than_the_encoder_is_tagged_to_its_end(checkpoint):
    text = " ".join(["Công an tỉnh"] * 200)
    assert max(span.end for span in Tagger([checkpoint]).tag(text).spans) > 0.9 * len(text)


class Said:
    """A model that gives the tokens of its only sentence these tags, each with a probability of 0.9."""

    segmenter = "none"

    def __init__(self, written, tags=TAGS):
        self.tags = tags
        self._rows = [tags.index(tag) for tag in written.split()]

    def probabilities(self, sentences):
        ((words, rows),) = [(words, self._rows) for words in sentences]
        table = np.full((len(words), len(self.tags)), 0.1 / (len(self.tags) - 1))
        table[range(len(rows)), rows] = 0.9
        return [table]


@pytest.mark.parametrize(
    ("text", "tags", "surfaces"),
    [
        ("Huế , Vinh", "B-LOC I-LOC O", ["Huế"]),
        ("Huế , Vinh", "B-LOC I-LOC I-LOC", ["Huế , Vinh"]),
        ("( Nam Định )", "B-LOC I-LOC I-LOC I-LOC", ["Nam Định"]),
        ("( Huế )", "B-LOC O O", []),
        ("giảm 5 %", "O B-NUM I-NUM", ["5 %"]),
        ("ở Vinh .", "O B-LOC I-LOC", ["Vinh"]),
        ("ông Lê A.", "O B-PER I-PER I-PER", ["Lê A."]),
        ("ở TP. Vinh", "O B-LOC I-LOC I-LOC", ["TP. Vinh"]),
        ("Đội “Hoa Mai”", "B-ORG I-ORG I-ORG I-ORG I-ORG", ["Đội “Hoa Mai”"]),
        ("Đội “Hoa Mai”", "O O B-ORG I-ORG I-ORG", ["Hoa Mai"]),
        ("Đội Hoa Mai”", "O B-ORG I-ORG I-ORG", ["Hoa Mai"]),
        ("Huế - Vinh", "B-LOC B-ORG B-LOC", ["Huế", "Vinh"]),
    ],
)
def test_spans_begin_and_end_as_the_guidelines_say(text, tags, surfaces):
    found = Tagger([Said(tags)]).tag(text)
    assert [found.surface(span) for span in found.spans] == surfaces


def test_the_score_of_a_span_is_that_of_its_own_words():
    (span,) = Tagger([Said("O O B-ORG I-ORG I-ORG")]).tag("Đội “Hoa Mai”").spans
    assert span.score == 0.9


def test_labels_of_others_may_stand_on_punctuation():
    tags = ("O", "B-PUNCT", "I-PUNCT", "B-LOC", "I-LOC")
    found = Tagger([Said("B-LOC B-PUNCT I-PUNCT", tags)]).tag("Huế , .")
    assert [(found.surface(span), span.label) for span in found.spans] == [("Huế", "LOC"), (", .", "PUNCT")]

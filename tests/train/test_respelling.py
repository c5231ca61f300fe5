"""Other spellings in training: what each makes of a sentence, that tags follow the words, and what is drawn."""

import json
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, run_inside
from tests.train.test_data import conll_data, sets, tiny_config
from thidua_ner.formats import brat
from thidua_ner.text.labels import TAGS
from thidua_ner.text.perturbations import PERTURBATIONS, remove_diacritics
from thidua_ner.text.subwords import SubwordEncoder
from thidua_ner.text.words import SEGMENTERS, segment
from train.batches import Examples, LengthSampler
from train.config import SpellingConfig
from train.folds import tag_sentences
from train.readings import Reading, mentions_by_label, mentions_of, swap_mentions
from train.respelling import draw_spelling, following_lines, respell

GOLD = brat.read_folder(ROOT / "annotations/gold")
SPELLINGS = list(SpellingConfig.model_fields)


def reading(line, document=0):
    """A sentence from `word B-X`, words without a tag being outside."""
    words, tags = [], []
    for part in line.split():
        if part[:2] in {"B-", "I-"}:
            tags[-1] = part
        else:
            words.append(part)
            tags.append("O")
    return Reading(tuple(words), tuple(tags), document)


def written(one):
    """A sentence as `reading` takes it."""
    return " ".join(word if tag == "O" else f"{word} {tag}" for word, tag in zip(one.words, one.tags, strict=True))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("spelling", "line", "expected"),
    [
        ("lower_case", "Đội_trưởng ÂU B-PER Ngọc I-PER", "đội_trưởng âu B-PER ngọc I-PER"),
        ("lower_case", "Phòng B-ORG PC02 I-ORG , X03 B-ORG", "phòng B-ORG pc I-ORG 02 I-ORG , x B-ORG 03 I-ORG"),
        ("lower_case", "tổ H'Mông", "tổ h ' mông"),
        ("capitals", "Chốt 3 B-NUM ở Ea_Súp B-LOC ư", "CHỐT 3 B-NUM Ở EA_SÚP B-LOC Ư"),
        ("title_case", "xã_đội TP B-LOC huế I-LOC 5,5kg PC02", "Xã_Đội Tp B-LOC Huế I-LOC 5,5kg PC02"),
        ("no_tones", "Đường_phố Hồ B-LOC Ổi I-LOC , ngày 28/7/2023", "Đương_phô Hô B-LOC Ôi I-LOC , ngay 28/7/2023"),
        ("no_diacritics", "Đường_phố Hồ B-LOC Ổi I-LOC ư", "Duong_pho Ho B-LOC Oi I-LOC u"),
        ("telex_slips", "Đường_phố Hồ B-LOC Oai I-LOC ƯU , 3", "Dduwowngf_phoos Hoof B-LOC Oai I-LOC UWU , 3"),
        # a number and a word, or a word and a mark, stay two tokens without the space
        ("lost_spaces", "tổ 9 họp , ai vắng ?", "tổ 9 họp , aivắng ?"),
        ("lost_spaces", "ở Bến B-LOC Cát I-LOC nay có mưa", "ở Bến B-LOC Cát I-LOC naycómưa"),
        ("lost_spaces", "An B-PER Bình B-PER lên Ea B-LOC", "An B-PER Bình B-PER lên Ea B-LOC"),
        ("lost_spaces", "đội TP 02 và Công_an xã", "đội TP02và Công_an xã"),
        ("lost_spaces", "đội 7 TP 02", "đội 7 TP02"),
    ],
)
def test_each_spelling_does_what_it_says(spelling, line, expected, monkeypatch):
    monkeypatch.setattr("train.respelling.TELEX_SLIP", 1.0)
    monkeypatch.setattr("train.respelling.LOST_SPACE", 1.0)
    spelt = respell(reading(line), spelling, reading(""), seeded())
    assert written(spelt) == expected


def test_slips_are_as_rare_as_they_say():
    line = reading(" ".join(["Mường", "xa", "ở_đây"] * 4000))
    slipped = [s for word in respell(line, "telex_slips", reading(""), seeded()).words for s in word.split("_")]
    assert slipped.count("Muwowngf") == pytest.approx(400, abs=60)
    assert slipped.count("owr") == pytest.approx(400, abs=60)
    assert slipped.count("xa") == 4000
    joined = respell(reading("mưa " * 12_000), "lost_spaces", reading(""), seeded()).words
    assert len(joined) == pytest.approx(12_000 * 0.95, abs=80)


@pytest.mark.parametrize(
    ("lines", "runs_on"),
    [
        (["Đội 7 họp", "Chiều nay , mưa ."], True),
        (["Đội 7 họp .", "Chiều nay , mưa ."], False),
        (["Đội 7 “ họp . ” )", "Chiều nay , mưa ."], False),
        (["Đội 7 họp .", "chiều nay , mưa ."], True),
        (["Đội 7 gồm :", "- An"], True),
        (["Đội 7 ở TP .", "Vinh"], True),
        (["1 .", "Họp"], True),
        (["Ai họp ?", "Họp"], False),
        ([". . ."], False),
    ],
)
def test_lines_run_on_unless_the_first_one_ends_a_sentence(lines, runs_on):
    first, second = readings = [reading(lines[0]), reading(" ".join(lines[1:]))]
    following = following_lines(readings)
    assert following == [second if runs_on else reading(""), reading("")]
    joined = respell(first, "joined_lines", following[0], seeded())
    assert written(joined) == (" ".join(lines) if runs_on else lines[0])


def test_lines_of_two_documents_are_not_joined():
    first, second = reading("Đội B-ORG 7 I-ORG", 0), reading("Chiều nay", 1)
    assert following_lines([first, second, second._replace(words=("Tối", "mai"))]) == [
        reading(""),
        Reading(("Tối", "mai"), ("O", "O"), 1),
        reading(""),
    ]


def as_read(documents):
    """The sentences of documents as a tagger of syllables reads them."""
    return [
        Reading(tuple(word.text for word in segment(s.tokens, SEGMENTERS["none"])), s.tags, s.document)
        for s in tag_sentences(documents)
    ]


@pytest.mark.parametrize("spelling", ["lower_case", "capitals", "no_tones", "no_diacritics"])
def test_a_sentence_is_respelt_as_a_tagger_reads_a_text_in_that_spelling(spelling):
    perturb = PERTURBATIONS[spelling.replace("_", " ")]
    spelt = [respell(one, spelling, reading(""), seeded()) for one in as_read(GOLD)]
    wanted = as_read([perturb(document) for document in GOLD])  # in lower case, with fewer ends of sentences
    assert [w for one in spelt for w in one.words] == [w for one in wanted for w in one.words]
    assert [t for one in spelt for t in one.tags] == [t for one in wanted for t in one.tags]


def test_lines_are_joined_as_a_tagger_reads_a_text_without_line_breaks():
    readings = as_read(GOLD)
    joined, rest = [], reading("")
    for one, following in zip(readings, following_lines(readings), strict=True):
        rest = Reading(rest.words + one.words, rest.tags + one.tags, one.document)
        if not following.words:
            joined.append(rest)
            rest = reading("")
    assert joined == as_read([PERTURBATIONS["joined lines"](document) for document in GOLD])
    assert len(joined) < len(readings)


WORDS = ["Huế", "Công_an", "PC02", "H'Mông", "28/7/2023", "3", "TP", "ở", ",", "_", "\u0301", "ĐĐĐĐ1", "🙂", "và/hoặc"]


@st.composite
def readings_of_words(draw):
    pieces = draw(st.lists(st.tuples(st.sampled_from(["", "", "PER", "LOC"]), st.integers(1, 3)), min_size=1))
    tags = [
        tag
        for label, length in pieces
        for tag in ([f"B-{label}"] + [f"I-{label}"] * (length - 1) if label else ["O"] * length)
    ]
    return Reading(tuple(draw(st.sampled_from(WORDS)) for _ in tags), tuple(tags))


@given(readings_of_words(), readings_of_words(), st.sampled_from(SPELLINGS), st.integers(0, 9))
def test_tags_follow_the_words_and_mentions_keep_their_labels_and_order(one, other, spelling, seed):
    following = following_lines([one, other])[0]
    spelt = respell(one, spelling, following, seeded(seed))
    assert len(spelt.words) == len(spelt.tags)
    assert all(spelt.words)
    before = mentions_of(one) + (mentions_of(following) if spelling == "joined_lines" else [])
    assert [mention.label for mention in mentions_of(spelt)] == [mention.label for mention in before]
    if spelling not in {"telex_slips", "joined_lines"}:
        assert folded(spelt) == folded(one)
    if spelling != "lost_spaces":
        assert len(spelt.words) >= len(one.words)


def folded(one):
    """The letters of a sentence without case and marks."""
    return remove_diacritics("".join(one.words)).lower()


def test_spellings_are_drawn_as_often_as_they_say():
    generator = seeded()
    drawn = [draw_spelling({"capitals": 0.25, "lower_case": 0.0, "no_tones": 0.5}, generator) for _ in range(4000)]
    assert drawn.count("capitals") == pytest.approx(1000, abs=90)
    assert drawn.count("no_tones") == pytest.approx(2000, abs=100)
    assert drawn.count(None) == 4000 - drawn.count("capitals") - drawn.count("no_tones")
    assert {draw_spelling({"capitals": 0.4, "no_tones": 0.6}, generator) for _ in range(1000)} == {
        "capitals",
        "no_tones",
    }


class Pieces:
    """A tokenizer to which every word is one piece."""

    cls_token_id, sep_token_id, unk_token_id = 0, 1, 2

    def __init__(self):
        self.words = ["<s>", "</s>", "<unk>"]

    def tokenize(self, word):
        return [word]

    def convert_tokens_to_ids(self, words):
        self.words += [word for word in words if word not in self.words]
        return [self.words.index(word) for word in words]


LINES = [
    "Chiều nay , An B-PER Bình I-PER lên Ea_Súp B-LOC họp .",
    "Đội B-ORG 7 I-ORG ở Vĩnh B-LOC Thạch I-LOC khen Hà B-PER",
    "Sáng 3 người B-PER về Ổi B-LOC",
    "- Tổ PC02 B-ORG vắng",
] * 5


def examples(replacement=0.0, spelling=None, positions=64, lines=LINES):
    pieces = Pieces()
    checkpoint = SimpleNamespace(subwords=SubwordEncoder(pieces, positions), tags=TAGS)
    return pieces, Examples([reading(line) for line in lines], checkpoint, replacement, spelling)


def texts(pieces, made):
    """What the examples of an epoch say, with the tag of each word."""
    found = []
    for index in range(len(made)):
        ids, labels = (made[index][key][1:-1] for key in ("input_ids", "labels"))
        found.append(written(Reading(tuple(pieces.words[i] for i in ids), tuple(TAGS[i] for i in labels))))
    return found


ALL = dict.fromkeys(SPELLINGS, 0.12)


@pytest.mark.parametrize("spelling", [None, {}, dict.fromkeys(SPELLINGS, 0.0)])
@pytest.mark.parametrize("replacement", [0.0, 0.5])
def test_without_spellings_the_stream_of_random_numbers_is_that_of_the_mentions(replacement, spelling):
    pieces, made = examples(replacement, spelling)
    generator, expected, readings = seeded(), seeded(), [reading(line) for line in LINES]
    made.begin_epoch(generator)
    mentions = mentions_by_label(readings)
    swapped = [swap_mentions(one, mentions, replacement, expected) if replacement else one for one in readings]
    assert texts(pieces, made) == [written(one) for one in swapped]
    assert torch.equal(generator.get_state(), expected.get_state())


def test_an_epoch_is_the_same_in_every_process_and_after_a_resumption():
    kept, resumed = examples(0.3, ALL), examples(0.3, ALL)
    epochs = []
    for epoch in range(4):
        sampler = LengthSampler(kept[1], 4, seed=5)
        sampler.set_epoch(epoch)
        epochs.append((list(sampler), texts(*kept)))
    assert len({str(made) for _, made in epochs}) == 4
    sampler = LengthSampler(resumed[1], 4, seed=5)
    sampler.set_epoch(3)
    assert (list(sampler), texts(*resumed)) == epochs[3]


def test_every_epoch_rewrites_the_sentences_as_they_were():
    pieces, made = examples(spelling={"no_diacritics": 0.5})
    seen = set()
    for epoch in range(8):
        made.begin_epoch(seeded(epoch))
        seen |= {(index % 4, text) for index, text in enumerate(texts(pieces, made))}
    assert seen == {
        (index, text)
        for index, line in enumerate(LINES[:4])
        for text in (line, written(respell(reading(line), "no_diacritics", reading(""), seeded())))
    }


def test_joined_lines_are_read_as_far_as_the_window_goes():
    pieces, made = examples(spelling={"joined_lines": 1.0}, positions=13, lines=LINES[:4])
    made.begin_epoch(seeded())
    assert texts(pieces, made) == [
        LINES[0],
        f"{LINES[1]} Sáng 3 người B-PER về",
        f"{LINES[2]} {LINES[3]}",
        LINES[3],
    ]
    assert made.lengths() == [11, 13, 11, 6]


def test_a_run_trains_with_other_spellings_and_records_them(tmp_path):
    data = conll_data(tmp_path)
    spelling = sets(*(f"training.spelling.{name}=0.125" for name in SPELLINGS))
    run_inside("train", "configs/phobert-tiny.yaml", *tiny_config(data), *spelling, "--output", str(tmp_path / "a"))
    manifest = json.loads((tmp_path / "a/manifest.json").read_text())
    assert manifest["config"]["training"]["spelling"] == dict.fromkeys(SPELLINGS, 0.125)
    log = [json.loads(line) for line in (tmp_path / "a/all/train_log.jsonl").read_text().splitlines()]
    plain = [*tiny_config(data), "--output", str(tmp_path / "b")]
    run_inside("train", "configs/phobert-tiny.yaml", *plain)
    other = [json.loads(line) for line in (tmp_path / "b/all/train_log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [row["step"] for row in other]
    assert log[0]["loss"] != other[0]["loss"]

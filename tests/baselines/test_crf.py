import hashlib
import os
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from thidua_ner.baselines import crf
from thidua_ner.baselines.crf import CrfModel, token_features, train_crf
from thidua_ner.faults import DataError
from thidua_ner.text.iob2 import best_path, follows

TAGS = ("O", "B-X", "I-X", "B-Y", "I-Y")
CORPUS = [
    ([pair.rpartition("/")[0] for pair in line.split()], [pair.rpartition("/")[2] for pair in line.split()])
    for line in (
        "Đồng/O chí/O Hà/B-X Văn/I-X Lữ/I-X đến/O Huế/B-Y",
        "Đồng/O chí/O Trần/B-X An/I-X rời/O Vinh/B-Y ./O",
        "Hôm/O nay/O ,/O đồng/O chí/O Lê/B-X Mạnh/I-X Hà/I-X đến/O Vinh/B-Y",
        "Không/O ai/O rời/O Huế/B-Y",
    )
]
ODD = st.sampled_from(["a:b", "a\\b", "\0", "a\0b", "", " ", "\n", "\ud800", "e\u0301", "İ", "ß", "ǅ", "²", "🙂", "=|"])


def marginals(model, tokens):
    """The table of one sentence."""
    (table,) = model.probabilities([tokens])
    return table


def fitted(path, sentences=CORPUS):
    train_crf(sentences, path, c1=0.01, c2=0.01, max_iterations=50)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("crf") / "toy.crf")


@pytest.fixture(scope="module")
def model(path):
    return CrfModel(path, TAGS)


def tagged(model, text):
    path = best_path(np.log(marginals(model, text.split()) + 1e-12), TAGS, follows)
    return " ".join(TAGS[column] for column in path)


def decomposed(tokens):
    return [unicodedata.normalize("NFD", token) for token in tokens]


def test_a_token_is_described_by_its_form_and_its_neighbours():
    first, second, third = token_features(["Ông", "PC02", "28/7"])
    assert {"0 word=ông", "0 shape=Xxx", "0 shapes=Xx", "0 prefix=ô", "0 suffix=ng", "0 title"} <= set(first)
    assert {"-1 begin", "-2 begin", "1 word=pc02", "1 upper", "2 word=28/7"} <= set(first)
    assert {"0 shape=XX00", "0 shapes=X0", "-1 word=ông", "-1 word=ông 0 word=pc02"} <= set(second)
    assert {"0 shape=00/0", "0 shapes=0/0", "1 end", "0 word=28/7 1 end"} <= set(third)


@pytest.mark.parametrize(
    ("token", "flags"),
    [("5", {"digit"}), ("CA", {"upper"}), ("Ca", {"title"}), ("ca", set()), ("…", {"mark"}), ("5/6", set())],
)
def test_flags_tell_kinds_of_token_apart(token, flags):
    named = {f"0 {flag}" for flag in ("digit", "upper", "title", "mark")}
    assert set(token_features([token])[0]) & named == {f"0 {flag}" for flag in flags}


def test_no_feature_of_a_token_stands_twice():
    for row in token_features(["a", "", "PC02", "Huế", "a"]):
        assert len(row) == len(set(row))


def test_a_model_learns_its_corpus_and_what_is_like_it(model):
    for tokens, tags in CORPUS:
        assert tagged(model, " ".join(tokens)) == " ".join(tags)
    assert tagged(model, "Đồng chí Phạm Đức Minh đến Hội") == "O O B-X I-X I-X O B-Y"


def test_order_of_neighbours_matters(model):
    known, turned = (marginals(model, text.split()) for text in ("chí Hà đến Huế", "Huế đến Hà chí"))
    assert not np.allclose(known, turned[::-1])


def test_columns_are_in_the_order_of_the_tags(path, model):
    tokens = CORPUS[0][0]
    turned = marginals(CrfModel(path, TAGS[::-1]), tokens)
    assert np.array_equal(turned[:, ::-1], marginals(model, tokens))


def test_an_unseen_tag_has_no_probability(path, model):
    wider = marginals(CrfModel(path, ("B-Z", *TAGS, "I-Z")), CORPUS[0][0])
    assert not wider[:, [0, -1]].any()
    assert np.array_equal(marginals(model, CORPUS[0][0])[:, 4], np.zeros(7))  # I-Y is not in the corpus
    assert np.allclose(wider.sum(1), 1)


def test_an_empty_sentence_has_no_rows(model):
    assert token_features([]) == []
    assert marginals(model, []).shape == (0, len(TAGS))


def test_empty_sentences_teach_nothing(tmp_path, path):
    assert fitted(tmp_path / "m", [([], []), *CORPUS, ([], [])]).read_bytes() == path.read_bytes()


def test_the_same_corpus_gives_the_same_bytes(tmp_path, path):
    code = (
        "import sys; from pathlib import Path; from tests.baselines.test_crf import fitted; fitted(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "other"], cwd=ROOT, check=True)
    assert (tmp_path / "other").read_bytes() == path.read_bytes()
    assert fitted(tmp_path / "again").read_bytes() == path.read_bytes()
    assert fitted(tmp_path / "part", CORPUS[1:]).read_bytes() != path.read_bytes()


def test_training_is_silent(tmp_path, capfd):
    fitted(tmp_path / "m")
    assert capfd.readouterr() == ("", "")


def test_penalties_and_iterations_are_used(tmp_path, path):
    settings = {"c1": 0.01, "c2": 0.01, "max_iterations": 50}
    for name, value in (("c1", 0.5), ("c2", 0.5), ("max_iterations", 3)):
        train_crf(CORPUS, tmp_path / name, **{**settings, name: value})
        assert (tmp_path / name).read_bytes() != path.read_bytes(), name


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[1:],
        lambda content: content[:4] + bytes(100),
        lambda content: content[:100],
        lambda content: content[:-1],
        lambda content: content[:-32],
        lambda content: content + b"\0",
        lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
    ],
)
def test_a_damaged_model_is_a_fault(tmp_path, path, damage):
    (tmp_path / "m").write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="is not a CRF model"):
        CrfModel(tmp_path / "m", TAGS)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:20_000],
        lambda content: content[:48],
        lambda content: content[:4] + (20_000).to_bytes(4, "little") + content[8:20_000],
        lambda content: content[:5680] + bytes(4096) + content[9776:],
        lambda content: content[:40] + bytes(4) + content[44:],
        lambda content: content[:44] + b"\xff" * 4 + content[48:],
        lambda content: content + bytes(8),
    ],
)
def test_a_sealed_model_that_is_not_whole_never_reaches_crfsuite(tmp_path, path, damage):
    content = damage(path.read_bytes()[:-32])
    (tmp_path / "m").write_bytes(content + hashlib.sha256(content).digest())
    with pytest.raises(DataError, match="is not a CRF model, or is damaged"):
        CrfModel(tmp_path / "m", TAGS)


@pytest.mark.skipif(os.name == "nt", reason="files have no limit there")
@pytest.mark.parametrize("limit", [100, 10_000])
def test_a_model_that_crfsuite_could_not_write_is_not_sealed(tmp_path, limit):
    code = (
        "import resource, sys; from pathlib import Path; from thidua_ner.baselines.crf import train_crf\n"
        "from thidua_ner.faults import run_program\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "pairs = [([str(n), 'Huế'], ['O', 'B-X']) for n in range(99)]\n"
        "run_program(lambda: train_crf(pairs, Path(sys.argv[1]), c1=0.01, c2=0.01, max_iterations=5))"
    )
    command = [sys.executable, "-c", code, tmp_path / "model", str(limit)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "CRFsuite could not write the whole model; free some space there, or set TMPDIR" in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_missing_model_is_a_fault(tmp_path):
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            CrfModel(place, TAGS)


def test_a_model_of_other_tags_is_a_fault(path):
    with pytest.raises(DataError, match="has the tag 'B-Y'"):
        CrfModel(path, TAGS[:3])


def test_a_model_of_nothing_is_a_fault(tmp_path):
    with pytest.raises(DataError, match="trained on nothing"):
        CrfModel(fitted(tmp_path / "m", []), TAGS)


def test_tokens_and_tags_must_be_as_many(tmp_path):
    with pytest.raises(ValueError, match="differ"):
        fitted(tmp_path / "m", [(["a", "b"], ["O"])])
    assert not (tmp_path / "m").exists()


def test_a_model_reads_its_file_only_once(tmp_path, path, model):
    (tmp_path / "m").write_bytes(path.read_bytes())
    copy = CrfModel(tmp_path / "m", TAGS)
    (tmp_path / "m").write_bytes(b"lCRF")
    assert np.array_equal(marginals(copy, CORPUS[0][0]), marginals(model, CORPUS[0][0]))


@given(st.lists(st.text(max_size=6) | ODD, max_size=8))
def test_any_tokens_have_features_that_decomposition_leaves_alone(tokens):
    described = token_features(tokens)
    assert len(described) == len(tokens)
    assert described == token_features(decomposed(tokens))
    assert not any("\0" in feature or not feature.encode() for row in described for feature in row)


@given(tokens=st.lists(st.text(st.characters(), max_size=6) | ODD, min_size=1, max_size=8))
def test_marginals_of_any_tokens_sum_to_one(model, tokens):
    table = marginals(model, tokens)
    assert table.shape == (len(tokens), len(TAGS))
    assert (table >= 0).all()
    assert np.allclose(table.sum(1), 1, atol=1e-9)


def test_odd_tokens_are_learnt_and_told_apart(tmp_path):
    pairs = [("a:b", "a:c"), ("\\a", "\\\\a"), ("a\0b", "a\0c"), ("\ud800", "\ud801"), ("", " ")]
    for number, (left, right) in enumerate(pairs):
        file = fitted(tmp_path / str(number), [([left], ["B-X"]), ([right], ["O"])] * 3)
        table = np.vstack([marginals(CrfModel(file, TAGS), [token]) for token in (left, right)])
        assert list(table.argmax(1)) == [1, 0], (left, right)


def described(tokens, index):
    """The features of a token one by one: those of each place of its window, then those of neighbouring places."""

    def form(place):
        if not 0 <= index + place < len(tokens):
            return ["begin" if index + place < 0 else "end"] * 2
        return crf._form(tokens[index + place])

    found = [f"{place} {feature}" for place in range(-2, 3) for feature in form(place)]
    for left in range(-2, 2):
        found += [f"{left} {a} {left + 1} {b}" for a, b in zip(form(left)[:2], form(left + 1)[:2], strict=True)]
    return list(dict.fromkeys(found))


@given(st.lists(st.sampled_from(["Công", "an", "PC02", "28/7", ".", "%"]) | ODD, max_size=8))
def test_what_is_remembered_of_tokens_gives_the_features_that_one_by_one_would_give(tokens):
    assert token_features(tokens) == [described(tokens, index) for index in range(len(tokens))]


def test_marginals_are_those_of_crfsuite(model):
    tokens = CORPUS[2][0]
    model._tagger.set(token_features(tokens))
    expected = [[model._tagger.marginal(tag, row) if tag != "I-Y" else 0.0 for tag in TAGS] for row in range(8)]
    assert marginals(model, tokens)[:8].tolist() == expected

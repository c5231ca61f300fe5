"""Configs, data sets to train on, and the records of runs and jobs: each is read as what it says, or refused."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import yaml
from hypothesis import strategies as st

from tests.conftest import ROOT, make_manifest
from tests.fuzz.damage import damaged_bytes, damaged_json, dump, file_sample
from tests.fuzz.documents import hold, text_of
from tests.fuzz.engine import Sample, Target, to_bytes, to_text
from thidua_ner.files import format_json, to_json
from thidua_ner.formats.texts import Refused
from thidua_ner.runs.folder import FoldFolder, FoldRecord, ModelConfig, RunFolder, model_type, read_model_config
from thidua_ner.runs.scored import read_scores
from thidua_ner.scoring.evaluation import evaluate_documents, format_evaluation
from thidua_ner.tagging.shards import JobRecord, RefusedRecord, ShardRecord, Shards, digest
from thidua_ner.text import iob2
from thidua_ner.text.spans import Document, Span
from train.config import HubData, load_config
from train.hub_data import load_hub_dataset

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"), key=lambda path: path.stat().st_size)

_OVERRIDES = [
    *(
        "seed=2",
        "training.epochs=3",
        "name=b",
        "training.patience=null",
        "seed",
        "=1",
        "seed=",
        ".=1",
        "a..b=1",
        "data=x",
    ),
    *("training=1", "training.epochs.x=1", "seed=1e3", "seed=[", "seed=*a", "name=\ud83d", "name=\0", "protocol=lodo"),
    *("data={format: conll, train: a}", "data={dataset: a}", "seed=" + "[" * 3000, "seed=2001-99-99", "crf.c1=.inf"),
    *(
        "data.dataset=a",
        "baseline=rules",
        "scratch.heads=3",
        "training.learning_rate=1e-3",
        "đ=1",
        "seed: 2=3",
        "seed=-0",
    ),
]
_YAML_LINES = [
    *(
        "seed: 2\n",
        "unknown: 1\n",
        "crf: {c1: 0.1, c2: 0.1, max_iterations: 9}\n",
        "training:\n",
        "- a\n",
        "? [a]\n: b\n",
    ),
    *(
        "a: &x b\n",
        "b: *x\n",
        "!!python/object/apply:os.getcwd []\n",
        "<<: {seed: 2}\n",
        "null: 1\n",
        "1: 2\n",
        "...\n",
    ),
    *(
        "---\n",
        "\tx: 1\n",
        "name: !!binary aGk=\n",
        "data: !!set {a}\n",
        "name: >\n  a\n",
        "%YAML 9.9\n",
        "[a]: b\n",
        "{\n",
    ),
    *("seed: 0o17\n", "seed: 1_0\n", "seed: 1:30\n", "name: yes\n", "name: 2024-01-01\n", "data: {dataset: a, x: 1}\n"),
    *(
        "data: {format: conll}\n",
        "data: {}\n",
        "data: []\n",
        "protocol: null\n",
        "'seed': 3\n",
        '"\\ud83d": 1\n',
        "\0\n",
    ),
]


@st.composite
def config_samples(draw: st.DrawFn) -> Sample:
    """Draw a published config, as it is, with overrides, with another line, or damaged."""
    content = draw(st.sampled_from(CONFIGS)).read_bytes()
    lines = content.splitlines(keepends=True)
    kind = draw(st.sampled_from(["valid", "overrides", "overrides", "line", "line", "bytes", "random"]))
    overrides: list[str] = []
    if kind == "overrides":
        overrides = draw(st.lists(st.sampled_from(_OVERRIDES), min_size=1, max_size=3))
    elif kind == "line":
        at = draw(st.integers(0, len(lines)))
        odd = st.sampled_from([*_YAML_LINES, *map(to_text, lines)])
        lines[at : at + draw(st.integers(0, 1))] = [to_bytes(draw(odd).encode("utf-8", "backslashreplace").decode())]
        content = b"".join(lines)
    elif kind == "bytes":
        content = draw(damaged_bytes(content))
    elif kind == "random":
        content = draw(st.lists(st.sampled_from(_YAML_LINES)).map("".join)).encode("utf-8", "backslashreplace")
    return Sample({"in.yaml": to_text(content)}, complete=kind == "valid", options={"overrides": overrides})


def _repeated_keys(node: yaml.Node | None) -> list[str]:
    """List the keys that are written twice in one mapping of YAML."""
    if not isinstance(node, yaml.CollectionNode):
        return []
    if not isinstance(node, yaml.MappingNode):
        return [key for one in node.value for key in _repeated_keys(one)]
    keys = [str(key.value) for key, _ in node.value]
    inner = [key for _, one in node.value for key in _repeated_keys(one)]
    return [*inner, *(key for key in set(keys) if keys.count(key) > 1)]


def check_config(sample: Sample, folder: Path) -> bool:
    """Each key has the value that is written, and none is written twice; only the benchmark's data has a protocol."""
    overrides = sample.options["overrides"]
    config = load_config(folder / "in.yaml", overrides)
    text = text_of(sample, "in.yaml")
    assert not _repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader)), "a key is written twice"
    read = config.model_dump()
    changed = {"protocol", *(override.partition("=")[0].partition(".")[0] for override in overrides)}
    for key, value in yaml.safe_load(text).items():
        if key not in changed and not isinstance(value, dict) and value is not None:
            assert read[key] == value, f"{key} is {read[key]!r}, not {value!r}"
    (folder / "again.yaml").write_text(yaml.safe_dump(config.model_dump(exclude_none=True)), encoding="utf-8")
    assert load_config(folder / "again.yaml") == config
    return True


_TOKENS = ["Công", "an", "tỉnh", "28/7", "🙂", "d\u0301", "a b", "O", "\u00a0x"]
_FEW = st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=3)


@st.composite
def hub_samples(draw: st.DrawFn) -> Sample:
    """Draw a folder with a split in JSON Lines; its first sentence has an entity."""
    sentences = [["Công", "an"], *draw(st.lists(_FEW, max_size=3))]
    tags = [["B-ORG", "I-ORG"], *([draw(st.sampled_from(["O", "B-LOC"])) for _ in one] for one in sentences[1:])]
    column = draw(st.sampled_from(["ner_tags", "tags", "labels"]))
    rows = [{"tokens": ours, column: theirs} for ours, theirs in zip(sentences, tags, strict=True)]

    def odd(number: int) -> st.SearchStrategy[bytes]:
        return damaged_json(rows[number]).map(lambda line: line + b"\n")

    sample = draw(
        file_sample("data/train.jsonl", [dump(row) + b"\n" for row in rows], rows, odd_chunk=odd, harmless=())
    )
    whole = [[row["tokens"], next(row[name] for name in row if name != "tokens")] for row in sample.whole]
    return Sample(sample.files, whole, sample.complete)


def _tagged_tokens(document: Document) -> list[list[str]]:
    """List the tokens of a row, as they were given, and their tags."""
    (sentence,) = document.given
    return [[token.text for token in sentence.tokens], iob2.encode(document.spans, sentence.tokens)]


def check_hub(sample: Sample, folder: Path) -> bool:
    """Each row is a sentence with its tokens and tags, or the data set is refused."""
    datasets.logging.set_verbosity(logging.CRITICAL + 1)
    fold = load_hub_dataset(HubData(dataset=str(folder / "data")))
    found = [_tagged_tokens(document) for document in fold.train_documents]
    assert len(fold.sentences) == len(found)
    hold(found, sample.whole, complete=sample.complete)
    assert len(found) == _count_values(text_of(sample, "data/train.jsonl")), found
    return True


def _count_values(text: str) -> int:
    """Count the JSON values of a text; `datasets` also reads one that spans lines."""
    decoder, at, count = json.JSONDecoder(), 0, 0
    while rest := text[at:].lstrip():
        _, length = decoder.raw_decode(rest)
        at, count = len(text) - len(rest) + length, count + 1
    return count


_GOLD = [
    Document("a", "Công an tỉnh Quảng Nam", (Span(0, 22, "ORG"),)),
    Document("b", "Ngày 28/7", (Span(0, 9, "DATE"),)),
]
_SHARD = [Document("a", "Công an"), Refused("b", "is not JSON"), Document("c", "")]
_JOB = JobRecord("m" * 64, "default", "jsonl", 3)


@cache
def _records() -> dict[str, list[Any]]:
    """Make valid records of each kind, as they are written."""
    predicted = [_GOLD[0].with_spans((Span(0, 12, "LOC", 0.5),)), _GOLD[1]]
    manifests = [make_manifest(name="a", protocol="lodo"), make_manifest(name="b", protocol=None, encoder="scratch")]
    folds = [FoldRecord(train_traces=("t",)), FoldRecord(fold="a", seed=1, train_documents={"a": "t"}, train_traces=())]
    empty = hashlib.sha256(b"part-00000.jsonl\0" + hashlib.sha256().digest()).hexdigest()
    shard = ShardRecord(digest(_SHARD), 2, (RefusedRecord("b", "is not JSON"),), empty)
    return {
        "manifest.json": [to_json(one) for one in manifests],
        "fold.json": [to_json(one) for one in folds],
        "scores.json": [to_json(evaluate_documents(_GOLD, one)) for one in (_GOLD, predicted)],
        "config.json": [to_json(ModelConfig({"0": "O", "1": "B-ORG", "2": "I-ORG"}, "crf", "none"))],
        ".shards/job.json": [to_json(_JOB)],
        ".shards/00000.json": [to_json(shard)],
    }


@st.composite
def record_samples(draw: st.DrawFn, name: str) -> Sample:
    """Draw a record, as it is or damaged."""
    value = draw(st.sampled_from(_records()[name]))
    chunk = dump(value, ascii_only=draw(st.booleans()))
    return draw(file_sample(name, [chunk], [value], odd_chunk=lambda _: damaged_json(value), harmless=()))


def record_check(read: Callable[[Path], Any]) -> Callable[[Sample, Path], bool]:
    """Make the check of a record; `read` gives the typed value, and uses it."""

    def check(sample: Sample, folder: Path) -> bool:
        """A valid record is read as what was written; any that is read can be written."""
        written = format_json(read(folder))
        assert written.encode("utf-8")
        if sample.complete:
            assert [json.loads(written)] == sample.whole
        return True

    return check


def _read_manifest(folder: Path) -> Any:
    manifest = RunFolder(folder).read_manifest()
    assert manifest.name
    assert manifest.protocol is None or isinstance(manifest.protocol, str)
    assert isinstance(manifest.encoder, str)
    return manifest


def _read_scores(folder: Path) -> Any:
    scores = read_scores(folder)
    assert format_evaluation(scores)
    return scores


def _read_model_config(folder: Path) -> Any:
    config = read_model_config(folder)
    assert model_type(folder) == config.model_type
    assert len(config.tags) == len(config.id2label)
    return config


@st.composite
def job_samples(draw: st.DrawFn) -> Sample:
    """Draw an output folder with a finished shard, of whose two records one may be damaged."""
    job, shard = ".shards/job.json", ".shards/00000.json"
    name, other = draw(st.permutations([job, shard]))
    sample = draw(record_samples(name))
    (kept,) = _records()[other]
    files = {**sample.files, other: to_text(dump(kept)), "part-00000.jsonl": ""}
    return Sample(files, sample.whole, sample.complete)


def check_job(sample: Sample, folder: Path) -> bool:
    """A finished shard is kept with its refused records, tagged again if damaged, or the folder is refused."""
    shards = Shards(folder, ".jsonl")
    with shards.opened(_JOB):
        state = shards.finished(0, _SHARD)
        if state is None:
            assert not sample.complete
            return False
        assert state.tagged + len(state.errors) == len(_SHARD), state
        assert shards.finish(1) == len(state.errors) == (folder / "errors.jsonl").read_text().count("\n")
    return True


_LOG = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "f1": 0.5}]


@st.composite
def log_samples(draw: st.DrawFn) -> Sample:
    def odd(number: int) -> st.SearchStrategy[bytes]:
        return damaged_json(_LOG[number]).map(lambda line: line + b"\n")

    chunks = [dump(row) + b"\n" for row in _LOG]
    return draw(file_sample("train_log.jsonl", chunks, _LOG, odd_chunk=odd, harmless=("crlf", "unended")))


def check_log(sample: Sample, folder: Path) -> bool:
    """Each line is a row of numbers by name, or the log is refused."""
    rows = FoldFolder(folder).read_log()
    hold(rows, sample.whole, complete=sample.complete)
    assert len(rows) == sum(bool(line.strip()) for line in text_of(sample, "train_log.jsonl").split("\n"))
    assert all(type(value) in {int, float} for row in rows for value in row.values()), rows
    return True


_READ: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "manifest": ("manifest.json", _read_manifest),
    "fold-record": ("fold.json", lambda folder: FoldFolder(folder).read_record()),
    "scores": ("scores.json", _read_scores),
    "model-config": ("config.json", _read_model_config),
}

TARGETS = {
    "config": Target(config_samples(), check_config),
    "hub-dataset": Target(hub_samples(), check_hub, 10),
    **{name: Target(record_samples(file), record_check(read)) for name, (file, read) in _READ.items()},
    "training-log": Target(log_samples(), check_log),
    "job": Target(job_samples(), check_job),
}

"""A run's config: one YAML file, every key known, every value checked."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator

from thidua_ner.baselines.taggers import CRF, Baseline
from thidua_ner.faults import DataError, Fault, fail
from thidua_ner.files import read_text
from thidua_ner.models.vocabulary import Vocabulary
from thidua_ner.text.iob2 import Repair
from thidua_ner.text.words import SEGMENTERS

SCRATCH = "scratch"
"""The encoder that is made from nothing."""

Unit = Field(ge=0.0, lt=1.0)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ScratchConfig(_Section):
    """The size of an encoder that is made from nothing, and the byte-pair merges that are learnt for it."""

    merges: int = Field(ge=0)
    hidden_size: int = Field(ge=8)
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    intermediate_size: int = Field(ge=8)
    positions: int = Field(ge=16)

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.hidden_size % self.heads:
            raise ValueError(f"hidden_size ({self.hidden_size}) is no multiple of heads ({self.heads})")
        return self


class ConllData(_Section):
    """Files of one token and its tag a line; the labels are those of the training file."""

    format: Literal["conll"]
    train: str
    validation: str | None = None
    test: str | None = None
    repair: Repair = "none"


class HubData(_Section):
    """Any dataset of tokens and tags, in a folder or on the hub."""

    dataset: str
    config: str | None = None
    repair: Repair = "none"


def _kind_of_data(value: Any) -> str:
    """Tell the three kinds of data apart by what is written."""
    if isinstance(value, HubData) or (isinstance(value, dict) and "dataset" in value):
        return "dataset"
    return "conll" if isinstance(value, (ConllData, dict)) else "benchmark"


Data = Annotated[
    Annotated[str, Tag("benchmark")] | Annotated[ConllData, Tag("conll")] | Annotated[HubData, Tag("dataset")],
    Discriminator(_kind_of_data),
]
_KINDS_OF_DATA = frozenset({"benchmark", "conll", "dataset"})


class TrainingConfig(_Section):
    """How the weights are learnt: AdamW, a linear warm-up over part of the updates, then a linear decay or none."""

    epochs: int = Field(ge=1)
    min_updates: int = Field(default=0, ge=0, description="more epochs are added until there are so many updates")
    batch_size: int = Field(ge=1, description="sentences an update, over all processes")
    learning_rate: float = Field(gt=0.0, le=1.0)
    head_learning_rate: float | None = Field(default=None, gt=0.0, le=1.0)
    schedule: Literal["linear", "constant"] = "linear"
    warmup: float = Unit
    weight_decay: float = Unit
    precision: Literal["auto", "fp32", "bf16"] = "fp32"
    mention_replacement: float = Field(default=0.0, ge=0.0, le=1.0, description="probability")
    position_shift: int = Field(default=0, ge=0, description="places")
    checkpoint_every: int = Field(default=100, ge=1, description="updates, rounded up to whole epochs")
    patience: int | None = Field(default=None, ge=1, description="epochs without a better F1 on validation")
    tensorboard: bool = False


class CrfConfig(_Section):
    """The penalties of a linear-chain CRF, L1 and L2, and the most steps of L-BFGS."""

    c1: float = Field(ge=0.0)
    c2: float = Field(ge=0.0)
    max_iterations: int = Field(ge=1)


class RunConfig(_Section):
    """What every run needs to be repeated."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    data: Data = "data"
    protocol: str = "transfer"
    seed: int = Field(ge=0, lt=2**32)


class BaselineConfig(RunConfig):
    """A tagger to compare with, which has no encoder."""

    baseline: Baseline
    crf: CrfConfig | None = None

    @model_validator(mode="after")
    def _crf_has_values(self) -> Self:
        if (self.baseline == CRF) != (self.crf is not None):
            raise ValueError(f"the section `crf` goes with `baseline: {CRF}`, and only with it")
        return self


class Config(RunConfig):
    """All that the run of an encoder needs to be repeated, beside the data."""

    encoder: str = Field(min_length=1)
    vocabulary: Vocabulary = "full"
    dropout: float = Unit
    attention_dropout: float = Unit
    scratch: ScratchConfig | None = None
    segmenter: Literal[tuple(SEGMENTERS)]  # type: ignore[valid-type]
    training: TrainingConfig

    @model_validator(mode="after")
    def _scratch_has_a_size(self) -> Self:
        if (self.encoder == SCRATCH) != (self.scratch is not None):
            raise ValueError(f"the section `scratch` goes with `encoder: {SCRATCH}`, and only with it")
        if self.encoder == SCRATCH and self.vocabulary != "full":
            raise ValueError(f"`encoder: {SCRATCH}` learns its vocabulary; leave out `vocabulary`")
        return self


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config | BaselineConfig:
    """Read a config and set `key=value` overrides (dotted keys); DataError names the line of each fault."""
    content = read_text(path)
    values = _load_yaml(path, content)
    if not isinstance(values, dict):
        fail(path, "holds no keys", "write a mapping like configs/cpu-small.yaml")
    lines = dict(_key_lines(yaml.compose(content, Loader=yaml.SafeLoader)))
    for override in overrides:
        lines[_override(values, override)] = 0
    try:
        return (BaselineConfig if "baseline" in values else Config).model_validate(values)
    except ValidationError as error:
        raise DataError([_fault(path, lines, item) for item in error.errors()]) from None


def _load_yaml(path: object, content: str) -> Any:
    """Read YAML without references, by which a few lines can stand for gigabytes; DataError names the line."""
    try:
        for event in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                fail(path, f"refers to *{event.anchor}", "write the value out: references are not read", line=line)
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        fail(
            path, f"not YAML ({getattr(error, 'problem', error)})", "mend the syntax", line=mark.line + 1 if mark else 0
        )
    except (ValueError, RecursionError) as error:  # a date that is none, a mapping a thousand deep
        fail(path, f"not YAML ({error})", "mend the syntax")


def _key_lines(node: yaml.Node | None, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Yield each dotted key of a YAML tree with its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{prefix}{key.value}", key.start_mark.line + 1
            yield from _key_lines(value, f"{prefix}{key.value}.")


def _override(values: dict[str, Any], override: str) -> str:
    """Set one `key=value` in place and return its key."""
    key, equals, text = override.partition("=")
    *parents, last = key.split(".")
    value = _load_yaml(f"--set {key}", text)
    if not equals or not last:
        fail("--set", f"{override!r} is not key=value", "write, for example, training.epochs=10")
    section = values
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            fail("--set", f"{key!r}: {parent!r} has no keys under it", "check the key's name")
    section[last] = value
    return key


def _fault(path: Path, lines: dict[str, int], item: Any) -> Fault:
    """Turn a finding of pydantic's into a fault of the config file."""
    parts = [str(part) for part in item["loc"]]
    if parts[:1] == ["data"] and parts[1:2] and parts[1] in _KINDS_OF_DATA:
        del parts[1]  # the kind, which is not written
    key = ".".join(parts)
    line = lines.get(key, lines.get(key.rpartition(".")[0], 0))
    if item["type"] == "extra_forbidden":
        return Fault(str(path), f"unknown key {key!r}", "correct its name or delete it", line=line)
    if item["type"] == "missing":
        return Fault(str(path), f"the key {key!r} is missing", "add it, as in configs/cpu-small.yaml", line=line)
    if item["type"] == "value_error":
        return Fault(str(path), f"{key}: {item['ctx']['error']}", "correct one of the two", line=line)
    remedy = "correct the value"
    if item["type"] == "float_type" and re.fullmatch(r"\d+e[+-]?\d+", str(item["input"])):
        remedy = f"write {str(item['input']).replace('e', '.0e')}: YAML takes it for a word without the point"
    return Fault(str(path), f"{key}: {item['msg']}, not {item['input']!r}", remedy, line=line)

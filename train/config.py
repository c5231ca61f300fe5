"""A run's config: one YAML file in which every key is known and every value is checked."""

import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from thidua_ner.baselines.folder import CRF, Baseline
from thidua_ner.faults import DataError, Fault, UsageError, fail
from thidua_ner.files import read_text
from thidua_ner.models.vocabulary import Vocabulary
from thidua_ner.protocols import TRANSFER, find_protocol
from thidua_ner.runs.manifest import NAME_PATTERN
from thidua_ner.text.iob2 import Repair
from thidua_ner.text.words import SEGMENTERS
from train.yaml_text import key_lines, load_yaml

SCRATCH = "scratch"
"""The encoder that is trained from random weights."""

Fraction = Field(ge=0.0, lt=1.0)

_EXAMPLE = Path("configs/cpu-small.yaml")
"""The config that shows what a config looks like; the other published ones are in its folder."""

_FAULT = "fault"
"""The type of our own findings, which bring their remedy along."""


def _contradiction(keys: str, what: str, remedy: str) -> PydanticCustomError:
    """Make a finding about several keys of a section, in the order in which they are looked for on the command line."""
    return PydanticCustomError(_FAULT, "{what}", {"what": what, "remedy": remedy, "keys": keys})


def _leave_out(key: str, default: str = "null") -> str:
    return f"leave out `{key}`, or add --set {key}={default}"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ScratchConfig(_Section):
    """The size of an encoder that is trained from random weights, and the byte-pair merges to learn for it."""

    merges: int = Field(ge=0, le=1_000_000)
    hidden_size: int = Field(ge=8, le=16_384)
    layers: int = Field(ge=1, le=256)
    heads: int = Field(ge=1, le=1_024)
    intermediate_size: int = Field(ge=8, le=131_072)
    positions: int = Field(ge=16, le=131_072)

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.hidden_size % self.heads:
            what = f"hidden_size ({self.hidden_size}) is not a multiple of heads ({self.heads})"
            raise _contradiction("heads hidden_size", what, "change one of the two")
        return self

    @property
    def weights(self) -> int:
        """Count the weights of the encoder, those of its layers and embeddings."""
        width = self.hidden_size
        layer = 4 * width * width + 2 * width * self.intermediate_size
        return self.layers * layer + (self.merges + self.positions) * width


class BenchmarkData(_Section):
    """The benchmark's dataset, in a folder, and other documents to validate on, in any format with annotations."""

    folder: str = Field(default="data", min_length=1)
    validation: str = Field(min_length=1)


class ConllData(_Section):
    """Files of one token and its tag per line; the labels are those of the training file."""

    format: Literal["conll"]
    train: str = Field(min_length=1)
    validation: str | None = None
    test: str | None = None
    tag_column: int | None = Field(default=None, ge=2, description="counted from 1, the token; the last by default")
    repair: Repair = "none"


class SplitNames(_Section):
    """The names that a dataset gives its splits; without them, common ones are known."""

    train: str
    validation: str | None = None
    test: str | None = None


class HubData(_Section):
    """Any dataset of tokens and tags, in a folder or on the hub."""

    dataset: str = Field(min_length=1)
    config: str | None = None
    splits: SplitNames | None = None
    repair: Repair = "none"


def _kind_of_data(value: Any) -> str:
    """Tell the kinds of data apart by what is written."""
    if isinstance(value, HubData) or (isinstance(value, dict) and "dataset" in value):
        return "dataset"
    is_benchmark = isinstance(value, dict) and ("folder" in value or set(value) <= {"validation"})
    if isinstance(value, BenchmarkData) or is_benchmark:
        return "validation"
    return "conll" if isinstance(value, (ConllData, dict)) else "benchmark"


Data = Annotated[
    Annotated[str, Tag("benchmark")]
    | Annotated[BenchmarkData, Tag("validation")]
    | Annotated[ConllData, Tag("conll")]
    | Annotated[HubData, Tag("dataset")],
    Discriminator(_kind_of_data),
]
_SET = "--set"
_MAX_DOTS = 3
_UNKNOWN = "correct its name or delete it"
_KINDS_OF_DATA = frozenset({"benchmark", "validation", "conll", "dataset"})


_PROBABILITY = Field(default=0.0, ge=0.0, le=1.0)


class SpellingConfig(_Section):
    """The probabilities, per sentence and epoch, of being read in another spelling of the text."""

    lower_case: float = _PROBABILITY
    capitals: float = _PROBABILITY
    title_case: float = _PROBABILITY
    no_tones: float = _PROBABILITY
    no_diacritics: float = _PROBABILITY
    telex_slips: float = _PROBABILITY
    lost_spaces: float = _PROBABILITY
    joined_lines: float = _PROBABILITY

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Self:
        total = math.fsum(dict(self).values())
        if total > 1 + 1e-9:  # decimal fractions are rounded
            remedy = "lower them, so that their sum is at most 1"
            raise _contradiction(" ".join(dict(self)), f"the probabilities add up to {total:.6g}", remedy)
        return self


class TrainingConfig(_Section):
    """How the weights are learnt: AdamW with a linear warm-up, then a linear decay or a constant learning rate."""

    epochs: int = Field(ge=1, le=1_000_000)
    min_updates: int = Field(
        default=0, ge=0, le=100_000_000, description="epochs are added until there are at least this many updates"
    )
    batch_size: int = Field(ge=1, le=65_536, description="sentences per update, over all processes")
    learning_rate: float = Field(gt=0.0, le=1.0)
    head_learning_rate: float | None = Field(default=None, gt=0.0, le=1.0)
    layer_decay: float = Field(
        default=1.0, gt=0.0, le=1.0, description="how much lower the rate of a layer is than that of the next one above"
    )
    schedule: Literal["linear", "constant"] = "linear"
    warmup: float = Fraction
    weight_decay: float = Fraction
    precision: Literal["auto", "fp32", "bf16"] = "fp32"
    mention_replacement: float = Field(default=0.0, ge=0.0, le=1.0, description="probability")
    spelling: SpellingConfig | None = None
    position_shift: int = Field(default=0, ge=0, le=131_072, description="positions")
    checkpoint_every: int = Field(default=100, ge=1, le=100_000_000, description="updates, rounded up to whole epochs")
    patience: int | None = Field(
        default=None, ge=1, le=1_000_000, description="epochs without a better F1 on validation"
    )
    tensorboard: bool = False


class CrfConfig(_Section):
    """The penalties of a linear-chain CRF, L1 and L2, and the maximum number of L-BFGS iterations."""

    c1: float = Field(ge=0.0)
    c2: float = Field(ge=0.0)
    max_iterations: int = Field(ge=1, le=1_000_000)


class JoinedCrfConfig(CrfConfig):
    """A CRF that is trained beside an encoder; `weight` is its exponent in the product of their probabilities."""

    weight: float = Field(gt=0.0, lt=1.0)


class RunConfig(_Section):
    """What every run needs to be repeated; `protocol` is None for data other than the benchmark's dataset."""

    name: str = Field(pattern=f"^{NAME_PATTERN}$", max_length=100)
    data: Data = "data"
    protocol: str | None = Field(default=None, validate_default=True)
    seed: int = Field(ge=0, lt=2**32)

    @field_validator("protocol")
    @classmethod
    def _protocol_of_the_benchmark(cls, protocol: str | None, info: ValidationInfo) -> str | None:
        """Check the protocol of the benchmark, `transfer` if none is named; other data has no protocol."""
        if not isinstance(info.data.get("data", ""), str | BenchmarkData):
            return None
        try:
            find_protocol(protocol or TRANSFER.name)
        except UsageError as error:
            (fault,) = error.faults
            raise _contradiction("", fault.what, fault.remedy) from None
        return protocol or TRANSFER.name


class BaselineConfig(RunConfig):
    """A tagger without an encoder, to compare with."""

    baseline: Baseline
    crf: CrfConfig | None = None

    @model_validator(mode="after")
    def _crf_has_values(self) -> Self:
        if self.baseline == CRF and self.crf is None:
            raise _contradiction(
                "baseline crf", "lacks the section `crf`, its penalties", "add it, as in configs/crf.yaml"
            )
        if self.baseline != CRF and self.crf is not None:
            what, remedy = f"{self.baseline!r} has no penalties, which the section `crf` gives", _leave_out("crf")
            raise _contradiction("baseline crf", what, remedy)
        return self


class Config(RunConfig):
    """What the run of an encoder needs to be repeated, apart from the data."""

    encoder: str = Field(min_length=1)
    vocabulary: Vocabulary = "full"
    dropout: float = Fraction
    attention_dropout: float = Fraction
    scratch: ScratchConfig | None = None
    segmenter: Literal[tuple(SEGMENTERS)]  # type: ignore[valid-type]
    training: TrainingConfig
    crf: JoinedCrfConfig | None = None

    @model_validator(mode="after")
    def _scratch_has_a_size(self) -> Self:
        if self.encoder == SCRATCH and self.scratch is None:
            what, remedy = "lacks the section `scratch`, its size", "add it, as in configs/phobert-tiny.yaml"
            raise _contradiction("encoder scratch", what, remedy)
        if self.encoder != SCRATCH and self.scratch is not None:
            what = f"{self.encoder!r} has a size, and the section `scratch` gives that of an encoder made from nothing"
            raise _contradiction("encoder scratch", what, f"{_leave_out('scratch')}, or take {_EXAMPLE}")
        if self.encoder == SCRATCH and self.vocabulary != "full":
            what = f"an encoder made from nothing learns its vocabulary, and `vocabulary` is {self.vocabulary!r}"
            raise _contradiction("vocabulary encoder", what, _leave_out("vocabulary", "full"))
        return self

    @model_validator(mode="after")
    def _crf_reads_syllables(self) -> Self:
        if self.crf is not None and self.segmenter != "none":
            what = f"the CRF reads syllables, and the segmenter {self.segmenter!r} joins them to words"
            remedy = f"set `segmenter: none`, or {_leave_out('crf')}"
            raise _contradiction("segmenter crf", what, remedy)
        return self


def load_config(path: Path, overrides: Sequence[str] = (), *, protocol: str | None = None) -> Config | BaselineConfig:
    """Read a config, and set `key=value` overrides (dotted keys) and a protocol.

    Raises DataError with the line of each fault, and UsageError if `protocol` is unknown or the data has none.
    """
    if protocol is not None:
        find_protocol(protocol)
        overrides = [*overrides, f"protocol={protocol}"]
    content = _read_config(path)
    values = load_yaml(path, content)
    if not isinstance(values, dict):
        fail(path, "holds no keys", f"write a mapping like {_EXAMPLE}")
    lines = key_lines(content)
    overridden = {_override(values, override) for override in overrides}
    kind = BaselineConfig if "baseline" in values else Config
    try:
        config = kind.model_validate(values)
    except ValidationError as error:
        faults = [_fault(path, lines, overridden, kind, item) for item in error.errors()]
        wrong_call = all(fault.file.startswith(_SET) for fault in faults)
        raise (UsageError if wrong_call else DataError)(faults) from None
    if protocol is not None and config.protocol is None:
        what = "only the benchmark's dataset has protocols, and `data` names another one"
        fail("--protocol", what, "leave it out, or add --set data=data", kind=UsageError)
    return config


def _read_config(path: Path) -> str:
    """Read the file; if it is none, name the published config that was probably meant."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        published = {other.stem: other for other in sorted(_EXAMPLE.parent.glob("*.yaml"))}
        for stem in difflib.get_close_matches(path.name.removesuffix(path.suffix), published, n=1):
            fail(path, what, f"did you mean {published[stem]}?")
        if not path.exists() or path.is_dir():
            fail(path, what, f"name a config, a YAML file such as {_EXAMPLE}")
    return read_text(path)


def _override(values: dict[str, Any], override: str) -> str:
    """Set one `key=value` in place and return its key."""
    key, equals, text = override.partition("=")
    *parents, last = key.split(".")
    if len(parents) > _MAX_DOTS:
        fail(f"{_SET} {key:.40}…", "has too many dots", "check the key's name", kind=UsageError)
    value = load_yaml(f"{_SET} {key}", text, kind=UsageError)
    if not equals or not last:
        fail(_SET, f"{override!r} is not key=value", "write, for example, training.epochs=10", kind=UsageError)
    section = values
    if key == "data.validation" and isinstance(values.get("data", ""), str):
        values["data"] = {"folder": values.get("data", "data")}
    for parent in parents:
        section = section.setdefault(parent, {})
        if not isinstance(section, dict):
            fail(f"{_SET} {key}", f"{parent!r} has no keys under it", "check the key's name", kind=UsageError)
    section[last] = value
    return key


def _fault(
    path: Path, lines: Mapping[str, int], overridden: Collection[str], kind: type[RunConfig], item: ErrorDetails
) -> Fault:
    """Turn a finding of pydantic into a fault of the config file, or of the override that it is about."""
    parts = [str(part) for part in item["loc"]]
    if parts[:1] == ["data"] and parts[1:2] and parts[1] in _KINDS_OF_DATA:
        del parts[1]  # the kind, which is not written
    context = item.get("ctx", {})
    named = [".".join([*parts, name]) for name in str(context.get("keys", "")).split()]
    set_here = [name for name in named if name in overridden]
    key = next(iter(set_here), ".".join(parts) or next(iter(named), ""))
    nearest = sorted(overridden, key=len, reverse=True)
    override = next((name for name in nearest if _is_about(key, name, lines)), None)
    about = "" if override == key or not key else f"{key}: "
    place = str(path) if override is None else f"{_SET} {override}"
    line = lines.get(key, lines.get(key.rpartition(".")[0], 0)) if override is None else 0
    if item["type"] == "extra_forbidden":
        known = [name for name in _known_keys(kind) if name != key]
        close = [name for name in known if name.endswith(f".{key}")] or difflib.get_close_matches(key, known, n=1)
        return Fault(place, f"unknown key {key!r}", f"did you mean {close[0]!r}?" if close else _UNKNOWN, line=line)
    if item["type"] == "missing":
        return Fault(place, f"the key {key!r} is missing", f"add it, as in {_EXAMPLE}", line=line)
    if item["type"] == _FAULT:
        return Fault(place, f"{about}{context['what']}", context["remedy"], line=line)
    remedy = "correct the value"
    if item["type"] == "float_type" and re.fullmatch(r"\d+e[+-]?\d+", str(item["input"])):
        remedy = f"write {str(item['input']).replace('e', '.0e')}: YAML reads it as a word without the point"
    return Fault(place, f"{about}{item['msg']}, not {item['input']!r}", remedy, line=line)


def _is_about(key: str, override: str, lines: Mapping[str, int]) -> bool:
    """Tell whether a fault of a key comes from an override: of it, of a key above it, or of one that brought it in."""
    return bool(key) and (f"{key}.".startswith(f"{override}.") or (override.startswith(f"{key}.") and key not in lines))


def _known_keys(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of a config."""
    for name, field in kind.model_fields.items():
        yield f"{prefix}{name}"
        for part in get_args(field.annotation) or (field.annotation,):
            section = getattr(part, "__origin__", part)  # without what annotates it
            if isinstance(section, type) and issubclass(section, BaseModel):
                yield from _known_keys(section, f"{prefix}{name}.")

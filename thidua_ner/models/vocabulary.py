"""Trim a multilingual Unigram tokenizer to the pieces that Vietnamese spelling can produce.

Most pieces of a multilingual vocabulary belong to scripts that Vietnamese news never use. A Unigram tokenizer (Kudo,
2018) splits a word into the most probable pieces, so the split does not change as long as those pieces are kept.
"""

import json
import string
import unicodedata
from typing import TYPE_CHECKING, Any, Literal

from thidua_ner.faults import fail
from thidua_ner.text.spelling import spell_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

Vocabulary = Literal["full", "vietnamese"]
"""The subwords of an encoder to keep: all, or only those that Vietnamese spelling can produce."""

MAX_LETTERS, MAX_CAPITALS = 3, 5
"""The most letters of a piece that is kept, for foreign names, if it is of ASCII letters or capitals (`UBND`, `QĐ`)."""

_SPACE = "▁"
_LATIN = frozenset(string.ascii_letters)
_OTHER_SCRIPTS = "\u2c00"
"""Characters from here on belong to other scripts, their punctuation included."""


def _is_kept(piece: str) -> bool:
    """Tell whether a piece is kept whatever the spelling: one or a few Latin letters, digits or punctuation."""
    body = piece.removeprefix(_SPACE)
    if body.isalpha():
        if _LATIN.issuperset(body):
            return len(body) <= (MAX_CAPITALS if body.isupper() else MAX_LETTERS)
        latin = all("LATIN" in unicodedata.name(letter, "") for letter in body)
        return latin and (len(body) == 1 or (body.isupper() and len(body) <= MAX_CAPITALS and "Đ" in body))
    return all(not c.isalpha() and unicodedata.category(c)[0] != "M" and c < _OTHER_SCRIPTS for c in body)


def vietnamese_pieces(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """List the ids of the pieces that Vietnamese text can need, sorted, special tokens included.

    These are the pieces of every syllable in three casings, after a space and after a bracket, and those that
    `_is_kept` accepts. Raises DataError if the tokenizer is not a Unigram tokenizer.
    """
    _description(tokenizer)
    used = set(tokenizer.all_special_ids)
    used.update(index for piece, index in tokenizer.get_vocab().items() if _is_kept(piece))
    words = list(spell_words())
    for form in (words, [f"({word}" for word in words]):
        for ids in tokenizer(form, add_special_tokens=False)["input_ids"]:
            used.update(ids)
    return sorted(used)


def _description(tokenizer: "PreTrainedTokenizerBase") -> dict[str, Any]:
    """Return the pipeline of a tokenizer as JSON; raises DataError if it is not a Unigram tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    description: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {}
    if description.get("model", {}).get("type") != "Unigram":
        fail(tokenizer.name_or_path, "has no Unigram tokenizer to trim", "set `vocabulary: full`")
    return description


def trim_tokenizer(tokenizer: "PreTrainedTokenizerBase", kept: list[int]) -> "PreTrainedTokenizerFast":
    """Make a tokenizer that has only the pieces with the ids `kept`, renumbered in this order.

    Raises DataError if the tokenizer is not a Unigram tokenizer.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    description = _description(tokenizer)
    model = description["model"]
    new_ids = {old: new for new, old in enumerate(kept)}
    model["vocab"] = [model["vocab"][old] for old in kept if old < len(model["vocab"])]
    model["unk_id"] = new_ids[model["unk_id"]]
    description["added_tokens"] = [
        {**token, "id": new_ids[token["id"]]} for token in description["added_tokens"] if token["id"] in new_ids
    ]
    for token in (description.get("post_processor") or {}).get("special_tokens", {}).values():
        token["ids"] = [new_ids[old] for old in token["ids"]]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(description)),
        model_max_length=tokenizer.model_max_length,
        **tokenizer.special_tokens_map,
    )

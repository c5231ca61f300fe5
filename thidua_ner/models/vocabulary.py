"""What Vietnamese spelling can produce, and a multilingual tokenizer cut down to it.

Most pieces of a multilingual vocabulary belong to scripts that Vietnamese news never use. A Unigram tokenizer
splits a word into the likeliest pieces, so that it splits as before as long as those pieces are still there.
"""

import json
import string
import unicodedata
from typing import TYPE_CHECKING, Any, Literal

from thidua_ner.faults import fail
from thidua_ner.text.spelling import spellings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

Vocabulary = Literal["full", "vietnamese"]
"""Keep every subword of an encoder, or only those that Vietnamese spelling can produce."""

SHORT, SHORT_CAPITALS = 3, 5
"""Letters in a piece of plain Latin letters that is kept, for foreign names, and in one of capitals (`UBND`, `QĐ`)."""

_SPACE = "▁"
_LATIN = frozenset(string.ascii_letters)
_OTHER_SCRIPTS = "\u2c00"
"""From here on Unicode has letters again, and signs that belong to them."""


def _is_kept(piece: str) -> bool:
    """Tell whether a piece stays for its characters alone: a Latin letter, a few of them, figures, punctuation."""
    body = piece.removeprefix(_SPACE)
    if body.isalpha():
        if _LATIN.issuperset(body):
            return len(body) <= (SHORT_CAPITALS if body.isupper() else SHORT)
        latin = all("LATIN" in unicodedata.name(letter, "") for letter in body)
        return latin and (len(body) == 1 or (body.isupper() and len(body) <= SHORT_CAPITALS and "Đ" in body))
    return all(not c.isalpha() and unicodedata.category(c)[0] != "M" and c < _OTHER_SCRIPTS for c in body)


def vietnamese_pieces(tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """List, in order, the ids of the pieces that Vietnamese text can need, special ones included.

    They are the pieces of every syllable in three casings, after a space and after a bracket, and those that
    `_is_kept` keeps.
    """
    _description(tokenizer)
    used = set(tokenizer.all_special_ids)
    used.update(index for piece, index in tokenizer.get_vocab().items() if _is_kept(piece))
    words = list(spellings())
    for form in (words, [f"({word}" for word in words]):
        for ids in tokenizer(form, add_special_tokens=False)["input_ids"]:
            used.update(ids)
    return sorted(used)


def _description(tokenizer: "PreTrainedTokenizerBase") -> dict[str, Any]:
    """Describe the pipeline of a tokenizer; DataError where it is not a Unigram one."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    description: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {}
    if description.get("model", {}).get("type") != "Unigram":
        fail(tokenizer.name_or_path, "has no Unigram tokenizer to trim", "set `vocabulary: full`")
    return description


def trim(tokenizer: "PreTrainedTokenizerBase", kept: list[int]) -> "PreTrainedTokenizerFast":
    """Make a tokenizer of the pieces `kept`, numbered in their order."""
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

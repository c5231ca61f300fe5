"""Strategies of damage: what happens to files in real life, and JSON values with something wrong in them."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.engine import Sample, to_text

BOM = b"\xef\xbb\xbf"

_DEEP, _HUGE, _ENDLESS = "@deep@", "@huge@", "@endless@"
_ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 7, 2**63, "", " ", "\ud83d", "\0", "7", "O", "B-ORG", "a\u2028b", "đ", "d\u0301"),
    *([], {}, [[]], [{}], [None], [1, 2], {"": None}, _DEEP, _HUGE, _ENDLESS, "Công an " * 500),
]
_RAW = {_DEEP: "[" * 5000 + "]" * 5000, _HUGE: "1" + "0" * 5000, _ENDLESS: "-1e999"}

_PIECES = [
    *("\0", "\ufeff", "\u2028", "\u00a0", "\u0085", "\x1c", "\r", "\n", "\r\n", "\n\n", "\t", " ", ",", ";", '"', "'"),
    *("🙂", "đ\u0301", "O", "-", "#", "\\", "\\ud83d", "\\u0000", "1e999", "9" * 5000, "[" * 3000, "{", "}", "null"),
    *("*a", "&a ", "!!binary ", "<<: ", "? ", "---\n", ".inf", "~", "# doc_id = d0\n", "T1\tORG 0 1\tC\n"),
]
_INSERTED = [*(piece.encode() for piece in _PIECES), b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x80\x80"]
_ENCODINGS = ["utf-16", "utf-16-le", "utf-32", "cp1258", "latin-1", "ascii"]
_SEPARATORS = [(b"\t", b" "), (b" ", b"\t"), (b",", b";"), (b",", b"\t"), (b" ", b"\xc2\xa0"), (b"\n", b"\r")]


def _cut(draw: st.DrawFn, content: bytes, at: int) -> bytes:
    return content[:at] + content[at + draw(st.sampled_from([1, 2, 10, len(content)])) :]


def _flip(draw: st.DrawFn, content: bytes, at: int) -> bytes:
    return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]


def _insert(draw: st.DrawFn, content: bytes, at: int) -> bytes:
    return content[:at] + draw(st.sampled_from(_INSERTED)) + content[at:]


def _repeat_line(_: st.DrawFn, content: bytes, at: int) -> bytes:
    start, end = content.rfind(b"\n", 0, at) + 1, (content.find(b"\n", at) + 1) or len(content)
    return content[:end] + content[start:end] + content[end:]


def _swap_lines(_: st.DrawFn, content: bytes, at: int) -> bytes:
    lines = content[at:].split(b"\n")
    return content[:at] + b"\n".join(lines[::-1])


def _separate(draw: st.DrawFn, content: bytes, at: int) -> bytes:
    return content[:at] + content[at:].replace(*draw(st.sampled_from(_SEPARATORS)))


def _encode(draw: st.DrawFn, content: bytes, _: int) -> bytes:
    return content.decode("utf-8", "replace").encode(draw(st.sampled_from(_ENCODINGS)), "replace")


def _decompose(draw: st.DrawFn, content: bytes, at: int) -> bytes:
    form = draw(st.sampled_from(["NFD", "NFKC"]))
    return content[:at] + unicodedata.normalize(form, to_text(content[at:])).encode("utf-8", "surrogateescape")


@st.composite
def damaged_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Damage a content in one to three ways."""
    for _ in range(draw(st.integers(1, 3))):
        damage = draw(
            st.sampled_from([_cut, _flip, _insert, _insert, _repeat_line, _swap_lines, _separate, _encode, _decompose])
        )
        content = damage(draw, content, draw(st.integers(0, len(content))))
    return content


def dump(value: object, *, ascii_only: bool = False) -> bytes:
    """Write JSON, with numbers and nesting that no value of Python gives; a lone surrogate is an escape."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    for marker, raw in _RAW.items():
        text = text.replace(f'"{marker}"', raw)
    return text.encode("utf-8", "backslashreplace")


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from _paths(one, (*at, key))


@st.composite
def damaged_json(draw: st.DrawFn, value: Any) -> bytes:
    """Damage a JSON value: another value, a key that is missing or written twice, an item too many."""
    *parents, last = draw(st.sampled_from([*_paths(value)][1:] or [()])) or (None,)
    value = json.loads(json.dumps(value))
    if last is None:
        return dump(draw(st.sampled_from(_ODD_VALUES)))
    place = value
    for key in parents:
        place = place[key]
    match draw(st.sampled_from(["replace", "replace", "replace", "delete", "repeat", "root"])):
        case "replace":
            place[last] = draw(st.sampled_from(_ODD_VALUES))
        case "delete":
            del place[last]
        case "repeat" if isinstance(place, list):
            place.append(place[last])
        case "repeat" if not parents:
            return b"{" + dump(last) + b": " + dump(draw(st.sampled_from(_ODD_VALUES))) + b", " + dump(value)[1:]
        case "root":
            value = draw(st.sampled_from(_ODD_VALUES))
    return dump(value, ascii_only=draw(st.booleans()))


@st.composite
def file_sample(
    draw: st.DrawFn,
    name: str,
    chunks: Sequence[bytes],
    whole: Sequence[Any],
    *,
    head: bytes = b"",
    odd_chunk: Callable[[int], st.SearchStrategy[bytes]] | None = None,
    harmless: Sequence[str] = ("bom", "crlf", "unended"),
    options: dict[str, Any] | None = None,
) -> Sample:
    """Draw a file of records, as it is or damaged; `chunks` are the bytes of each, `whole` what they hold.

    `harmless` are the changes after which everything is still read. `odd_chunk` gives what replaces a record, by its
    number.
    """
    kind = draw(st.sampled_from(["valid", "harmless", "chunk", "chunk", "bytes", "bytes", "random"]))
    content = valid = head + b"".join(chunks)
    untouched = len(valid)
    if kind == "harmless" and harmless:
        content = _changed(content, draw(st.sampled_from(harmless)))
    elif kind == "chunk" and odd_chunk is not None and chunks:
        at = draw(st.integers(0, len(chunks) - 1))
        before = head + b"".join(chunks[:at])
        content, untouched = before + draw(odd_chunk(at)) + b"".join(chunks[at + 1 :]), len(before)
    elif kind == "random":
        content, untouched = draw(st.binary(max_size=60) | st.text(max_size=60).map(str.encode)), -1
    elif kind in {"chunk", "bytes"}:
        content = draw(damaged_bytes(content))
        untouched = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(content, valid, strict=False)))
    complete = kind in {"valid", "harmless"}
    ends = [len(head) + sum(map(len, chunks[: number + 1])) for number in range(len(chunks))]
    kept = [one for one, end in zip(whole, ends, strict=True) if complete or end <= untouched]
    return Sample({name: to_text(content)}, kept, complete, options or {})


def _changed(content: bytes, change: str) -> bytes:
    match change:
        case "bom":
            return BOM + content
        case "crlf":
            return content.replace(b"\n", b"\r\n")
        case _:
            return content.removesuffix(b"\n")

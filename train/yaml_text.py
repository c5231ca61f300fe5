"""Reading YAML safely, with the line of each fault and of each key."""

from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from thidua_ner.faults import DataError, FaultError, fail

_MAX_SIZE = 50_000
"""The most characters that are read: YAML is slow, and no config or card is a fifth as long."""

_MAX_DEPTH = 20
"""The deepest nesting that is read, far deeper than that of any config."""

_MAX_NUMBER = 2**64
"""What every whole number is below."""

_STRING = "tag:yaml.org,2002:str"


class _Refusal(yaml.MarkedYAMLError):
    """YAML that is correct but not read here, with its line and what to do instead."""

    def __init__(self, what: str, remedy: str, mark: Any) -> None:
        super().__init__(problem=what, problem_mark=mark)
        self.remedy = remedy


class _PlainLoader(yaml.SafeLoader):
    """Reads words, numbers, lists and mappings with unique words as keys: no references, merges or tags."""

    def __init__(self, content: str) -> None:
        super().__init__(content)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            _refuse(f"refers to *{event.anchor}", "write the value out: references are not read", event)
        if getattr(event, "tag", None):
            _refuse(f"has the tag {event.tag!r:.80}", "write the value without a tag", event)
        if self._depth == _MAX_DEPTH:
            _refuse(f"is nested deeper than {_MAX_DEPTH} levels", "write the values flat", event)
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, ArithmeticError) as error:  # an impossible date, or a number with thousands of digits
            _refuse(f"the value cannot be read ({error})", "correct the value, or put it in quotes", node)
        if isinstance(value, int) and abs(value) >= _MAX_NUMBER:
            _refuse("the number is too large", "correct the value", node)
        return value


def _check_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag != _STRING:
            shown = repr(key.value)[:80] if isinstance(key, yaml.ScalarNode) else "that is a list or a mapping"
            _refuse(f"has a key {shown}", "write a word as the key: merges are not read", key)
        if key.value in seen:
            _refuse(f"has the key {key.value!r:.80} twice", "delete one of the two", key)
        seen.add(key.value)


def _refuse(what: str, remedy: str, place: yaml.Node | yaml.Event) -> NoReturn:
    raise _Refusal(what, remedy, place.start_mark)


def load_yaml(place: object, content: str, *, kind: type[FaultError] = DataError) -> Any:
    """Read YAML; raises an error of `kind`, with the line, if it is damaged, or larger or odder than a config is."""
    if len(content) > _MAX_SIZE:
        fail(place, f"has {len(content):,} characters; a config may have {_MAX_SIZE:,}", "shorten it", kind=kind)
    try:
        return yaml.load(content, Loader=_PlainLoader)  # noqa: S506 -- it is a safe loader
    except _Refusal as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        fail(place, str(error.problem), error.remedy, line=line, kind=kind)
    except yaml.reader.ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        what = f"is not YAML (the character U+{error.character:04X} is not allowed)"
        fail(place, what, "delete it", line=line, kind=kind)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = f"is not YAML ({getattr(error, 'problem', error)})"
        fail(place, what, "correct the syntax", line=mark.line + 1 if mark else 0, kind=kind)


def key_lines(content: str) -> dict[str, int]:
    """Map each dotted key of YAML that can be read to its line."""
    return dict(_key_lines(yaml.compose(content, Loader=yaml.SafeLoader), ""))


def _key_lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{prefix}{key.value}", key.start_mark.line + 1
            yield from _key_lines(value, f"{prefix}{key.value}.")

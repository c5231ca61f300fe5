"""Reading YAML safely, with the line of each fault and of each key."""

from collections.abc import Iterator
from typing import Any

import yaml

from thidua_ner.faults import DataError, FaultError, fail

_REMEDY = "correct the syntax"


def load_yaml(place: object, content: str, *, kind: type[FaultError] = DataError) -> Any:
    """Read YAML; raises an error of `kind`, with the line, if it is damaged.

    References are refused, since a few lines of them can expand to gigabytes.
    """
    try:
        for event in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 0
                remedy = "write the value out: references are not read"
                fail(place, f"refers to *{event.anchor}", remedy, line=line, kind=kind)
        return yaml.safe_load(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        fail(place, f"is not YAML ({getattr(error, 'problem', error)})", _REMEDY, line=line, kind=kind)
    except (ValueError, RecursionError) as error:  # an impossible date, or a mapping a thousand deep
        fail(place, f"is not YAML ({error})", _REMEDY, kind=kind)


def key_lines(content: str) -> dict[str, int]:
    """Map each dotted key of YAML that can be read to its line."""
    return dict(_key_lines(yaml.compose(content, Loader=yaml.SafeLoader), ""))


def _key_lines(node: yaml.Node | None, prefix: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{prefix}{key.value}", key.start_mark.line + 1
            yield from _key_lines(value, f"{prefix}{key.value}.")

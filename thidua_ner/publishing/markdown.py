"""Values of any origin as Markdown that shows them as they are."""

import re

_SPECIAL = re.compile(r"[\\`*_\[\]<>|&~$]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def plain_text(value: str) -> str:
    """Escape a value for a paragraph, a list or the cell of a table; line breaks become spaces."""
    return _SPECIAL.sub(lambda match: f"\\{match.group()}", _one_line(value))


def code_span(value: str) -> str:
    """Write a value as code; its fence is longer than any run of backticks in it, and line breaks become spaces."""
    shown = _one_line(value) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    margin = " " if "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{margin}{shown}{margin}{fence}"


def _one_line(value: str) -> str:
    return _CONTROLS.sub("\ufffd", " ".join(value.split()))

"""Convert spans to IOB2 tags over tokens and back, strictly unless the caller names a repair.

IOB2: every span begins with B- and continues with I- (Tjong Kim Sang and Veenstra, 1999).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.spans import Span
from thidua_ner.text.syllables import Token

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Repair = Literal["none", "conlleval", "discard"]
"""What to do with an I- tag that continues no span: raise an error, start a new span, or ignore the tag."""


@dataclass(slots=True)
class TagReading:
    """How the tags of a file are read, and how many of them the policy of repair has changed so far.

    `column` counts from 1, which is the token; None is the last column.
    """

    repair: Repair = "none"
    column: int | None = None
    changed: int = 0

    def read(self, tags: Sequence[str]) -> list[str]:
        """Return legal IOB2 tags, counting those that the policy changes; raises ValueError as `repair_tags` does."""
        legal = repair_tags(tags, self.repair)
        self.changed += sum(before != after for before, after in zip(tags, legal, strict=True))
        return legal


def is_tag(tag: str) -> bool:
    """Tell whether a string is an IOB2 tag."""
    return tag == OUTSIDE or (tag[:2] in {"B-", "I-"} and len(tag) > 2)


def follows(tag: str, previous: str) -> bool:
    """Tell whether `tag` may follow `previous`, which is `O` at the start of a sequence."""
    return not tag.startswith("I-") or previous in {f"B-{tag[2:]}", tag}


def encode(spans: Sequence[Span], tokens: Sequence[Token]) -> list[str]:
    """Return one IOB2 tag per token.

    Raises ValueError if a span overlaps another or does not begin and end on token boundaries.
    """
    starts = {token.start: index for index, token in enumerate(tokens)}
    ends = {token.end: index for index, token in enumerate(tokens)}
    tags = [OUTSIDE] * len(tokens)
    for span in spans:
        if span.start not in starts or span.end not in ends:
            raise ValueError(f"{span} does not begin and end on token boundaries")
        first, last = starts[span.start], ends[span.end]
        if any(tag != OUTSIDE for tag in tags[first : last + 1]):
            raise ValueError(f"{span} overlaps another span")
        tags[first : last + 1] = [f"B-{span.label}"] + [f"I-{span.label}"] * (last - first)
    return tags


def repair_tags(tags: Sequence[str], policy: Repair) -> list[str]:
    """Repair `tags` into a legal IOB2 sequence.

    Raises ValueError at the first string that is not a tag and, if `policy` is "none", at the first illegal I- tag.
    """
    if policy not in get_args(Repair):
        raise ValueError(f"{policy!r} is not a policy of repair; use one of {', '.join(get_args(Repair))}")
    repaired: list[str] = []
    previous = OUTSIDE
    for number, tag in enumerate(tags, start=1):
        if not is_tag(tag):
            raise ValueError(f"tag {number}: {tag!r} is not an IOB2 tag")
        if follows(tag, previous):
            previous = tag
        elif policy == "none":
            raise ValueError(f"tag {number}: {tag} continues nothing after {previous}")
        else:
            previous = f"B-{tag[2:]}" if policy == "conlleval" else OUTSIDE
        repaired.append(previous)
    return repaired


def decode(tags: Sequence[str], tokens: Sequence[Token], repair: Repair = "none") -> list[Span]:
    """Read the spans of a tag sequence, one tag per token.

    Raises ValueError if the lengths differ, or if the tags are illegal and `repair` does not allow it.
    """
    if len(tags) != len(tokens):
        raise ValueError(f"{len(tags)} tags for {len(tokens)} tokens")
    spans: list[Span] = []
    for tag, token in zip(repair_tags(tags, repair), tokens, strict=True):
        if tag.startswith("B-"):
            spans.append(Span(token.start, token.end, tag[2:]))
        elif tag.startswith("I-"):
            spans[-1] = Span(spans[-1].start, token.end, tag[2:])
    return spans


def best_path(
    scores: "NDArray[np.float64]",
    tags: tuple[str, ...],
    may_follow: Callable[[str, str], bool],
    edges: tuple[Sequence[bool], Sequence[bool]] | None = None,
) -> list[int]:
    """Find the sequence with the highest sum of scores in which each tag may follow the one before it (Viterbi, 1967).

    `scores` is tokens by tags, in the order of `tags`; `O` stands before the first and after the last tag. `edges`
    tells of each token whether a span may begin and whether one may end with it. Returns the column of each token.
    """
    import numpy as np

    if not len(scores):
        return []
    barriers = _barriers(tags, may_follow)
    # of each step to a token and out of the last one: whether a span may end before it and begin after it
    ends, begins = np.ones((2, len(scores) + 1), int)
    if edges is not None:
        begins[:-1], ends[1:] = edges
    path = scores.argmax(1)
    if barriers[ends, begins, [0, *(path + 1)], [*path, -1]].sum() < 0:  # the tokens' best tags are illegal
        return _viterbi(scores, barriers, ends, begins)
    return [int(tag) for tag in path]


@cache
def _barriers(tags: tuple[str, ...], may_follow: Callable[[str, str], bool]) -> "NDArray[np.float64]":
    """Return the scores of legality, 0 for legal and minus infinity for illegal.

    The first axis is whether a span may end and the second whether one may begin at a step from a tag, on the third, to
    another. `O` is the first of the third axis, for the step to the first token, and the last of the fourth.
    """
    import numpy as np

    steps = [[(previous, tag) for tag in (*tags, OUTSIDE)] for previous in (OUTSIDE, *tags)]
    legal = np.array([[may_follow(tag, previous) for previous, tag in row] for row in steps])
    ends, begins = (
        np.array([[pair[at] != OUTSIDE and not _continues(*pair) for pair in row] for row in steps]) for at in (0, 1)
    )
    allowed = [
        [legal & (may_end | ~ends) & (may_begin | ~begins) for may_begin in (False, True)] for may_end in (False, True)
    ]
    return np.where(allowed, 0.0, -np.inf)


def _continues(previous: str, tag: str) -> bool:
    """Tell whether a tag continues the span of the one before it, in any scheme."""
    return tag[0] in "IEL" and previous[0] in "BI" and tag[2:] == previous[2:]


def _viterbi(
    scores: "NDArray[np.float64]",
    barriers: "NDArray[np.float64]",
    ends: "NDArray[np.int64]",
    begins: "NDArray[np.int64]",
) -> list[int]:
    """Find the best path through `scores` (tokens by tags), adding the barrier of each step."""
    total = scores[0] + barriers[ends[0], begins[0], 0, :-1]
    inner = barriers[:, :, 1:, :-1]
    pointers = []
    for row, end, begin in zip(scores[1:], ends[1:], begins[1:], strict=False):
        candidates = total[:, None] + inner[end, begin]
        pointers.append(candidates.argmax(0))
        total = candidates.max(0) + row
    path = [int((total + barriers[ends[-1], begins[-1], 1:, -1]).argmax())]
    for pointer in reversed(pointers):
        path.append(int(pointer[path[-1]]))
    return path[::-1]

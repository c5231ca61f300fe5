"""The tagging schemes of models: which tag sequences each allows, and the same sequences in IOB2.

    IOB2    B-X begins a span, I-X continues it; the scheme of this project
    IOB1    B-X only between two adjacent spans of X; any other span begins with I-X (Ramshaw and Marcus, 1995)
    IO      no B-X at all: adjacent spans of X are one
    BIOES   B-X, I-X and E-X for the first, inner and last tokens of a span, S-X for its only one
    BILOU   the same with L-X for the last token and U-X for the only one (Ratinov and Roth, 2009)

The tags of IOB1 in full are those of IOB2, and are read as such: they are told apart by a label without a B- tag.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from thidua_ner.faults import some_of
from thidua_ner.text import iob2
from thidua_ner.text.labels import OUTSIDE

_IN_IOB2 = {"E": "I", "L": "I", "S": "B", "U": "B"}


class Scheme(NamedTuple):
    """A tagging scheme: whether a tag may follow another (`O` before and after a sequence), and a sequence in IOB2."""

    name: str
    may_follow: Callable[[str, str], bool]
    as_iob2: Callable[[Sequence[str]], list[str]]


def find_scheme(tags: Sequence[str]) -> Scheme:
    """Find the scheme of a model's tags; raises ValueError, which says what they are, if they are of none."""
    repeated = [tag for tag, count in Counter(tags).items() if count > 1]
    if repeated:
        raise ValueError(f"repeats {some_of(repeated)}")
    odd = [tag for tag in tags if tag != OUTSIDE and not (tag[:1] in set("BIESLU") and tag[1:2] == "-" and tag[2:])]
    if odd:
        raise ValueError(f"has {some_of(odd)}, not tags such as O, B-PER and I-PER")
    if OUTSIDE not in tags:
        raise ValueError(f"has no {OUTSIDE}, the tag of tokens outside all spans")
    prefixes: dict[str, set[str]] = {}
    for tag in tags:
        if tag != OUTSIDE:
            prefixes.setdefault(tag[2:], set()).add(tag[0])
    used = set().union(*prefixes.values())
    if used <= set("BI"):
        beginnings = {label for label, own in prefixes.items() if "B" in own}
        name = "IOB2" if beginnings == set(prefixes) else "IOB1" if beginnings else "IO"
        return _IOB2 if name == "IOB2" else Scheme(name, _always, _repaired)
    for name, last, only in (("BIOES", "E", "S"), ("BILOU", "L", "U")):
        if used <= {"B", "I", last, only}:
            broken = [label for label, own in prefixes.items() if not _spans_end(own, last)]
            if broken:
                raise ValueError(f"has spans of {some_of(broken)} that never begin or never end in {name}")
            return Scheme(name, _follows_in_chunks, _renamed)
    raise ValueError(f"mixes the prefixes {', '.join(sorted(used))} of several tagging schemes")


def _spans_end(prefixes: set[str], last: str) -> bool:
    """Tell whether the spans of a label can begin and end."""
    return ("B" in prefixes) == (last in prefixes) and ("I" not in prefixes or "B" in prefixes)


def _always(_: str, __: str) -> bool:
    return True


def _repaired(tags: Sequence[str]) -> list[str]:
    """Begin a span at each I- tag that continues none."""
    return iob2.repair_tags(tags, "conlleval")


def _follows_in_chunks(tag: str, previous: str) -> bool:
    """Tell whether a tag of BIOES or BILOU may follow another: a span that has begun must go on to its last token."""
    if previous[0] in "BI":
        return tag[0] in "IEL" and tag[2:] == previous[2:]
    return tag[0] not in "IEL"


def _renamed(tags: Sequence[str]) -> list[str]:
    return [_IN_IOB2.get(tag[0], tag[0]) + tag[1:] for tag in tags]


_IOB2 = Scheme("IOB2", iob2.follows, list)

"""The tagging schemes of models and of files: how each is known, which tag sequences it allows, and these in IOB2.

    IOB2    B-X begins a span, I-X continues it; the scheme of this project
    IOB1    B-X only between two adjacent spans of X; any other span begins with I-X (Ramshaw and Marcus, 1995)
    IO      no B-X at all: adjacent spans of X are one
    BIOES   B-X, I-X and E-X for the first, inner and last tokens of a span, S-X for its only one
    BILOU   the same with L-X for the last token and U-X for the only one (Ratinov and Roth, 2009)

The tags of IOB1 in full are those of IOB2, and are read as such: they are told apart by a label without a B- tag.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from thidua_ner.faults import some_of
from thidua_ner.text import iob2
from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.spans import is_label

FILE_SCHEMES = {"IOB2": "BI", "BIOES": "BIES", "BILOU": "BILU"}
"""The schemes of files that are read, by the letters of their prefixes: no two spans run together."""

_IN_IOB2 = {"E": "I", "L": "I", "S": "B", "U": "B"}
"""What the letters of the other schemes are in IOB2."""


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
    odd = [tag for tag in tags if not has_prefix(tag) or (tag != OUTSIDE and not is_label(tag[2:]))]
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
    return [_IN_IOB2.get(tag[:1], tag[:1]) + tag[1:] for tag in tags]


_IOB2 = Scheme("IOB2", iob2.follows, list)


def has_prefix(tag: str) -> bool:
    """Tell whether a string is `O` or a tag of any scheme that is read: a letter, a hyphen and a label."""
    return tag == OUTSIDE or (tag[:1] in set("BIESLU") and tag[1:2] == "-" and len(tag) > 2)


def why_no_tag(tag: str) -> str:
    """Name the scheme of a string that is no tag of a scheme that is read."""
    if not tag:
        return "it is empty"
    if re.fullmatch("[BIESLUM]", tag):
        return "a bare letter, which names no label"
    if re.fullmatch("[BIESLUbieslu][-_–—].*|o", tag):
        return "a prefix is a capital letter and a hyphen, and no tag is a capital O"
    if re.fullmatch(".+[-_][BIESLUM]", tag):
        return "the letter is a suffix: the scheme has LABEL-B instead of B-LABEL"
    if re.fullmatch(r"LABEL_\d+", tag):
        return "the name of a class that was never given a tag"
    if tag.startswith("M-"):
        return "the scheme is BMES"
    if re.fullmatch(r"-?\d+", tag):
        return "a number without a name"
    return "it has no prefix: the scheme is IO, which cannot tell neighbours apart"


def scheme_of(tags: Iterable[str]) -> str:
    """Name the scheme of tags by their prefixes; raises ValueError if they mix the prefixes of two schemes."""
    letters = {tag[0] for tag in tags if tag != OUTSIDE and has_prefix(tag)}
    for scheme, known in FILE_SCHEMES.items():
        if letters <= set(known):
            return scheme
    raise ValueError(f"the prefixes {', '.join(sorted(letters))} mix two schemes")


def to_iob2(tags: Sequence[str], scheme: str) -> list[str]:
    """Write the tags of a sentence in IOB2, as they stand: legal or not."""
    return list(tags) if scheme == "IOB2" else _renamed(tags)


def unclosed(tags: Sequence[str], scheme: str) -> list[int]:
    """List the places at which a sequence of BIOES or BILOU begins or ends a span other than the scheme says."""
    if scheme == "IOB2":
        return []
    last = FILE_SCHEMES[scheme][2]
    open_after = [tag[:2] in {"B-", "I-"} for tag in tags]
    continues = [tag[:2] in {"I-", f"{last}-"} for tag in tags]
    return [
        place
        for place, is_open in enumerate(open_after)
        if is_open and not (place + 1 < len(tags) and continues[place + 1] and tags[place + 1][2:] == tags[place][2:])
    ]

"""A tagger of rules and gazetteers, which learns nothing.

The gazetteers are the lists of `rules.tsv`. A pattern refers to a list as `~list`, in lower case, and to a building
block below as `~Block`. A rule finds the groups named `span` of its pattern or, if it has none, the whole match. A rule
without a label blocks what is not an entity. Of overlapping candidates the one that begins first is kept; of those, the
longest; of those, the one of the first rule.
"""

import csv
from array import array
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby

import regex

from thidua_ner.text.characters import compose, replace_lookalikes, visible_text
from thidua_ner.text.labels import DATE, LOC, NUM, ORG, PER, RANK
from thidua_ner.text.spans import Span

_BLOCKS = {
    "Name": r"\p{Lu}[\p{L}\p{M}]*+(?:['’]\p{Lu}[\p{L}\p{M}]*+)?",
    "Stop": r"(?:(?<= \p{Lu})\.(?!\p{L}))?",
    "Capital": r"(?!~rank|~not_a_name\b)~Name",
    "Names": r"~Capital(?: ~Name){0,3}",
    "Person": r"~Capital(?: ~Name){0,4}~Stop",
    "Initials": r"(?!~adm|~upper_adm)(?:(?:\p{Lu}\p{Ll}?\.){2,4}\p{Lu}?|\p{Lu}\p{Ll}?\. ?~Name)",
    "Author": r"(?:~Initials|(?!~not_a_name\b)\p{Lu}\p{Ll}++(?: \p{Lu}\p{Ll}++){1,3})",
    "ShortRank": r"~rank_first/~rank_last",
    "Place": r"(?:~province|~city|~region|~country)",
    "Adm": r"(?:~upper_adm|~adm)",
    "Located": r"(?:~Adm |~short_adm\.)(?:~Place|~Names|(?:số )?\d{1,2}(?!\d))",
    "Code": r"~agency_code\d{2}",
    "Word": r"(?:~body|~whole_body|(?:và |về )?~subject|~Code)\b",
    "Inner": r"(?> (?:~Word|số \d{1,3}|\d{1,4}(?! ~Adm\b)|(?!~Place\b)~Capital))",
    "Outer": r"(?> (?:~Located|~Place\b|~own_adm\b(?!, ~Adm\b)))",
    "Tail": r"(?P<part>~Inner){0,12}+(?P<part>~Outer){0,2}+(?(part)|(?!))",
    "Figure": r"\d++(?:\.\d{3})*+(?:,\d++)?",
    "Words": r"(?:~unit (?:mươi|chục)(?: ~ending)?|~ten|(?:~unit|năm) (?:trăm|~multiplier)|~unit)",
    "Year": r"(?:19|20)\d{2}",
    "Month": r"(?:1[0-2]|0?[1-9])",
    "Day": r"(?:[12]\d|3[01]|0?[1-9])",
    "Date": r"~Day(?:/~Month(?:/~Year)?|-~Month(?:-~Year)?|\.~Month\.~Year)",
    "OfYear": r"(?:[/-]~Year| năm ~Year| năm ~near)",
}
"""Building blocks of patterns; a block may refer to those above it."""

_RULES = (
    # not entities: kinds, identifiers, clock times
    (None, r"~kind"),
    (None, r"(?<!tổng |trong )~document [\d/]++[\p{L}\d/.&-]*+"),
    (None, r"\d{1,2} ?(?:giờ|h) ?\d{1,2}(?!\d| phút)|\d{1,2}:\d{2}(?::\d{2})?"),
    (None, r"~clock_cue \d{1,2} ?(?:giờ|h)(?: ?\d{1,2})?"),
    (None, r"anh \d++(?: \d++)?|\d{3,4}(?:\.\w{3}){2,3}|0\d{8,10}|24/24|24/7|GMT[+-]\d{1,2}"),
    # persons after a rank or a form of address
    (PER, r"(?:~rank|~ShortRank|~address) (?P<span>~Initials|~Person)"),
    # organisations
    (ORG, r"~whole_body(?:~Outer)?|công an~Outer"),
    (ORG, r"(?:~body|~lower_body(?= \p{Lu}))~Tail"),
    (ORG, r"~Code"),
    (ORG, r"(?<![@/.])[a-zA-Z][\w-]{1,40}(?:\.[\w-]{2,20}){0,3}\.(?:vn|com|net|org)"),
    (ORG, r"[(\[](?P<span>\p{Lu}{3,6})[)\],]"),
    # places
    (LOC, r"(?:(?<!~many |\d )~Adm )?~Place"),
    (LOC, r"(?<!~many |\d )~Located"),
    (LOC, r"(?:~place_head|hồ) (?:~Names|\d{1,3}\p{Lu}?)(?: - ~Name)?"),
    (LOC, r"(?:các|\d+|~unit) ~Adm (?P<span>~Names)(?:, (?P<span>~Names)){0,9}(?: và (?P<span>~Names))?"),
    (LOC, r"(?P<span>~short_country) ?[-–] ?(?P<span>~short_country)"),
    (LOC, r"~place_cue (?P<span>(?!~rank|~surname\b)~Name(?: ~Name){1,2})"),
    # ranks
    (RANK, r"~rank|~ShortRank"),
    # persons
    (PER, r"~person"),
    (PER, r"(?!~not_a_name\b)~surname(?: ~Name){1,4}~Stop"),
    (PER, r"~Initials"),
    (PER, r"(?m:^)(?P<span>~Author)(?: [-–] (?P<span>~Author))? ?(?m:$)"),
    (PER, r"~byline ?: ?(?P<span>~Initials|~Person)(?! \p{Ll})"),
    # dates
    (DATE, r"(?:~weekday(?:, | - | ))?(?:ngày |Ngày )?~Date(?: ?[-–] ?~Date)?"),
    (DATE, r"~part_of_day (?P<span>~Day[.-]~Month)"),
    (DATE, r"(?:~weekday(?:, | - | ))?[Nn]gày ~Day(?: tháng ~Month(?:~OfYear)?)?"),
    (DATE, r"~Year-\d{2}(?:-\d{2})?"),
    (DATE, r"(?:~part_of_year )?[Tt]háng (?:~Month(?:~OfYear)?|~near|~month_word)"),
    (DATE, r"(?:~part_of_year )?[Qq]uý (?:~roman|[1-4])(?:~OfYear)?"),
    (DATE, r"(?:~part_of_year )?(?:[Nn]ăm|NĂM) (?:~Year|~near)|~part_of_year (?:năm|tháng)"),
    (DATE, r"(?:\d{1,2}|~Words) tháng (?:đầu |cuối )?năm(?: ~Year)?"),
    (DATE, r"(?:[Gg]iai đoạn )?(?:~Month/)?~Year ?[-–] ?(?:~Month/)?~Year"),
    (DATE, r"~feast(?: ~stem ~branch)?(?:(?: năm)? ~Year)?|Tết ~stem ~branch(?: ~Year)?"),
    (DATE, r"~named_weekday|~Month/~Year"),
    (DATE, r"~year_cue[ :]{0,2}(?P<span>~Year)"),
    # numbers
    (NUM, r"(?<!\d[.,/:-]|[\p{L}\d]-|[ \n]-|\+)~Figure(?![.,/:-]\d)(?: ?%| ~multiplier)?"),
    (NUM, r"~Words(?: ~multiplier)?"),
    (NUM, r"(?:một|~unit) phần ~ordinal|một (?:trăm|~multiplier)|một nửa|nửa triệu|không phần trăm"),
    (NUM, r"(?<!\d )(?P<span>năm|Năm) ~counted"),
    (NUM, r"~ranking (?P<span>~ordinal|~roman|\d{1,3})"),
)
"""Each rule: the label of what it finds, or None, and its pattern."""


def find_spans(text: str) -> tuple[Span, ...]:
    """Find the entities of a text; the spans are sorted and do not overlap."""
    visible = visible_text(text)
    folded, at = _fold(replace_lookalikes(visible.text))
    found: list[Span] = []
    end = 0
    for start, stop, _, label in sorted(_candidates(folded)):
        if start >= end:
            end = -stop
            if label is not None:
                found.append(Span(*visible.range_of(at[start], at[end]), label))
    return tuple(found)


def _candidates(text: str) -> Iterator[tuple[int, int, int, str | None]]:
    """Yield each candidate as its start, its negated end, and the number and label of its rule."""
    for number, (label, pattern) in enumerate(_patterns()):
        for match in pattern.finditer(text):
            for start, end in match.spans("span") if "span" in pattern.groupindex else [match.span()]:
                yield start, -end, number, label


@cache
def _patterns() -> tuple[tuple[str | None, regex.Pattern[str]], ...]:
    """Compile the rules; each pattern matches whole syllables and numbers only."""
    parts = {name: _any_of(entries) for name, entries in _lists().items()}
    for name, pattern in _BLOCKS.items():
        parts[name] = f"(?:{_expanded(pattern, parts)})"
    whole = r"(?<![\p{{L}}\p{{M}}\p{{N}}_])(?:{})(?![\p{{L}}\p{{M}}\p{{N}}_])"
    return tuple((label, regex.compile(whole.format(_expanded(pattern, parts)))) for label, pattern in _RULES)


def _expanded(pattern: str, parts: dict[str, str]) -> str:
    """Replace the references in a pattern by what they refer to."""
    return regex.sub(r"~(\w+)", lambda match: parts[match[1]], pattern)


def _any_of(entries: list[str]) -> str:
    """Make a pattern of a list, with each entry as it is, capitalised, in title case and in capitals; longest first."""
    spelt = {form for entry in entries for form in (entry, entry[0].upper() + entry[1:], entry.title(), entry.upper())}
    return _trie(sorted(spelt))


def _trie(entries: list[str]) -> str:
    """Make a pattern in which sorted entries share their prefixes."""
    branches = [
        regex.escape(first) + _trie([entry[1:] for entry in group])
        for first, group in groupby(filter(None, entries), key=lambda entry: entry[0])
    ]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'' if entries[0] else '?'}"


@cache
def _lists() -> dict[str, list[str]]:
    """Read the lists by name."""
    table = files("thidua_ner.baselines").joinpath("rules.tsv").read_text(encoding="utf-8")
    lists: dict[str, list[str]] = defaultdict(list)
    for name, entry in csv.reader(table.splitlines()[1:], delimiter="\t", quoting=csv.QUOTE_NONE):
        lists[name].append(entry)
    return dict(lists)


def _fold(text: str) -> tuple[str, "array[int]"]:
    """Compose letters and replace white space inside a line by one space; also return each character's old offset."""
    parts: list[str] = []
    at = array("q")
    end = 0
    for match in regex.finditer(r"[ \t\u00a0]{2,}+|[\t\u00a0]|\P{M}\p{M}++", text):
        start, piece = match.start(), match.group()
        folded = " " if piece[0] in " \t\u00a0" else compose(piece)
        parts += [text[end:start], folded]
        at.extend(range(end, start))
        at.extend([start] * len(folded))
        end = match.end()
    at.extend(range(end, len(text) + 1))
    return "".join([*parts, text[end:]]), at

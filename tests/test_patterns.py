"""Every regular expression of the project takes time in proportion to the text, whatever the text is."""

import ast
import importlib
import re
from collections import deque
from functools import cache
from itertools import product

import regex

from tests.clocks import keeps_pace, seconds
from tests.conftest import ROOT
from thidua_ner.baselines import rules
from thidua_ner.corpus.coverage import cases

PACKAGES = ("thidua_ner", "train", "evaluate", "benchmarks")
CALLS = {"compile", "match", "fullmatch", "search", "findall", "finditer", "sub", "subn", "split"}

PASSED_ON = {
    ("thidua_ner.text.perturbations", "pattern"),  # the pattern of each call of `replace_matches` is tested
    ("thidua_ner.corpus.coverage", "pattern"),  # those of `coverage.tsv` are tested
    ("thidua_ner.baselines.rules", "whole.format(_expanded(pattern, parts))"),  # those of `_patterns()` are tested
}
"""The patterns that are not constants of their module: where they are compiled, and how they are written there."""

COMMON = "aA1 -./@_⟦\u0301"
"""Characters of the classes that patterns tell apart."""

LENGTHS = (250, 2500)
"""The lengths of the texts in characters; the first is short, so that a cubic pattern ends."""


@cache
def patterns():
    """How each pattern is applied, by where it is: those written in modules, and those of data files and lists."""
    found, passed_on = {}, set()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for kind, method, call in written_patterns(ast.parse(path.read_text())):
                source, names = ast.unparse(call.args[0]), vars(importlib.import_module(name))
                try:
                    value = eval(source, names)  # noqa: S307
                except NameError:
                    passed_on.add((name, source))
                    continue
                flags = eval(ast.unparse(call.args[1]), names) if method == "compile" and call.args[1:] else 0  # noqa: S307
                pattern = kind.compile(value, flags)
                found[f"{name}: {source[:60]}"] = pattern.finditer if method != "fullmatch" else pattern.fullmatch
    found |= {f"coverage.tsv: {case.rule} {case.what}": case.pattern.finditer for case in cases()}
    found |= {f"rule {number}": pattern.finditer for number, (_, pattern) in enumerate(rules._patterns())}
    return found, passed_on


def written_patterns(tree):
    """The module, the method and the call, pattern first, of each call that takes a pattern."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in CALLS and isinstance(called.value, ast.Name):
            if called.value.id in {"re", "regex"}:
                yield {"re": re, "regex": regex}[called.value.id], called.attr, node
        elif isinstance(called, ast.Name) and called.id == "replace_matches":
            yield re, "finditer", ast.Call(called, node.args[1:2], [])


def test_every_pattern_is_found():
    found, passed_on = patterns()
    assert passed_on == PASSED_ON
    assert len(found) > 150


def units(source):
    """What repetitions are made of: what is in the pattern itself and the usual classes of characters."""
    words = re.findall(r"[^\W_]{2,}(?: [^\W_]+)*", re.sub(r"\\[a-zA-Z]", " ", source))[:6]
    own = "".join(dict.fromkeys(c for c in source if not c.isalnum() and c not in "\\^$*+?{}[]|"))[:6]
    letters = "".join(dict.fromkeys(COMMON + own))
    yield from letters
    yield from map("".join, product(letters, repeat=2))
    yield from (f"{word}{mark}" for word in words for mark in ("", " ", "-"))


def is_slow(apply, unit, beginning):
    """Tell whether the time to apply a pattern grows faster than the text; what takes no time is not looked at."""

    def search(text):
        found = apply(beginning + text)
        deque(() if isinstance(found, re.Match) else found or (), maxlen=0)

    def takes_time(length):
        return seconds(lambda: search(unit * (length // len(unit)))) > 1e-3 + 5e-7 * length

    return any(takes_time(length) and not keeps_pace(search, unit, length) for length in LENGTHS)


def test_the_time_of_each_pattern_grows_with_the_text():
    slow = []
    for name, apply in patterns()[0].items():
        source = apply.__self__.pattern
        for beginning in ("", "⟦", "⟦1 ") if "⟦" in source else ("",):
            slow += [(name, beginning, unit) for unit in units(source) if is_slow(apply, unit, beginning)]
    assert slow == []

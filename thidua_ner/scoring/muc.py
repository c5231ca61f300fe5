"""The four MUC schemes, counted as `nervaluate` does: they give credit for near misses.

Each predicted span is paired with a gold span that it overlaps, if there is one; a gold span that makes it correct
under the scheme is preferred, and each gold span is used at most once. `strict` requires boundaries and label, `exact`
boundaries, `partial` boundaries (any overlap gives half a point), `type` the label and any overlap. The schemes are
those of MUC-5 and SemEval-2013 task 9.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from thidua_ner.scoring.pairing import overlaps
from thidua_ner.scoring.results import MucScore
from thidua_ner.text.spans import Document, Triple

_RIGHT: dict[str, Callable[[Triple, Triple], bool]] = {
    "strict": lambda gold, span: gold == span,
    "exact": lambda gold, span: gold[:2] == span[:2],
    "partial": lambda gold, span: gold[:2] == span[:2],
    "type": lambda gold, span: gold[2] == span[2],
}


def muc_schemes(gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, MucScore]:
    """Count the outcomes of each scheme over all documents; keys: strict, exact, partial, type."""
    schemes = {name: Counter[str]() for name in _RIGHT}
    for left, right in zip(gold, predicted, strict=True):
        # annotations are flat: equal spans overlap no other span, and are correct under every scheme
        equal = left.triples() & right.triples()
        rest, others = (sorted(side.triples() - equal) for side in (left, right))
        touched: dict[int, list[int]] = {}
        for known, found in overlaps(rest, others):
            touched.setdefault(found, []).append(known)
        for name, counts in schemes.items():
            outcomes = list(_outcomes(rest, others, touched, name))
            counts.update(outcomes)
            counts["correct"] += len(equal)
            counts["spurious"] += len(others) - len(touched)
            counts["missed"] += len(rest) - len(outcomes) + outcomes.count("spurious")
    return {name: _muc_score(counts) for name, counts in schemes.items()}


def _outcomes(
    gold: Sequence[Triple], predicted: Sequence[Triple], touched: dict[int, list[int]], scheme: str
) -> Iterator[str]:
    """Yield the outcome of each predicted span that overlaps gold spans; `touched` maps its index to theirs."""
    taken: set[int] = set()
    for place, places in touched.items():
        span, free = predicted[place], [known for known in places if known not in taken]
        right = [known for known in free if _RIGHT[scheme](gold[known], span)]
        if not free:
            yield "spurious"
            continue
        # if several gold spans fit, the one with the nearest boundaries
        taken.add(min(right, key=lambda known: _distance(gold[known], span)) if len(right) > 1 else (right or free)[0])
        yield "correct" if right else "partial" if scheme == "partial" else "incorrect"


def _distance(gold: Triple, span: Triple) -> int:
    return abs(gold[0] - span[0]) + abs(gold[1] - span[1])


def _muc_score(counts: Counter[str]) -> MucScore:
    """Turn outcomes into scores; a partial match is worth half, and a zero denominator gives 0."""
    points = counts["correct"] + 0.5 * counts["partial"]
    paired = counts["correct"] + counts["incorrect"] + counts["partial"]
    actual, possible = paired + counts["spurious"], paired + counts["missed"]
    return MucScore(
        correct=counts["correct"],
        incorrect=counts["incorrect"],
        partial=counts["partial"],
        missed=counts["missed"],
        spurious=counts["spurious"],
        precision=points / actual if actual else 0.0,
        recall=points / possible if possible else 0.0,
        f1=2 * points / (actual + possible) if actual + possible else 0.0,
    )

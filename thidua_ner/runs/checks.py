"""Whether figures are those of predictions on gold documents: they are computed again and compared."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from thidua_ner.faults import fail
from thidua_ner.files import to_json
from thidua_ner.runs.run import Run
from thidua_ner.scoring.breakdowns import breakdown
from thidua_ner.scoring.pairs import pair_scores
from thidua_ner.scoring.resampling import intervals
from thidua_ner.scoring.results import Evaluation
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document

SCORE_AGAIN = "score it again: `python -m evaluate RUN`, or `thidua-ner score` for predictions"
_ROUNDING = 1e-9
_MAX_COUNT = 2**53
_OF_TRAINING = ("seen", "trained_on", "run")
_REPAIRS = re.compile(r"\|repair:[a-z]+=[a-z]+(,[a-z]+=[a-z]+)?")
_REPAIR_NOTE = re.compile(r"(conlleval|discard) has changed [\d,]{1,20} tags of the (gold|predictions)")
_VERSION = re.compile(r"thidua-ner:[0-9A-Za-z.+-]+")


def check_ranges(path: Path, scores: Evaluation) -> None:
    """Raise DataError, naming the file, with the first number that is not finite or outside its range."""
    for key, number in _numbers(to_json(scores)):
        low = -1 if key.startswith("robustness.") else 0
        high = 1 if isinstance(number, float) and key != "run.train_documents" else _MAX_COUNT
        if not low <= number <= high:
            fail(path, f"{key} is {number}", SCORE_AGAIN)


def check_scores(
    path: Path, scores: Evaluation, gold: Sequence[Document], predicted: Sequence[Document], run: Run | None = None
) -> None:
    """Raise DataError, naming the file, unless its scores are those of the predictions on the gold.

    What they say of the training is checked only if the run is given. The version in the signature may be another.
    """
    known = {
        one.name: getattr(part, one.name)
        for part in (score(gold, predicted), breakdown(gold, predicted, run.mentions(gold) if run else None))
        for one in fields(part)
    }
    known |= {"trained_on": run.trained_on(gold), "run": run.facts} if run else {}
    unclaimed = {name for name in _OF_TRAINING if run is None or getattr(scores, name) is None}
    version, _, _ = scores.signature.partition("|")
    if _VERSION.fullmatch(version):
        known["signature"] = f"{version}|{known['signature'].partition('|')[2]}"
    if repairs := _REPAIRS.search(scores.signature):  # the tags as they stood are not known any more
        how, on, what = str(known["signature"]).partition("|gold:")
        known["signature"] = f"{how}{repairs[0]}{on}{what}"
        known["notes"] = (*known["notes"], *filter(_REPAIR_NOTE.fullmatch, scores.notes))
    computed = {name: value for name, value in known.items() if name not in unclaimed}
    check_same(
        path,
        scores,
        replace(scores, **computed, intervals=intervals(gold, predicted), pairs=pair_scores(gold, predicted)),
    )


def check_same(path: Path, written: Evaluation, computed: Evaluation) -> None:
    """Raise DataError, naming the file, with the first figure that differs by more than rounding."""
    for key in _differences(to_json(written), to_json(computed)):
        fail(path, f"{key} is not what its predictions on the gold give", SCORE_AGAIN)


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers of a JSON value with their keys."""
    if isinstance(value, int | float):
        yield key, value
    for name, inner in _items(value):
        yield from _numbers(inner, _joined(key, name))


def _differences(left: Any, right: Any, key: str = "") -> Iterator[str]:
    """Yield the keys at which two JSON values differ."""
    mine, yours = dict(_items(left)), dict(_items(right))
    if isinstance(left, float) and isinstance(right, float):
        if not math.isclose(left, right, rel_tol=0, abs_tol=_ROUNDING):
            yield key
    elif type(left) is not type(right) or mine.keys() != yours.keys() or (not mine and left != right):
        yield key or min(map(str, mine.keys() ^ yours.keys()))
    for name in [name for name in mine if name in yours]:
        yield from _differences(mine[name], yours[name], _joined(key, name))


def _items(value: Any) -> list[tuple[object, Any]]:
    """List the keys and values of an object or a list; nothing for other values."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _joined(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)

"""A linear-chain CRF over the forms of syllables: the classical tagger, with nothing learnt outside the training data.

A model file is CRFsuite's own, followed by the SHA-256 of it: the library crashes on a damaged model.
"""

import hashlib
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from thidua_ner.faults import fail
from thidua_ner.files import write_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 2
"""How many neighbours on each side describe a token."""

_AFFIXES = (1, 2, 3)
"""Lengths of prefixes and suffixes."""

_PAIRS = ((-2, -1), (-1, 0), (0, 1), (1, 2))
"""Places of neighbours that are described together, the token itself being 0."""

_DIGEST_SIZE = hashlib.sha256().digest_size


def features(tokens: Sequence[str]) -> list[list[str]]:
    """Describe each token by its form and those of its neighbours, decomposed text like composed."""
    forms = [_form(token) for token in tokens]
    return [list(dict.fromkeys(_around(forms, index))) for index in range(len(forms))]  # twice would count double


def _around(forms: Sequence[Sequence[str]], index: int) -> Iterator[str]:
    """Name the features of one token: each form in its window with its place, and the pairs of neighbours."""
    places = range(-_WINDOW, _WINDOW + 1)
    window = {place: _at(forms, index + place) for place in places}
    for place, form in window.items():
        yield from (f"{place} {feature}" for feature in form)
    for left, right in _PAIRS:
        for one, other in zip(window[left][:2], window[right][:2], strict=False):
            yield f"{left} {one} {right} {other}"


def _at(forms: Sequence[Sequence[str]], index: int) -> Sequence[str]:
    """Return the form at an index, or a name for what lies beyond that end of the sentence."""
    if index < 0:
        return ("begin", "begin")
    return forms[index] if index < len(forms) else ("end", "end")


@lru_cache(maxsize=1 << 16)  # most tokens of a text are frequent syllables
def _form(token: str) -> tuple[str, ...]:
    """Describe a token by itself: the word and its collapsed shape, then all else."""
    composed = unicodedata.normalize("NFC", token)
    word, shape = _printable(composed.lower()), "".join(map(_kind, composed))
    collapsed = "".join(kind for kind, _ in groupby(shape))
    affixes = [f"{side}={part}" for n in _AFFIXES for side, part in (("prefix", word[:n]), ("suffix", word[-n:]))]
    flags = {
        "digit": composed.isdigit(),
        "upper": composed.isupper(),
        "title": composed.istitle(),
        "mark": not any(map(str.isalnum, composed)),
    }
    true = [flag for flag, holds in flags.items() if holds]
    return (f"word={word}", f"shapes={collapsed}", f"shape={shape}", *affixes, *true)


def _kind(character: str) -> str:
    """Name the kind of a character; a mark of punctuation is its own."""
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return _printable(character)


def _printable(text: str) -> str:
    """Escape what CRFsuite cannot keep in a feature: NUL and half surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def train_crf(
    sentences: Iterable[tuple[Sequence[str], Sequence[str]]], path: Path, *, c1: float, c2: float, max_iterations: int
) -> None:
    """Train a model on tokens and their IOB2 tags with L-BFGS, the penalties `c1` (L1) and `c2` (L2), and write it."""
    from pycrfsuite import BaseTrainer
    from tqdm import tqdm

    with (
        tqdm(total=max_iterations, desc="CRF", unit="step", disable=None) as bar,
        tempfile.TemporaryDirectory() as folder,
    ):

        class Trainer(BaseTrainer):  # type: ignore[misc]
            """Moves the bar with each line of CRFsuite's log that begins a step."""

            def message(self, message: str) -> None:
                bar.update(message.startswith("***** Iteration"))

        trainer = Trainer("lbfgs", {"c1": c1, "c2": c2, "max_iterations": max_iterations}, verbose=False)
        for tokens, tags in sentences:
            trainer.append(features(tokens), tags)
        written = Path(folder) / "model"
        trainer.train(str(written))
        model = written.read_bytes()
    write_bytes(path, model + hashlib.sha256(model).digest())


class CrfModel:
    """A trained model that gives each token the probability of each tag."""

    def __init__(self, path: Path, tags: Sequence[str]) -> None:
        """Read a model that `train_crf` wrote; DataError where it is none or its tags are not among `tags`."""
        from pycrfsuite import Tagger

        self._model = _read_model(path)  # the tagger reads from it and does not own it
        self._tagger = Tagger()
        try:
            self._tagger.open_inmemory(self._model)
        except ValueError:
            fail(path, "is no CRF model", "train it again")
        known = self._tagger.labels()
        if unknown := sorted(set(known) - set(tags)):
            fail(path, f"has the tag {unknown[0]!r}", f"use a model of {', '.join(tags)}")
        if not known:
            fail(path, "was trained on nothing", "train it on tagged sentences")
        self.tags, self.segmenter = tuple(tags), "none"
        self._columns = [(list(tags).index(tag), tag) for tag in known]

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list["NDArray[np.float64]"]:
        """Compute marginal probabilities, tokens by tags; a tag that was not in the training data has none."""
        return [self._marginals(tokens) for tokens in sentences]

    def _marginals(self, tokens: Sequence[str]) -> "NDArray[np.float64]":
        import numpy as np

        table = np.zeros((len(tokens), len(self.tags)))
        self._tagger.set(features(tokens))
        for row in range(len(tokens)):
            for column, tag in self._columns:
                table[row, column] = self._tagger.marginal(tag, row)
        return table


def _read_model(path: Path) -> bytes:
    """Read a model whose digest is right; DataError where the file is missing, damaged or something else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        fail(path, f"cannot be read ({error.strerror})", "check the path and its permissions")
    model, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    if hashlib.sha256(model).digest() != digest:
        fail(path, "is no CRF model, or a damaged one", "train it again")
    return model

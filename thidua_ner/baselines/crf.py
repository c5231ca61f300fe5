"""A linear-chain CRF over the surface features of syllables (CRFsuite; Okazaki, 2007), without any pretrained part.

A model file is CRFsuite's model followed by its SHA-256, because the library crashes on a damaged model.
"""

import hashlib
import struct
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from thidua_ner.faults import MachineError, fail
from thidua_ner.files import write_bytes
from thidua_ner.text.characters import spell

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 2
"""The number of neighbours on each side whose features describe a token."""

_AFFIXES = (1, 2, 3)
"""The lengths of prefixes and suffixes, in characters."""

_PLACES = range(2 * _WINDOW + 1)
"""The places in a window; that of the token itself is in the middle."""

_DIGEST_SIZE = hashlib.sha256().digest_size

_HEADER = struct.Struct("<4sI4s4I5I")
"""The header of CRFsuite's file: name, size, kind, version and three counts, and the offsets of its sections."""

_SECTIONS = (b"FEAT", b"CQDB", b"CQDB", b"LFRF", b"AFRF")
"""What the sections of CRFsuite's file begin with; each then has its size."""


def token_features(tokens: Sequence[str]) -> list[list[str]]:
    """Return the features of each token, which describe it and its neighbours; NFC and NFD give the same features."""
    padded = [*[_BEGIN] * _WINDOW, *map(_placed, tokens), *[_END] * _WINDOW]
    return [_around([padded[index + place][place] for place in _PLACES]) for index in range(len(tokens))]


def _around(window: Sequence[Sequence[str]]) -> list[str]:
    """Join the features of the positions in a token's window, and those of pairs of neighbouring positions."""
    pairs = [f"{left[form]} {right[form]}" for left, right in pairwise(window) for form in (0, 1)]
    # unique, because CRFsuite would count a repeated feature twice
    return list(dict.fromkeys(chain(*window, pairs)))


def _at_all_places(form: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Write the features of a token for each place that it may have in a window."""
    return tuple(tuple(f"{place - _WINDOW} {feature}" for feature in form) for place in _PLACES)


@lru_cache(maxsize=1 << 14)  # most tokens of a text are frequent syllables
def _placed(token: str) -> tuple[tuple[str, ...], ...]:
    """Return the features of a token for each place in a window."""
    return _at_all_places(_form(token))


_BEGIN, _END = (_at_all_places([edge, edge]) for edge in ("begin", "end"))
"""What is before and after a sentence."""


def _form(token: str) -> tuple[str, ...]:
    """Return the features of a token without its neighbours; the pairs use the first two."""
    composed = spell(token)
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
    """Return the class of a character: 0, X or x; any other character is its own class."""
    if character.isdigit():
        return "0"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return _printable(character)


def _printable(text: str) -> str:
    """Escape what CRFsuite cannot store in a feature: NUL and lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode("utf-8")


def train_crf(
    sentences: Iterable[tuple[Sequence[str], Sequence[str]]], path: Path, *, c1: float, c2: float, max_iterations: int
) -> None:
    """Train a model with L-BFGS on sentences (tokens and their IOB2 tags) and write it to `path`.

    `c1` and `c2` are the coefficients of the L1 and the L2 penalty. Raises ValueError if a sentence has more or fewer
    tags than tokens, and MachineError if the model cannot be written.
    """
    from pycrfsuite import BaseTrainer
    from tqdm import tqdm

    with (
        tqdm(total=max_iterations, desc="CRF", unit="step", disable=None) as bar,
        tempfile.TemporaryDirectory() as folder,
    ):

        class Trainer(BaseTrainer):  # type: ignore[misc]
            """Advances the bar at each line of CRFsuite's log that begins an iteration."""

            def message(self, message: str) -> None:
                bar.update(message.startswith("***** Iteration"))

        trainer = Trainer("lbfgs", {"c1": c1, "c2": c2, "max_iterations": max_iterations}, verbose=False)
        for tokens, tags in sentences:
            trainer.append(token_features(tokens), tags)
        written = Path(folder) / "model"
        trainer.train(str(written))
        model = written.read_bytes() if written.exists() else b""
        if not _is_whole(model):  # CRFsuite does not tell that a disk is full
            remedy = "free some space there, or set TMPDIR to another folder"
            fail(folder, "CRFsuite could not write the whole model", remedy, kind=MachineError)
    write_bytes(path, model + hashlib.sha256(model).digest())


def _is_whole(content: bytes) -> bool:
    """Tell whether these bytes are a file of CRFsuite, whose sections follow each other up to the size it states."""
    if len(content) < _HEADER.size:
        return False
    name, size, kind, *_, one, two, three, four, five = _HEADER.unpack_from(content)
    starts = (one, two, three, four, five, size)
    if (name, kind, size, one) != (b"lCRF", b"FOMC", len(content), _HEADER.size):
        return False
    return all(
        start + 8 <= end <= size
        and content[start : start + 4] == section
        and 0 <= end - start - int.from_bytes(content[start + 4 : start + 8], "little") < 4  # they are aligned to four
        for section, (start, end) in zip(_SECTIONS, pairwise(starts), strict=True)
    )


class CrfModel:
    """A trained CRF, which gives each token the probability of each tag."""

    def __init__(self, path: Path, tags: Sequence[str]) -> None:
        """Read a model that `train_crf` wrote; `tags` is the order of the columns.

        Raises DataError if the file is not such a model, was trained on nothing, or has tags that `tags` lacks.
        """
        from pycrfsuite import Tagger

        self._model = _read_model(path)  # the tagger reads these bytes without copying them
        self._tagger = Tagger()
        try:
            self._tagger.open_inmemory(self._model)
        except ValueError:
            fail(path, "is not a CRF model", "train it again")
        known = self._tagger.labels()
        if unknown := sorted(set(known) - set(tags)):
            fail(path, f"has the tag {unknown[0]!r}", f"use a model of {', '.join(tags)}")
        if not known:
            fail(path, "was trained on nothing", "train it on tagged sentences")
        self.tags, self.segmenter = tuple(tags), "none"
        self._known, self._columns = known, [list(tags).index(tag) for tag in known]

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list["NDArray[np.float64]"]:
        """Compute the marginal probabilities of each sentence, tokens by tags; a tag without training data has 0."""
        return [self._marginals(tokens) for tokens in sentences]

    def _marginals(self, tokens: Sequence[str]) -> "NDArray[np.float64]":
        import numpy as np

        self._tagger.set(token_features(tokens))
        marginal = self._tagger.marginal
        rows = [[marginal(tag, row) for tag in self._known] for row in range(len(tokens))]
        table = np.zeros((len(tokens), len(self.tags)))
        table[:, self._columns] = np.reshape(rows, (len(tokens), len(self._known)))
        return table


def _read_model(path: Path) -> bytes:
    """Read a model and check its digest; raises DataError if the file is missing, damaged or something else."""
    try:
        content = path.read_bytes()
    except OSError as error:
        fail(path, f"cannot be read ({error.strerror or error})", "check the path and its permissions")
    model, digest = content[:-_DIGEST_SIZE], content[-_DIGEST_SIZE:]
    if hashlib.sha256(model).digest() != digest or not _is_whole(model):
        fail(path, "is not a CRF model, or is damaged", "train it again")
    return model

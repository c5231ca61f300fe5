"""Sentences in other spellings, as a tagger reads them in texts that are written so; the tags follow the words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import torch

from thidua_ner.text.labels import OUTSIDE
from thidua_ner.text.perturbations import remove_diacritics, remove_tones, telex_keys
from thidua_ner.text.syllables import split_sentences, tokenize
from train.readings import Reading

TELEX_SLIP, LOST_SPACE = 0.1, 0.05
"""The probability that a syllable is left in its Telex keys, or the space before a word is lost, in such a sentence."""

_REMEMBERED = 200_000
"""The number of words whose other spellings are cached."""

_CONTEXT = 8
"""How many words at the end of a sentence tell whether it ends: a word, its full stop, closing quotes and brackets."""

_NOTHING = Reading((), ())


def _title_case(syllable: str) -> str:
    """Write a syllable of letters with a capital; codes and the like stay."""
    return syllable.capitalize() if syllable.isalpha() else syllable


_CHANGES: dict[str, Callable[[str], str]] = {
    "lower_case": str.lower,
    "capitals": str.upper,
    "title_case": _title_case,
    "no_tones": remove_tones,
    "no_diacritics": remove_diacritics,
}
"""The spellings that change every syllable by itself."""


def draw_spelling(probabilities: Mapping[str, float], generator: torch.Generator) -> str | None:
    """Draw the spelling of a sentence; None leaves it as it is."""
    rest = float(torch.rand((), generator=generator))
    for name, probability in probabilities.items():
        rest -= probability
        if rest < 0:
            return name
    return None


def respelt_once(
    readings: Sequence[Reading], probabilities: Mapping[str, float], generator: torch.Generator
) -> Iterator[Reading]:
    """Draw a spelling for each sentence, and yield those that are to be written in another one, in it."""
    for reading, following in zip(readings, following_lines(readings), strict=True):
        if name := draw_spelling(probabilities, generator):
            yield respell(reading, name, following, generator)


def respell(reading: Reading, spelling: str, following: Reading, generator: torch.Generator) -> Reading:
    """Write a sentence in a spelling; `following` is what `following_lines` gives for it."""
    if spelling == "telex_slips":
        return _slip_into_telex(reading, generator)
    if spelling == "lost_spaces":
        return _lose_spaces(reading, generator)
    if spelling == "joined_lines":
        return reading._replace(words=reading.words + following.words, tags=reading.tags + following.tags)
    change = _CHANGES[spelling]
    return _with_words(reading, (_respell_word(word, change) for word in reading.words))


@lru_cache(maxsize=_REMEMBERED)
def _respell_word(word: str, change: Callable[[str], str]) -> tuple[str, ...]:
    """Change every syllable of a word, and return the words that are read then."""
    return _as_read(word, "_".join(map(change, word.split("_"))))


def _as_read(word: str, spelt: str) -> tuple[str, ...]:
    """Part a new spelling of a token as a text is parted: `PC02` is one token, `pc02` is two."""
    if spelt == word or len(tokenize(word)) != 1:  # a word of several syllables stays one
        return (spelt,)
    return tuple(token.text for token in tokenize(spelt)) or (word,)


def _with_words(reading: Reading, words: Iterable[tuple[str, ...]]) -> Reading:
    """Give a sentence the words that each of its own has become."""
    spelt: list[str] = []
    tags: list[str] = []
    for parts, tag in zip(words, reading.tags, strict=True):
        spelt += parts
        tags += (tag, *[tag if tag == OUTSIDE else f"I-{tag[2:]}"] * (len(parts) - 1))
    return reading._replace(words=tuple(spelt), tags=tuple(tags))


def _slip_into_telex(reading: Reading, generator: torch.Generator) -> Reading:
    """Leave some of the syllables in their Telex keys, which differ from them if they have diacritics."""
    words = [word.split("_") for word in reading.words]
    draws = iter(torch.rand(sum(map(len, words)), generator=generator).tolist())
    slipped = ("_".join(telex_keys(s) if next(draws) < TELEX_SLIP else s for s in syllables) for syllables in words)
    return _with_words(reading, map(_as_read, reading.words, slipped))


def _lose_spaces(reading: Reading, generator: torch.Generator) -> Reading:
    """Join some of the words with the word before, if the two are one token then, in the same mention or in none."""
    words: list[str] = []
    tags: list[str] = []
    lost = (torch.rand(len(reading.words), generator=generator) < LOST_SPACE).tolist()
    for word, tag, is_lost in zip(reading.words, reading.tags, lost, strict=True):
        is_inside = tag.startswith("I-") or (tag == OUTSIDE and tags[-1:] == [OUTSIDE])
        if is_lost and is_inside and len(tokenize(words[-1] + word)) == 1:
            words[-1] += word
        else:
            words.append(word)
            tags.append(tag)
    return reading._replace(words=tuple(words), tags=tuple(tags))


def following_lines(readings: Sequence[Reading]) -> list[Reading]:
    """Find what each sentence runs into if the line break after it is lost.

    That is the next one of its document, or nothing if the sentence ends all the same.
    """
    following = []
    for one, other in zip(readings, [*readings[1:], _NOTHING], strict=True):
        runs_on = one.document == other.document and not _ends(one, other)
        following.append(other if runs_on else _NOTHING)
    return following


def _ends(reading: Reading, following: Reading) -> bool:
    """Tell whether a sentence ends before the one that follows it on the same line."""
    if not reading.words or not following.words:
        return True
    words = reading.words[-_CONTEXT:]
    last = max((place for place, word in enumerate(words) if word[-1].isalnum()), default=0)
    before = f"{' '.join(words[:last])} {''.join(words[last:])} "  # the last marks stand at a word
    starts = {sentence.start for sentence in split_sentences(before + following.words[0])}
    return len(before) in starts

"""The rows of the dataset and their features.

The typed rows are the only definition of what a row has: the features of the card's header and the fields of the
Croissant description are derived from them.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict, get_args, get_origin, get_type_hints, is_typeddict

from thidua_ner.text.labels import TAGS

FeatureKind = Literal["string", "integer", "class", "record"]


@dataclass(frozen=True, slots=True)
class Classes:
    """The names of the classes that an integer stands for."""

    names: tuple[str, ...]


class EntityRow(TypedDict):
    """An entity of a row; the offsets are into the row's `text`, the end is exclusive."""

    start: int
    end: int
    label: str
    text: str


class SentenceRow(TypedDict):
    """A sentence; `doc_start` is its offset in the document, all other offsets are into its own `text`."""

    id: str
    doc_id: str
    doc_start: int
    text: str
    tokens: list[str]
    ner_tags: list[Annotated[int, Classes(TAGS)]]
    token_starts: list[int]
    token_ends: list[int]
    entities: list[EntityRow]


class DocumentRow(TypedDict):
    """A whole document."""

    id: str
    text: str
    entities: list[EntityRow]


class PassageRow(TypedDict):
    """A passage, half of a minimal pair; `pair` counts from 1 in its phenomenon, `half` is a or b."""

    id: str
    phenomenon: str
    pair: int
    half: str
    text: str
    entities: list[EntityRow]


class SpanRow(TypedDict):
    """An entity whose text is elsewhere; the offsets are into that text, the end is exclusive."""

    start: int
    end: int
    label: str


class StandoffRow(TypedDict):
    """The entities of a document whose text is `place` in the repository of `source`, with this hash."""

    id: str
    source: str
    place: str
    sha256: str
    entities: list[SpanRow]


@dataclass(frozen=True, slots=True)
class Feature:
    """A key of a row: `repeated` if its value is a list; `classes` are those of a class, `parts` those of a record."""

    name: str
    kind: FeatureKind
    repeated: bool = False
    classes: tuple[str, ...] = ()
    parts: tuple["Feature", ...] = ()


def features_of(row: type) -> tuple[Feature, ...]:
    """Derive the features of a typed row, in the order of its keys."""
    return tuple(_feature(name, hint) for name, hint in get_type_hints(row, include_extras=True).items())


def _feature(name: str, hint: object) -> Feature:
    repeated = get_origin(hint) is list
    item: object = get_args(hint)[0] if repeated else hint
    if get_origin(item) is Annotated:
        return Feature(name, "class", repeated, classes=get_args(item)[1].names)
    if isinstance(item, type) and is_typeddict(item):
        return Feature(name, "record", repeated, parts=features_of(item))
    kinds: dict[object, FeatureKind] = {str: "string", int: "integer"}
    return Feature(name, kinds[item], repeated)


FEATURES = {
    "sentences": features_of(SentenceRow),
    "documents": features_of(DocumentRow),
    "pairs": features_of(PassageRow),
    "wild": features_of(StandoffRow),
}
"""The features of the files in each folder of the dataset."""

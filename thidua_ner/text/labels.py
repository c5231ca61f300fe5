"""The label set; no other module spells out the name of an entity type."""

ENTITY_TYPES: dict[str, str] = {
    "ORG": "one particular organisation, office, unit, committee, party or newspaper",
    "PER": "the name of a person, without rank, office or form of address",
    "RANK": "a police, military or security rank",
    "LOC": "a named place, with the administrative word that stands directly before the name",
    "DATE": "a calendar point or period of a day or longer",
    "NUM": "a number that counts, measures or ranks, without the noun that it counts",
}
"""Each entity type with its one-line definition, in the order used by every table."""

ORG, PER, RANK, LOC, DATE, NUM = ENTITY_TYPES

OUTSIDE = "O"
"""The tag of a token outside all spans."""


def label_order(label: str) -> tuple[int, str]:
    """Return a sort key that puts the benchmark's labels in their order and all other labels after them, by name."""
    known = list(ENTITY_TYPES)
    return (known.index(label) if label in known else len(known), label)


def iob2_tags(types: tuple[str, ...] = tuple(ENTITY_TYPES)) -> tuple[str, ...]:
    """List the IOB2 tags of `types` in the order of their classes: O, B-X, I-X, B-Y and so on."""
    return (OUTSIDE, *(f"{prefix}-{name}" for name in types for prefix in "BI"))


TAGS: tuple[str, ...] = iob2_tags()
"""The 13 IOB2 tags of the benchmark; a tag's index is its class in `data/`."""

"""The table of all targets, one per reader, by name."""

from tests.fuzz import documents, inputs, records, text
from tests.fuzz.engine import Target

TARGETS: dict[str, Target] = {**documents.TARGETS, **inputs.TARGETS, **records.TARGETS, **text.TARGETS}

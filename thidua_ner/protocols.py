"""The protocols of the benchmark: what each trains on, what it is scored on, and its configurations of the dataset.

A protocol is trained in one fold, or in one fold per gold document. Each fold is a configuration of the dataset with a
training split; its name is the protocol's, followed by the id of the document that the fold leaves out.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from thidua_ner.faults import UsageError, fail


@dataclass(frozen=True, slots=True)
class Protocol:
    """One way to train and to score; `meaning` is a phrase that follows "a system …"."""

    name: str
    meaning: str
    synthetic: bool
    """Whether it trains and validates on the synthetic documents."""
    leaves_one_out: bool
    """Whether it also trains on all gold documents but one, and is scored on that one, once per document."""
    configuration: str
    """The name of its configuration of the dataset; with several folds, the prefix of their configurations' names."""

    def folds(self, gold: Iterable[str]) -> list[str]:
        """Name the folds, given the ids of the gold documents."""
        return [f"{self.name}-{document}" for document in gold] if self.leaves_one_out else [self.name]

    def is_fold(self, name: str) -> bool:
        """Tell whether a name has the form of one of the protocol's folds; its document need not exist."""
        return name.startswith(f"{self.name}-") if self.leaves_one_out else name == self.name

    def configuration_of(self, fold: str) -> str:
        """Name the dataset's configuration of a fold."""
        return fold if self.leaves_one_out else self.configuration


TRANSFER = Protocol(
    "transfer",
    "trained on the synthetic documents, scored on the five real ones, which no system has seen",
    synthetic=True,
    leaves_one_out=False,
    configuration="default",
)
LODO = Protocol(
    "lodo",
    "trained on four real documents, scored on the fifth, five times, counts pooled",
    synthetic=False,
    leaves_one_out=True,
    configuration="lodo",
)
LODO_SYNTHETIC = Protocol(
    "lodo+synthetic",
    "trained on the synthetic documents and four real ones, scored on the fifth, five times",
    synthetic=True,
    leaves_one_out=True,
    configuration="lodo+synthetic",
)
PROTOCOLS: dict[str, Protocol] = {one.name: one for one in (TRANSFER, LODO, LODO_SYNTHETIC)}
"""All protocols by name, in the order of every table."""

OPEN = "open"
"""Where submitted results belong: trained on anything but the tests, by the word of their authors."""

ROW_PROTOCOLS = (*PROTOCOLS, OPEN)
"""What a published result may be of, in the order of every table."""

USAGE = f"{', '.join(PROTOCOLS)}, or one fold such as lodo-cantho-2022-07"
"""What a protocol option accepts, for messages and help texts."""


def find_protocol(name: str) -> Protocol:
    """Find a protocol by its name or the name of one of its folds; raises UsageError if there is none."""
    found = next((one for one in PROTOCOLS.values() if name == one.name or one.is_fold(name)), None)
    if found is None:
        fail("protocol", f"there is no protocol {name!r}", f"use {USAGE}", kind=UsageError)
    return found


def select_folds(name: str, configurations: Collection[str]) -> dict[str, str]:
    """Map the folds of a protocol, or one fold, to their configurations of the dataset, in the dataset's order.

    Raises UsageError if the name is unknown or the dataset lacks one of the configurations.
    """
    protocol = find_protocol(name)
    known: Sequence[str] = [one for one in configurations if protocol.is_fold(one)]
    folds = known if protocol.leaves_one_out else [protocol.name]
    chosen = {fold: protocol.configuration_of(fold) for fold in folds if name in (protocol.name, fold)}
    if not chosen or not set(chosen.values()) <= set(configurations):
        remedy = f"use {', '.join([*PROTOCOLS, *known])}"
        fail("protocol", f"the dataset has no protocol or fold {name!r}", remedy, kind=UsageError)
    return chosen

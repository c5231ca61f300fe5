"""What a run finds in the gold documents written differently: the file that holds it, and its scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from thidua_ner.faults import fail
from thidua_ner.formats.jsonl import read_predictions, write_predictions
from thidua_ner.scoring.resampling import count_units, difference_interval
from thidua_ner.scoring.results import Robustness
from thidua_ner.scoring.strict import score
from thidua_ner.text.perturbations import PERTURBATIONS
from thidua_ner.text.spans import Document, Span

Perturbed = Mapping[str, Sequence[Document]]
"""By the name of a perturbation, the documents that it makes of the gold documents, in their order."""


def perturb_documents(gold: Sequence[Document]) -> dict[str, list[Document]]:
    """Rewrite documents by every perturbation."""
    return {name: list(documents) for name, documents in _perturb(tuple(gold)).items()}


@lru_cache(maxsize=1)  # the same gold is read, tagged and scored
def _perturb(gold: tuple[Document, ...]) -> dict[str, list[Document]]:
    return {name: [perturb(document) for document in gold] for name, perturb in PERTURBATIONS.items()}


def score_perturbed(gold: Sequence[Document], predicted: Sequence[Document], found: Perturbed) -> dict[str, Robustness]:
    """Score what was found in every perturbation of the gold documents.

    The change is relative to the unchanged text, with its 95% bootstrap interval by document; `texts` counts the
    documents that the perturbation changes.
    """
    before, f1 = count_units(gold, predicted, "document"), score(gold, predicted).micro.f1
    scores: dict[str, Robustness] = {}
    for name, documents in perturb_documents(gold).items():
        now = score(documents, found[name]).micro.f1
        scores[name] = Robustness(
            f1=now,
            change=now - f1,
            interval=difference_interval(count_units(documents, found[name], "document"), before),
            texts=sum(a.text != b.text for a, b in zip(gold, documents, strict=True)),
        )
    return scores


def write_perturbed(path: Path, found: Perturbed) -> None:
    """Write what was found, one record per perturbation and document, with the id `perturbation/document`."""
    bare = (
        replace(_named(name, document), spans=tuple(Span(*span.triple) for span in document.spans))
        for name, documents in found.items()
        for document in documents
    )
    write_predictions(path, bare)


def read_perturbed(path: Path, gold: Sequence[Document]) -> dict[str, list[Document]]:
    """Read what was found in every perturbation; raises DataError if the file is missing, or as for predictions."""
    if not path.is_file():
        fail(path, "is missing", "score the run again with --robustness")
    changed = perturb_documents(gold)
    every = [(name, document) for name, documents in changed.items() for document in documents]
    read = read_predictions(path, [_named(name, document) for name, document in every], None)
    found: dict[str, list[Document]] = {name: [] for name in changed}
    for (name, document), one in zip(every, read, strict=True):
        found[name].append(document.with_spans(one.spans))
    return found


def _named(name: str, document: Document) -> Document:
    return replace(document, id=f"{name}/{document.id}")

"""Tag the gold documents written differently, for the change of F1 on texts that mean the same."""

from collections.abc import Sequence

from thidua_ner.runs.robustness import perturb_documents
from thidua_ner.runs.run import Run
from thidua_ner.tagging.ensemble import tag_unread
from thidua_ner.text.perturbations import PERTURBATIONS, decompose
from thidua_ner.text.spans import Document


def tag_perturbed(
    run: Run, gold: Sequence[Document], predicted: Sequence[Document], *, device: str | None = None
) -> dict[str, list[Document]]:
    """Tag every perturbation of the gold documents, each by the models that tag the original.

    Raises AssertionError if a decomposed text gives different spans.
    """
    changed = perturb_documents(gold)
    every = [document for documents in changed.values() for document in documents]
    tagged = iter(tag_unread(run, every, [*gold] * len(changed), device=device))
    found = {name: [next(tagged) for _ in documents] for name, documents in changed.items()}
    for name, perturb in PERTURBATIONS.items():
        if perturb is decompose and found[name] != [decompose(document) for document in predicted]:
            raise AssertionError("a decomposed text gives different spans than the composed one")
    return found

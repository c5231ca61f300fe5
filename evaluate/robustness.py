"""Measure how F1 changes on texts that are written differently but mean the same."""

from collections.abc import Sequence

from thidua_ner.runs.run import Run
from thidua_ner.scoring.resampling import count_units, difference_interval
from thidua_ner.scoring.results import Robustness
from thidua_ner.scoring.strict import score
from thidua_ner.tagging.ensemble import tag_unread
from thidua_ner.text.perturbations import PERTURBATIONS, decompose
from thidua_ner.text.spans import Document


def robustness(run: Run, gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, Robustness]:
    """Score a run on every perturbation of the gold documents, each tagged by the models that tag the original.

    The change is relative to the unchanged text, with its 95% bootstrap interval by document; `texts` counts the
    documents that the perturbation changes. Raises AssertionError if a decomposed text gives different spans.
    """
    changed = {name: [perturb(document) for document in gold] for name, perturb in PERTURBATIONS.items()}
    every = [document for documents in changed.values() for document in documents]
    tagged = iter(tag_unread(run, every, [*gold] * len(changed)))
    before = count_units(gold, predicted, "document")
    f1 = score(gold, predicted).micro.f1
    found: dict[str, Robustness] = {}
    for name, documents in changed.items():
        own = [next(tagged) for _ in documents]
        if PERTURBATIONS[name] is decompose and own != [decompose(document) for document in predicted]:
            raise AssertionError("a decomposed text gives different spans than the composed one")
        now = score(documents, own).micro.f1
        found[name] = Robustness(
            f1=now,
            change=now - f1,
            interval=difference_interval(count_units(documents, own, "document"), before),
            texts=sum(a.text != b.text for a, b in zip(gold, documents, strict=True)),
        )
    return found

"""How F1 changes when texts are written otherwise and mean the same."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from evaluate.run import Run, predict
from thidua_ner.scoring.resampling import count_units, difference_interval
from thidua_ner.scoring.strict import score
from thidua_ner.text.perturbations import PERTURBATIONS, decomposed
from thidua_ner.text.spans import Document


def robustness(run: Run, gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, dict[str, Any]]:
    """Score a run on every perturbation of the gold documents, each tagged by the models that tag the original.

    `change` is against the text as it stands, with the 95% interval of the bootstrap by document; `texts` counts the
    documents that the perturbation changes at all. AssertionError where a decomposed text gives other spans.
    """
    changed = {name: [perturb(document) for document in gold] for name, perturb in PERTURBATIONS.items()}
    every = [document for documents in changed.values() for document in documents]
    tagged = iter(predict(run, every, [*gold] * len(changed)))
    before = count_units(gold, predicted, "document")
    f1 = score(gold, predicted)["micro"]["f1"]
    found: dict[str, dict[str, Any]] = {}
    for name, documents in changed.items():
        own = [next(tagged) for _ in documents]
        if PERTURBATIONS[name] is decomposed and own != [decomposed(document) for document in predicted]:
            raise AssertionError("a decomposed text does not give the spans of the composed one")
        now = score(documents, own)["micro"]["f1"]
        found[name] = {
            "f1": now,
            "change": now - f1,
            "interval": difference_interval(count_units(documents, own, "document"), before),
            "texts": sum(a.text != b.text for a, b in zip(gold, documents, strict=True)),
        }
    return found


def robustness_table(found: dict[str, dict[str, Any]]) -> str:
    """Tabulate the perturbations, the most harmful first."""
    rows = [
        [
            name,
            row["texts"],
            f"{100 * row['f1']:.2f}",
            f"{100 * row['change']:+.2f}",
            " to ".join(f"{100 * end:+.2f}" for end in row["interval"]),
        ]
        for name, row in sorted(found.items(), key=lambda item: item[1]["change"])
    ]
    headers = ["text written with", "texts changed", "micro F1", "change", "95% by document"]
    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers=headers, colalign=align, disable_numparse=True)

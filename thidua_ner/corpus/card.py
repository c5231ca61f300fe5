"""The dataset card: YAML header for the hub and its loader, prose from `card.md`, generated tables."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import yaml
from tabulate import tabulate

from thidua_ner import __version__
from thidua_ner.corpus import annotations as corpus
from thidua_ner.text.labels import ENTITY_TYPES, TAGS

Configs = dict[str, dict[str, list[str]]]
"""The files of each split of each sentence configuration, by name."""

_WHOLE_SPLITS = ("test", "train", "validation")
"""The splits of whole documents, in the order of the parts."""

_SENTENCE_FEATURES: list[dict[str, Any]] = [
    {"name": "id", "dtype": "string"},
    {"name": "doc_id", "dtype": "string"},
    {"name": "doc_start", "dtype": "int64"},
    {"name": "text", "dtype": "string"},
    {"name": "tokens", "sequence": "string"},
    {"name": "ner_tags", "sequence": {"class_label": {"names": {str(i): tag for i, tag in enumerate(TAGS)}}}},
    {"name": "token_starts", "sequence": "int64"},
    {"name": "token_ends", "sequence": "int64"},
]
_ENTITY_FEATURES: dict[str, Any] = {
    "name": "entities",
    "list": [
        {"name": "start", "dtype": "int64"},
        {"name": "end", "dtype": "int64"},
        {"name": "label", "dtype": "string"},
        {"name": "text", "dtype": "string"},
    ],
}


def card(annotations: Path, configs: Configs, stats: dict[str, Any], rows_digest: str) -> str:
    """Fill the dataset card: YAML header for the hub's loader, prose, counts and agreement."""
    parts: dict[str, dict[str, Any]] = stats["parts"]
    gold, *synthetic = parts.values()
    blocks = {
        "header": _header(configs, list(parts), rows_digest),
        "version": __version__,
        "types": tabulate(
            [
                [name, text, gold["entities_by_type"][name], sum(part["entities_by_type"][name] for part in synthetic)]
                for name, text in ENTITY_TYPES.items()
            ],
            headers=["label", "marks", "real", "machine-written"],
            tablefmt="github",
        ),
        "counts": _counts_table(parts),
        "configs": _configs_table(configs, parts, stats["sentences_by_config"]),
        "overlap": _overlap_table(stats["mention_overlap"]),
        "sources": tabulate(
            [[s.id, s.published_by] for s in corpus.read_sources(annotations / corpus.GOLD)],
            headers=["document", "published by, as far as the text says"],
            tablefmt="github",
        ),
        "agreement": _agreement_table(corpus.read_agreement(annotations)),
        "entities": str(gold["entities"]),
        "documents": str(gold["documents"]),
        "synthetic_documents": str(sum(part["documents"] for part in synthetic)),
        "synthetic_tokens": f"{sum(part['tokens'] for part in synthetic):,}",
        "synthetic_entities": f"{sum(part['entities'] for part in synthetic):,}",
    }
    template = files("thidua_ner.corpus").joinpath("card.md").read_text(encoding="utf-8")
    return Template(template).substitute(blocks)


def _header(configs: Configs, parts: Sequence[str], rows_digest: str) -> str:
    """Write the card's YAML: what the hub shows, and what `load_dataset` reads.

    `datasets` finds its cache by the folder's name and these configurations, so each carries a version made from the
    content: without it, a rebuilt dataset would be served from the cache of the old one.
    """
    sentences = {
        name: {split: [f"sentences/{n}.jsonl" for n in ids] for split, ids in splits.items()}
        for name, splits in configs.items()
    }
    whole = {split: [f"documents/{name}.jsonl"] for split, name in zip(_WHOLE_SPLITS, parts, strict=True)}
    data_files = {**sentences, "documents": whole}
    features = {name: [*_SENTENCE_FEATURES, _ENTITY_FEATURES] for name in sentences}
    texts = [{"name": "id", "dtype": "string"}, {"name": "text", "dtype": "string"}, _ENTITY_FEATURES]
    header = {
        "pretty_name": "ThiDuaNER",
        "language": ["vi"],
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found", "machine-generated"],
        "multilinguality": ["monolingual"],
        "size_categories": ["1K<n<10K"],
        "source_datasets": ["original"],
        "license": "other",
        "license_name": "publishers-texts-cc-by-4.0-annotations",
        "license_link": "https://creativecommons.org/licenses/by/4.0/",
        "tags": ["vietnamese", "news", "public-security"],
        "configs": [
            {
                "config_name": name,
                "version": _content_version(rows_digest),
                "data_files": [{"split": split, "path": paths} for split, paths in splits.items()],
                **({"default": True} if name == "default" else {}),
            }
            for name, splits in data_files.items()
        ],
        "dataset_info": [{"config_name": name, "features": features.get(name, texts)} for name in data_files],
    }

    class Plain(yaml.SafeDumper):
        """Dump shared structures in full: the hub's loader reads no YAML aliases."""

        def ignore_aliases(self, _: object) -> bool:
            return True

    return yaml.dump(
        header, Dumper=Plain, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110
    ).rstrip("\n")


def _content_version(digest: str) -> str:
    """Make a version that `datasets` accepts: the release's first two numbers, and one from the content."""
    major, minor, _ = __version__.split(".")
    return f"{major}.{minor}.{int(digest[:8], 16)}"


def _counts_table(parts: dict[str, dict[str, Any]]) -> str:
    """Tabulate the counts of each real document and of each part."""
    gold = next(iter(parts.values()))
    counted = [*gold["per_document"].items(), *parts.items()]
    columns = ["sentences", "tokens", "entities"]
    rows = [[name, *(row[c] for c in columns), *row["entities_by_type"].values()] for name, row in counted]
    return tabulate(rows, headers=["document or part", *columns, *ENTITY_TYPES], tablefmt="github")


def _configs_table(configs: Configs, parts: dict[str, Any], sentences: dict[str, dict[str, int]]) -> str:
    """Tabulate each configuration's splits with their sentences and files."""
    rows = [
        [name, split, sentences[name][split], ", ".join(files_of_split)]
        for name, splits in configs.items()
        for split, files_of_split in splits.items()
    ]
    rows += [
        ["documents", split, f"{part['documents']} texts", name]
        for split, (name, part) in zip(_WHOLE_SPLITS, parts.items(), strict=True)
    ]
    return tabulate(rows, headers=["config", "split", "rows", "from"], tablefmt="github", disable_numparse=True)


def _overlap_table(overlap: dict[str, Any]) -> str:
    """Tabulate how many of a configuration's test mentions stand in its training text, by type."""
    rows = [
        [name, *(f"{row['seen']} of {row['seen'] + row['unseen']}" for row in (counts, *counts["by_type"].values()))]
        for name, counts in overlap.items()
    ]
    return tabulate(rows, headers=["config", "all", *ENTITY_TYPES], tablefmt="github", disable_numparse=True)


def _agreement_table(agreed: dict[str, Any]) -> str:
    """Tabulate, for each part, the agreement of the passes with each other and with what was settled."""
    pairs: dict[str, Any] = {}
    for part, figures in agreed.items():
        first, second = corpus.PASSES[part]
        pairs[f"{part}: {first} and {second}"] = figures["between_passes"]
        pairs |= {f"{part}: {name} and settled": row for name, row in figures["settled_and_pass"].items()}
    rows = [
        [
            name,
            row["span_f1"],
            row["token_kappa"],
            row["disagreements"],
            *map(row["span_f1_per_type"].get, ENTITY_TYPES),
        ]
        for name, row in pairs.items()
    ]
    headers = ["compared", "span F1", "token kappa", "spans in one only", *ENTITY_TYPES]
    return tabulate(rows, headers=headers, tablefmt="github", floatfmt=".3f")

"""The dataset card: YAML header for the hub and its loader, prose from `card.md`, generated tables."""

from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import yaml
from tabulate import tabulate

from thidua_ner import __version__, corpus
from thidua_ner.labels import ENTITY_TYPES, TAGS

Configs = dict[str, dict[str, list[str]]]
"""The documents of each split of each sentence configuration, by id."""

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
    blocks = {
        "header": _header(configs, rows_digest),
        "version": __version__,
        "types": tabulate(
            [[name, text, stats["entities_by_type"][name]] for name, text in ENTITY_TYPES.items()],
            headers=["label", "marks", "entities"],
            tablefmt="github",
        ),
        "counts": _counts_table(stats),
        "configs": _configs_table(configs, stats),
        "sources": tabulate(
            [[s.id, s.published_by] for s in corpus.read_sources(annotations / corpus.GOLD)],
            headers=["document", "published by, as far as the text says"],
            tablefmt="github",
        ),
        "agreement": _agreement_table(corpus.measure_agreement(annotations)),
        "entities": str(stats["entities"]),
        "documents": str(stats["documents"]),
    }
    template = files("thidua_ner").joinpath("card.md").read_text(encoding="utf-8")
    return Template(template).substitute(blocks)


def _header(configs: Configs, rows_digest: str) -> str:
    """Write the card's YAML: what the hub shows, and what `load_dataset` reads.

    `datasets` finds its cache by the folder's name and these configurations, so each carries a version made from the
    content: without it, a rebuilt dataset would be served from the cache of the old one.
    """
    sentences = {
        name: {split: [f"sentences/{n}.jsonl" for n in ids] for split, ids in splits.items()}
        for name, splits in configs.items()
    }
    data_files = {**sentences, "documents": {"test": ["documents.jsonl"]}}
    features = {name: [*_SENTENCE_FEATURES, _ENTITY_FEATURES] for name in sentences}
    texts = [{"name": "id", "dtype": "string"}, {"name": "text", "dtype": "string"}, _ENTITY_FEATURES]
    header = {
        "pretty_name": "ThiDuaNER",
        "language": ["vi"],
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found"],
        "multilinguality": ["monolingual"],
        "size_categories": ["n<1K"],
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


def _counts_table(stats: dict[str, Any]) -> str:
    """Tabulate each document's counts and their sum."""
    columns = ["sentences", "tokens", "entities"]
    rows = [
        [name, *(row[c] for c in columns), *row["entities_by_type"].values()]
        for name, row in stats["per_document"].items()
    ]
    rows.append(["all", *(stats[c] for c in columns), *stats["entities_by_type"].values()])
    return tabulate(rows, headers=["document", *columns, *ENTITY_TYPES], tablefmt="github")


def _configs_table(configs: Configs, stats: dict[str, Any]) -> str:
    """Tabulate each configuration's splits with their sentences and documents."""
    rows = [
        [name, split, stats["sentences_by_config"][name][split], ", ".join(ids)]
        for name, splits in configs.items()
        for split, ids in splits.items()
    ]
    rows.append(["documents", "test", f"{stats['documents']} texts", "all, whole, with their entities"])
    return tabulate(rows, headers=["config", "split", "rows", "documents"], tablefmt="github", disable_numparse=True)


def _agreement_table(agreed: dict[str, Any]) -> str:
    """Tabulate the agreement of the passes with each other and with the gold."""
    pairs = {"first and second pass": agreed["between_passes"]}
    pairs |= {f"{name} pass and gold": row for name, row in agreed["gold_and_pass"].items()}
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

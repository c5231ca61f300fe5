"""The dataset card: YAML header for the hub and its loader, prose from `card.md`, generated tables."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template

import yaml
from tabulate import tabulate

from thidua_ner.corpus.agreement import Agreement
from thidua_ner.corpus.annotations import PASSES, SourceText
from thidua_ner.corpus.configurations import OTHERS, WHOLE_DOCUMENTS, Configurations
from thidua_ner.corpus.schema import FEATURES, Feature
from thidua_ner.corpus.statistics import (
    DocumentStatistics,
    Overlap,
    PartStatistics,
    SeenCounts,
    StandoffStatistics,
    Statistics,
)
from thidua_ner.text.labels import ENTITY_TYPES
from thidua_ner.version import __version__

_DTYPES = {"string": "string", "integer": "int64"}


def format_card(
    configurations: Configurations,
    statistics: Statistics,
    agreement: Agreement,
    sources: Sequence[SourceText],
    rows_digest: str,
) -> str:
    """Fill the dataset card; `rows_digest` is a hexadecimal hash of all rows."""
    gold, *synthetic = statistics.parts.values()
    every = [counts for sources in statistics.wild.values() for counts in sources.values()]
    blocks = {
        "header": _format_header(configurations, rows_digest),
        "version": __version__,
        "types": _types_table(gold, synthetic, statistics),
        "wild": _wild_table(statistics.wild),
        "phenomena": ", ".join(f"`{name}`" for name in statistics.pairs.pairs_by_phenomenon),
        "pairs": str(sum(statistics.pairs.pairs_by_phenomenon.values())),
        "passages": str(statistics.pairs.passages),
        "pair_entities": f"{statistics.pairs.entities:,}",
        "pair_seen": str(statistics.pairs.mentions_in_training.seen),
        "wild_documents": str(sum(one.documents for one in every)),
        "wild_entities": f"{sum(one.entities for one in every):,}",
        "counts": _counts_table(statistics.parts),
        "configs": _configurations_table(configurations, statistics),
        "overlap": _overlap_table(statistics.mention_overlap),
        "sources": _sources_table(sources),
        "agreement": _agreement_table(agreement),
        "entities": str(gold.entities),
        "documents": str(gold.documents),
        "synthetic_documents": str(sum(part.documents for part in synthetic)),
        "synthetic_tokens": f"{sum(part.tokens for part in synthetic):,}",
        "synthetic_entities": f"{sum(part.entities for part in synthetic):,}",
    }
    template = files("thidua_ner.corpus").joinpath("card.md").read_text(encoding="utf-8")
    return Template(template).substitute(blocks)


class _PlainDumper(yaml.SafeDumper):
    """Dump shared structures in full: the hub's loader reads no YAML aliases."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def _format_header(configurations: Configurations, rows_digest: str) -> str:
    """Format the card's YAML: what the hub shows, and what `load_dataset` reads.

    `datasets` names its cache after the folder and these configurations, so each has a version that is derived from
    the content: without it, a rebuilt dataset would be loaded from the cache of the old one.
    """
    data_files = {
        name: {split: [f"sentences/{file}.jsonl" for file in own] for split, own in splits.items()}
        for name, splits in configurations.items()
    }
    for name, paths in OTHERS.items():
        data_files[name] = {split: [f"{path}.jsonl"] for split, path in paths.items()}
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
        "dataset_info": [
            {
                "config_name": name,
                "features": _features(FEATURES["sentences" if name in configurations else name]),
            }
            for name in data_files
        ],
    }
    return yaml.dump(
        header, Dumper=_PlainDumper, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110
    ).rstrip("\n")


def _features(features: Sequence[Feature]) -> list[dict[str, object]]:
    """Write the features of a row as the hub does."""
    return [_feature(feature) for feature in features]


def _feature(feature: Feature) -> dict[str, object]:
    if feature.kind == "record":
        return {"name": feature.name, "list" if feature.repeated else "struct": _features(feature.parts)}
    key = "sequence" if feature.repeated else "dtype"
    if feature.kind == "class":
        names = {str(number): name for number, name in enumerate(feature.classes)}
        return {"name": feature.name, key: {"class_label": {"names": names}}}
    return {"name": feature.name, key: _DTYPES[feature.kind]}


def _content_version(digest: str) -> str:
    """Make a version that `datasets` accepts: the release's major and minor number, and a number from the content."""
    major, minor, _ = __version__.split(".")
    return f"{major}.{minor}.{int(digest[:8], 16)}"


def _types_table(gold: PartStatistics, synthetic: Sequence[PartStatistics], statistics: Statistics) -> str:
    """Tabulate the labels with their meanings and counts."""
    wild = [one for sources in statistics.wild.values() for one in sources.values()]
    rows = [
        [
            label,
            text,
            gold.entities_by_type[label],
            sum(part.entities_by_type[label] for part in synthetic),
            statistics.pairs.entities_by_type[label],
            sum(part.entities_by_type[label] for part in wild),
        ]
        for label, text in ENTITY_TYPES.items()
    ]
    return tabulate(rows, headers=["label", "marks", "gold", "synthetic", "pairs", "wild"], tablefmt="github")


def _wild_table(wild: Mapping[str, Mapping[str, StandoffStatistics]]) -> str:
    """Tabulate the sizes of `wild` by split and source."""
    rows = [
        [split, source, counts.documents, counts.entities, *counts.entities_by_type.values()]
        for split, sources in wild.items()
        for source, counts in sources.items()
    ]
    return tabulate(rows, headers=["split", "source", "texts", "entities", *ENTITY_TYPES], tablefmt="github")


def _counts_table(parts: Mapping[str, PartStatistics]) -> str:
    """Tabulate the sizes of each gold document and of each part."""
    gold = next(iter(parts.values()))
    counted: dict[str, DocumentStatistics | PartStatistics] = {**gold.per_document, **parts}
    rows = [
        [name, counts.sentences, counts.tokens, counts.entities, *counts.entities_by_type.values()]
        for name, counts in counted.items()
    ]
    headers = ["document or part", "sentences", "tokens", "entities", *ENTITY_TYPES]
    return tabulate(rows, headers=headers, tablefmt="github")


def _configurations_table(configurations: Configurations, statistics: Statistics) -> str:
    """Tabulate the splits of each configuration with their sizes and files."""
    rows = [
        [name, split, str(statistics.sentences_by_config[name][split]), ", ".join(own)]
        for name, splits in configurations.items()
        for split, own in splits.items()
    ]
    rows += [
        ["documents", split, f"{statistics.parts[file].documents} texts", file]
        for split, file in WHOLE_DOCUMENTS.items()
    ]
    rows.append(["pairs", "test", f"{statistics.pairs.passages} passages", "pairs"])
    rows += [
        [
            "wild",
            split,
            f"{sum(one.documents for one in sources.values())} texts, without their text",
            ", ".join(sources),
        ]
        for split, sources in statistics.wild.items()
    ]
    return tabulate(rows, headers=["config", "split", "rows", "from"], tablefmt="github", disable_numparse=True)


def _overlap_table(overlap: Mapping[str, Overlap]) -> str:
    """Tabulate how many test mentions of each configuration are in its training text, by label."""
    rows = [
        [name, *(f"{row.seen} of {row.seen + row.unseen}" for row in _overlap_row(counts))]
        for name, counts in overlap.items()
    ]
    return tabulate(rows, headers=["config", "all", *ENTITY_TYPES], tablefmt="github", disable_numparse=True)


def _overlap_row(counts: Overlap) -> Sequence[Overlap | SeenCounts]:
    return [counts, *counts.by_type.values()]


def _sources_table(sources: Sequence[SourceText]) -> str:
    """Tabulate the publisher of each gold document."""
    rows = [[source.id, source.published_by] for source in sources]
    return tabulate(rows, headers=["document", "published by, as far as the text says"], tablefmt="github")


def _agreement_table(agreement: Agreement) -> str:
    """Tabulate for each part the agreement of its passes with each other and with the settled annotations."""
    pairs = {}
    for shown, (part, measured) in agreement.parts().items():
        first, second = PASSES[part]
        pairs[f"{shown}: {first} and {second}"] = measured.between_passes
        pairs |= {f"{shown}: {name} and settled": pair for name, pair in measured.settled_and_pass.items()}
    rows = [
        [name, pair.span_f1, pair.token_kappa, pair.disagreements, *map(pair.span_f1_per_type.get, ENTITY_TYPES)]
        for name, pair in pairs.items()
    ]
    headers = ["compared", "span F1", "token kappa", "spans in one only", *ENTITY_TYPES]
    return tabulate(rows, headers=headers, tablefmt="github", floatfmt=".3f", missingval="-")

"""Tables of the published results: one row per system and protocol, averaged over seeds."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from thidua_ner.faults import fail
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.publishing.markdown import code_span, plain_text
from thidua_ner.runs.folder import RunFolder, published_folders
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.scored import read_scores
from thidua_ner.scoring.results import Evaluation
from thidua_ner.text.labels import ENTITY_TYPES


@dataclass(frozen=True, slots=True)
class Result:
    """The scores and the manifest of a published run."""

    scores: Evaluation
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """A system under a protocol: the scores and the manifest of each seed, in the order of the seeds."""

    system: str
    protocol: str
    scores: tuple[Evaluation, ...]
    manifests: tuple[Manifest, ...]

    def f1(self, label: str | None = None) -> list[float]:
        """List the micro F1 of the seeds, or the F1 of a label (0 if a seed does not have it), in percent."""
        if label is None:
            return [100 * scores.micro.f1 for scores in self.scores]
        return [100 * scores.per_type[label].f1 if label in scores.per_type else 0.0 for scores in self.scores]

    @property
    def seeds(self) -> list[int]:
        """The seeds."""
        return [manifest.seed for manifest in self.manifests]

    @property
    def origin(self) -> str:
        """The commits, the data and the command that produced the row, as Markdown."""
        commits = ", ".join(dict.fromkeys(code_span(manifest.commit[:12]) for manifest in self.manifests))
        data = ", ".join(dict.fromkeys(code_span(manifest.data_fingerprint[:12]) for manifest in self.manifests))
        command = code_span(self.manifests[0].command)
        return f"**{plain_text(self.system)}, {self.protocol}**: commit {commits}, data {data}, {command}"


def read_rows(results: Path, new: Mapping[Path, Result] | None = None) -> list[LeaderboardRow]:
    """Read results/ as it will be with new results, by their folders: by protocol, the best system first.

    Raises DataError if a result is damaged or in another folder than its own.
    """
    new = new or {}
    old = [path for paths in published_folders(results).values() for path in paths]
    found: dict[tuple[str, str], list[Result]] = {}
    for path in dict.fromkeys([*old, *new]):
        result = new[path] if path in new else _read_result(path, results)
        found.setdefault((path.parent.parent.name, path.parent.name), []).append(result)
    rows = [
        LeaderboardRow(*place, *zip(*((one.scores, one.manifest) for one in sorted(own, key=_seed)), strict=True))
        for place, own in found.items()
    ]
    order = list(PROTOCOLS)
    return sorted(rows, key=lambda row: (order.index(row.protocol), -statistics.mean(row.f1()), row.system))


def _seed(result: Result) -> int:
    return result.manifest.seed


def _read_result(path: Path, results: Path) -> Result:
    """Read a published result; raises DataError if it is damaged or in another folder than its own."""
    if path.parent.name not in PROTOCOLS:
        fail(path.parent, "is not a protocol", f"move it away; the protocols are {', '.join(PROTOCOLS)}")
    manifest = RunFolder(path).read_manifest()
    own = RunFolder(results / manifest.name / str(manifest.protocol)).seed(manifest.seed).path
    if path != own:
        fail(RunFolder(path).manifest, "is that of another result", f"move the folder to {own}, or publish it again")
    return Result(read_scores(path), manifest)


def readme_table(rows: Sequence[LeaderboardRow]) -> str:
    """Tabulate the rows for the README."""
    body = [
        [
            f"[{plain_text(row.system)}](results/{row.system}/{row.protocol})",
            row.protocol,
            len(row.seeds),
            *_label_means(row),
            mean_and_spread(row.f1()),
        ]
        for row in rows
    ]
    headers = ["system", "protocol", "seeds", *ENTITY_TYPES, "micro F1"]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)


def _label_means(row: LeaderboardRow) -> list[str]:
    return [f"{statistics.mean(row.f1(label)):.1f}" for label in ENTITY_TYPES]


def mean_and_spread(figures: Sequence[float]) -> str:
    """Format the mean of figures, with their standard deviation if there are several."""
    mean = f"{statistics.mean(figures):.1f}"
    return f"{mean} ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else mean


def leaderboard(rows: Sequence[LeaderboardRow], configs: Sequence[str] = ()) -> str:
    """Format results/LEADERBOARD.md: one table per protocol, how each row was made, and the configs without a row."""
    parts = [
        "# Leaderboard\n",
        "F1 in percent, strict (start, end and type), on the five gold documents; means over seeds, ± the standard\n"
        "deviation. The interval is that of the first seed's micro F1: 95%, BCa bootstrap by document. Only systems\n"
        "that were run are listed; `thidua-ner publish RUN` adds a row.\n",
    ]
    for protocol in PROTOCOLS.values():
        own = [row for row in rows if row.protocol == protocol.name]
        if own:
            meaning = f"{protocol.meaning[0].upper()}{protocol.meaning[1:]}.\n"
            parts += [f"## {protocol.name}\n", meaning, _protocol_table(own), ""]
    parts += ["## How each row was made\n", *(f"- {row.origin}" for row in rows)]
    missing = [name for name in configs if name not in {row.system for row in rows}]
    if missing:
        parts += [
            "\n## Not run here\n",
            "The command makes the row. Encoders of the hub need network access and, to take minutes, a GPU.\n",
        ]
        parts += [f"- {plain_text(name)}: {code_span(_command(name))}" for name in missing]
    return "\n".join(parts) + "\n"


def _command(name: str) -> str:
    """Return the command that produces the row of a config."""
    return f"python -m train configs/{name}.yaml && python -m evaluate runs/{name} && thidua-ner publish runs/{name}"


def _protocol_table(rows: Sequence[LeaderboardRow]) -> str:
    body = [
        [
            f"[{plain_text(row.system)}]({row.system}/{row.protocol})",
            ", ".join(map(str, row.seeds)),
            *_label_means(row),
            f"{100 * statistics.mean(scores.macro.f1 for scores in row.scores):.1f}",
            mean_and_spread(row.f1()),
            " to ".join(f"{100 * end:.1f}" for end in row.scores[0].intervals.document.bca),
        ]
        for row in rows
    ]
    headers = ["system", "seeds", *ENTITY_TYPES, "macro F1", "micro F1", "interval"]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)

"""The rows of the published results, one per system and protocol, and the tables of all rows."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from thidua_ner.faults import fail
from thidua_ner.protocols import OPEN, PROTOCOLS, ROW_PROTOCOLS, TRANSFER
from thidua_ner.publishing.columns import Column, Standing, measure
from thidua_ner.publishing.markdown import code_span, plain_text
from thidua_ner.publishing.ranking import Ranking, rank
from thidua_ner.publishing.sections import columns_agree, hard_mentions, mean_or_dash, needed_section, who_is_better
from thidua_ner.publishing.submission import Submission, read_submission, submission_path
from thidua_ner.runs.folder import RunFolder, published_folders
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.scored import OTHER_TESTS, read_scores
from thidua_ner.scoring.breakdowns import HARD
from thidua_ner.scoring.results import Evaluation, PairRate, PairScores
from thidua_ner.text.labels import ENTITY_TYPES

MAIN = (TRANSFER.name, OPEN)
"""The protocols of the first table: their systems have not read any test."""

_HARD_MEANING = (
    "F1 by type, and of hard mentions (gold or predicted): those whose surface the synthetic training documents lack,\n"
    "or have with another type only, and those of eight tokens or more. Means over seeds.\n"
)

SAME_KIND = "†"
"""The mark of systems of the kind that wrote and annotated the texts."""

_FOOTNOTE = f"{SAME_KIND} a system of the kind that wrote the machine-written texts and annotated all of them."


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """A system under a protocol: the folder, the scores and the origin of each seed, in the order of the seeds."""

    system: str
    protocol: str
    folders: tuple[RunFolder, ...]
    scores: tuple[Evaluation, ...]
    origins: tuple[Manifest | Submission, ...]

    def f1(self, label: str | None = None) -> list[float]:
        """List the micro F1 of the seeds on the gold, or the F1 of a label (0 without it), in percent."""
        if label is None:
            return [100 * scores.micro.f1 for scores in self.scores]
        return [100 * scores.per_type[label].f1 if label in scores.per_type else 0.0 for scores in self.scores]

    @property
    def seeds(self) -> list[int]:
        """The seeds."""
        return [origin.seed for origin in self.origins]

    @property
    def label(self) -> str:
        """The name in the first table; a mark tells systems of the kind that wrote and annotated the texts."""
        of_the_kind = any(isinstance(own, Submission) and own.same_kind for own in self.origins)
        return f"{self.system} {SAME_KIND}" if of_the_kind else self.system

    @property
    def link(self) -> str:
        """The label with a link to the folder of the row, as Markdown, seen from results/."""
        return f"[{plain_text(self.label)}]({self.system}/{self.protocol})"

    @property
    def origin(self) -> str:
        """Where the row comes from, as Markdown: commits, data and the command, or the address of a submission."""
        begin = f"**{plain_text(self.system)}, {self.protocol}**"
        urls = dict.fromkeys(code_span(one.url) for one in self.origins if isinstance(one, Submission))
        if urls:
            return f"{begin}: submitted, {', '.join(urls)}"
        manifests = [one for one in self.origins if isinstance(one, Manifest)]
        commits = ", ".join(dict.fromkeys(code_span(manifest.commit[:12]) for manifest in manifests))
        data = ", ".join(dict.fromkeys(code_span(manifest.data_fingerprint[:12]) for manifest in manifests))
        return f"{begin}: commit {commits}, data {data}, {code_span(manifests[0].command)}"

    def scores_on(self, test: str) -> list[Evaluation]:
        """Read the scores of the seeds on another test than the gold; none if a seed has none."""
        folders = [folder.test(test) for folder in self.folders]
        return [read_scores(own.path) for own in folders] if all(own.scores.is_file() for own in folders) else []

    def robustness(self) -> tuple[float, float] | None:
        """Compute the mean and the lowest F1 over the spellings of the gold, in percent.

        It is None if a seed has none, or others than the first.
        """
        found = [scores.robustness or {} for scores in self.scores]
        if not found[0] or any(one.keys() != found[0].keys() for one in found):
            return None
        by_spelling = [100 * statistics.mean(one[name].f1 for one in found) for name in found[0]]
        return statistics.mean(by_spelling), min(by_spelling)


@dataclass(frozen=True, slots=True)
class Board:
    """All rows, by protocol and then the best on the gold first, and the rankings of the first table by column."""

    rows: tuple[LeaderboardRow, ...]
    rankings: tuple[Ranking, ...]

    def main_rows(self) -> list[LeaderboardRow]:
        """List the rows of the first table: best on its first column first, those without a figure there last."""
        rows = [row for row in self.rows if row.protocol in MAIN]
        first: Mapping[str, Standing] = self.rankings[0].standings if self.rankings else {}
        return sorted(rows, key=lambda row: (-first[row.label].mean if row.label in first else 1, row.system))


def read_board(results: Path, columns: Sequence[Column], new: Mapping[Path, Path] | None = None) -> Board:
    """Read results/ as it will be with new results: `new` maps their folders to where their files are now.

    Raises DataError if a result is damaged or in another folder than its own, or two systems have the same name.
    """
    rows = _read_rows(results, new)
    main = [row for row in rows if row.protocol in MAIN]
    for system, number in Counter(row.system for row in main).items():
        if number > 1:
            what, remedy = f"is the name of two systems, of {' and '.join(MAIN)}", "publish one under another name"
            fail(results / system, what, remedy)
    measured = {row.label: row for row in main}
    rankings = []
    for column in columns:
        standings = {name: measure(column, row.folders) for name, row in measured.items()}
        rankings.append(rank(column, {name: found for name, found in standings.items() if found}))
    return Board(tuple(rows), tuple(ranking for ranking in rankings if ranking.standings))


def _read_rows(results: Path, new: Mapping[Path, Path] | None = None) -> list[LeaderboardRow]:
    """Read the rows of results/ as it will be with new results, by protocol, the best system on the gold first."""
    new = new or {}
    old = [path for paths in published_folders(results).values() for path in paths]
    found: dict[tuple[str, str], list[tuple[RunFolder, Evaluation, Manifest | Submission]]] = {}
    for path in dict.fromkeys([*old, *new]):
        folder = RunFolder(new.get(path, path))
        origin = _read_origin(path, folder, results)
        found.setdefault((path.parent.parent.name, path.parent.name), []).append(
            (folder, read_scores(folder.path), origin)
        )
    rows = [
        LeaderboardRow(*place, *zip(*sorted(own, key=lambda one: one[2].seed), strict=True))
        for place, own in found.items()
    ]
    order = list(ROW_PROTOCOLS)
    return sorted(rows, key=lambda row: (order.index(row.protocol), -statistics.mean(row.f1()), row.system))


def _read_origin(path: Path, folder: RunFolder, results: Path) -> Manifest | Submission:
    """Read where a published result comes from; raises DataError if it is damaged or in another folder than its own."""
    if path.parent.name not in ROW_PROTOCOLS:
        fail(path.parent, "is not a protocol", f"move it away; the protocols are {', '.join(ROW_PROTOCOLS)}")
    file = submission_path(folder) if path.parent.name == OPEN else folder.manifest
    origin = read_submission(file) if path.parent.name == OPEN else folder.read_manifest()
    own = RunFolder(results / origin.name / str(origin.protocol)).seed(origin.seed).path
    if path != own:
        fail(file, "is that of another result", f"move the folder to {own}, or publish it again")
    return origin


def readme_table(board: Board) -> str:
    """Tabulate the first table for the README."""
    return _main_table(board, prefix="results/")


def leaderboard(board: Board, configs: Sequence[str] = ()) -> str:
    """Format results/LEADERBOARD.md: the tables, who is better, how each row was made, the configs without a row."""
    parts = [
        "# Leaderboard\n",
        "Strict F1 in percent (start, end and type): micro F1 on real newspaper pages (`wild news`), real world news\n"
        "(`wild world`) and the five real documents (`gold`); the share of minimal pairs with both halves right\n"
        "(`pairs`); micro F1 on the gold written differently, mean and lowest of all spellings (`robust`). Means\n"
        "over seeds, ± the standard deviation. In brackets the rank: one more than the number of systems that are\n"
        "significantly better. What systems of `transfer` learn, they learn from the machine-written documents; those\n"
        "of `open` from anything but the tests, by their authors' word. Only systems that were run are listed;\n"
        "`thidua-ner publish RUN` adds a row.\n",
        _main_table(board),
        "",
        *who_is_better(board.rankings),
        *columns_agree(board.rankings, {row.label: row.robustness() for row in board.main_rows()}),
        *needed_section(board.rankings),
        *hard_mentions(board.rankings),
        *_phenomena_section(board),
        *_types_sections(board),
    ]
    for protocol in PROTOCOLS.values():
        own = [row for row in board.rows if row.protocol == protocol.name]
        if own:
            meaning = f"{protocol.meaning[0].upper()}{protocol.meaning[1:]}.\n"
            parts += [f"## {protocol.name}: the gold by type\n", meaning, _protocol_table(own), ""]
    parts += ["## How each row was made\n", *(f"- {row.origin}" for row in board.rows)]
    missing = [name for name in configs if name not in {row.system for row in board.rows}]
    if missing:
        parts += [
            "\n## Not run here\n",
            "The command makes the row. Encoders of the hub need network access and, to take minutes, a GPU.\n",
        ]
        parts += [f"- {plain_text(name)}: {code_span(_command(name))}" for name in missing]
    return "\n".join(parts) + "\n"


def _main_table(board: Board, prefix: str = "") -> str:
    """Tabulate the rows of the first table, with the meaning of its mark; links begin with `prefix`."""
    body = []
    for row in board.main_rows():
        robust = row.robustness()
        body.append(
            [
                f"[{plain_text(row.label)}]({prefix}{row.system}/{row.protocol})",
                row.protocol,
                len(row.seeds),
                *(_cell(ranking, row.label) for ranking in board.rankings),
                *(f"{figure:.1f}" for figure in robust or ()),
                *([] if robust else ["-", "-"]),
            ]
        )
    headers = ["system", "protocol", "seeds", *(ranking.column.name for ranking in board.rankings)]
    table = tabulate(
        body, headers=[*headers, "robust, mean", "robust, lowest"], tablefmt="github", disable_numparse=True
    )
    return table + (f"\n\n{_FOOTNOTE}" if any(SAME_KIND in row.label for row in board.main_rows()) else "")


def _cell(ranking: Ranking, system: str) -> str:
    standing = ranking.standings.get(system)
    if standing is None:
        return "-"
    return f"{mean_and_spread([100 * figure for figure in standing.figures])} ({ranking.ranks[system]})"


def _phenomena_section(board: Board) -> list[str]:
    """Tabulate the rates of right pairs by phenomenon, with the interval of each system's first seed."""
    rates: dict[str, list[PairScores]] = {}
    for row in board.main_rows():
        pairs = [scores.pairs for scores in row.scores_on("pairs") if scores.pairs]
        if pairs and len(pairs) == len(row.folders):
            rates[row.link] = pairs
    if not rates:
        return []
    names = next(iter(rates.values()))[0].phenomena
    # damaged scores may lack a phenomenon
    rates = {link: own for link, own in rates.items() if all(one.phenomena.keys() == names.keys() for one in own)}
    body = [[name, *(_rate([one.phenomena[name] for one in own]) for own in rates.values())] for name in names]
    return [
        "## pairs: by phenomenon\n",
        "The percentage of right pairs, mean over seeds, with the 95% interval (Wilson) of the first seed.\n",
        tabulate(body, headers=["phenomenon", *rates], tablefmt="github", disable_numparse=True),
        "",
    ]


def _rate(seeds: Sequence[PairRate]) -> str:
    low, high = (100 * end for end in seeds[0].interval)
    return f"{100 * statistics.mean(one.share for one in seeds):.0f} ({low:.0f} to {high:.0f})"


def _types_sections(board: Board) -> list[str]:
    """Tabulate the F1 by type, and of hard mentions, on the tests other than the gold, where they were published."""
    parts: list[str] = []
    for test in OTHER_TESTS:
        body = []
        for row in board.main_rows():
            found = row.scores_on(test)
            if not found:
                continue
            types = ([one.per_type.get(label) for one in found] for label in ENTITY_TYPES)
            hard = ([(one.hard or {}).get(group) for one in found] for group in HARD)
            body.append(
                [row.link, *(mean_or_dash([s.f1 if s else None for s in scores]) for scores in (*types, *hard))]
            )
        if body:
            table = tabulate(body, headers=["system", *ENTITY_TYPES, *HARD], tablefmt="github", disable_numparse=True)
            parts += [f"## {test}: by type, and hard mentions\n", _HARD_MEANING, table, ""]
    return parts


def _label_means(row: LeaderboardRow) -> list[str]:
    return [f"{statistics.mean(row.f1(label)):.1f}" for label in ENTITY_TYPES]


def mean_and_spread(figures: Sequence[float]) -> str:
    """Format the mean of figures, with their standard deviation if there are several."""
    mean = f"{statistics.mean(figures):.1f}"
    return f"{mean} ± {statistics.stdev(figures):.1f}" if len(figures) > 1 else mean


def _command(name: str) -> str:
    """Return the command that produces the row of a config."""
    return f"python -m train configs/{name}.yaml && python -m evaluate runs/{name} && thidua-ner publish runs/{name}"


def _protocol_table(rows: Sequence[LeaderboardRow]) -> str:
    body = [
        [
            row.link,
            ", ".join(map(str, row.seeds)),
            *_label_means(row),
            f"{100 * statistics.mean(scores.macro.f1 for scores in row.scores):.1f}",
            mean_and_spread(row.f1()),
            " to ".join(f"{100 * end:.1f}" for end in row.scores[0].intervals.document.bca),
        ]
        for row in rows
    ]
    headers = ["system", "seeds", *ENTITY_TYPES, "macro F1", "micro F1", "interval of the first seed"]
    return tabulate(body, headers=headers, tablefmt="github", disable_numparse=True)

"""Results as printed tables, in percent."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

from thidua_ner.scoring.breakdowns import SEEN
from thidua_ner.scoring.pairs import pair_scores
from thidua_ner.scoring.resampling import count_units, interval
from thidua_ner.scoring.results import DocumentMean, MucScore, PairScores, Robustness, Score, Scores
from thidua_ner.scoring.strict import score
from thidua_ner.text.spans import Document

MUC_OUTCOMES = ("correct", "incorrect", "partial", "missed", "spurious")


def muc_table(schemes: Mapping[str, MucScore]) -> str:
    """Tabulate the MUC schemes: the count of each outcome, and the F1."""
    rows = [
        [name, *(getattr(row, outcome) for outcome in MUC_OUTCOMES), f"{100 * row.f1:.2f}"]
        for name, row in schemes.items()
    ]
    return figures_table(["scheme", *MUC_OUTCOMES, "F1"], rows)


def seeds_table(scores: Sequence[Scores]) -> str:
    """Tabulate the mean F1 of several seeds, its standard deviation and its range."""
    labels = list(dict.fromkeys(label for one in scores for label in one.per_type))
    series = {label: [one.per_type[label].f1 if label in one.per_type else 0.0 for one in scores] for label in labels}
    series |= {"micro": [one.micro.f1 for one in scores], "macro": [one.macro.f1 for one in scores]}
    rows = [
        [name, *(f"{100 * figure:.2f}" for figure in (mean(f1), stdev(f1) if len(f1) > 1 else 0, min(f1), max(f1)))]
        for name, f1 in series.items()
    ]
    return figures_table([f"F1 of {len(scores)} seeds", "mean", "deviation", "lowest", "highest"], rows)


def tests_table(tests: Mapping[str, tuple[Sequence[Document], Sequence[Document]]]) -> str:
    """Tabulate the micro F1 on several tests, given gold and predictions by name; of minimal pairs, their rate."""
    rows: list[list[object]] = []
    for name, (gold, predicted) in tests.items():
        scores, pairs = score(gold, predicted), pair_scores(gold, predicted)
        ends = pairs.all.interval if pairs else interval(count_units(gold, predicted, "document"), "BCa")
        figure, what = (pairs.all.share, "both halves right") if pairs else (scores.micro.f1, "micro F1")
        shown = " to ".join(f"{100 * end:.1f}" for end in ends)
        rows.append([name, len(gold), scores.micro.support, what, f"{100 * figure:.2f}", shown])
    return figures_table(["test", "texts", "entities", "figure", "percent", "95% interval"], rows)


def robustness_table(found: Mapping[str, Robustness]) -> str:
    """Tabulate the scores on texts that are written differently, the largest loss first."""
    rows = [
        [
            name,
            row.texts,
            f"{100 * row.f1:.2f}",
            f"{100 * row.change:+.2f}",
            " to ".join(f"{100 * end:+.2f}" for end in row.interval),
        ]
        for name, row in sorted(found.items(), key=lambda item: item[1].change)
    ]
    return figures_table(["text written with", "texts changed", "micro F1", "change", "95% by document"], rows)


def pairs_table(scores: PairScores) -> str:
    """Tabulate how many minimal pairs are right in both halves, by phenomenon and in all."""
    rows = [
        [name, row.right, row.pairs, f"{100 * row.share:.1f}", " to ".join(f"{100 * end:.1f}" for end in row.interval)]
        for name, row in {**scores.phenomena, "all": scores.all}.items()
    ]
    return figures_table(["minimal pairs", "right", "of", "percent", "95% interval"], rows)


def document_mean(row: DocumentMean) -> str:
    """Write the mean F1 over documents with its standard deviation."""
    return f"{100 * row.f1:.2f} ± {100 * row.f1_spread:.2f}"


def unseen_share(groups: Mapping[str, Score]) -> str:
    """Write how many mentions were not in the training data, and their F1."""
    support = {name: groups[name].support if name in groups else 0 for name in SEEN}
    total, unseen = sum(support.values()), groups.get("unseen")
    return f"{support['unseen']} of {total}" + (f", F1 {100 * unseen.f1:.2f}" if unseen else "")


def figures_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Tabulate rows of a name followed by figures."""
    from tabulate import tabulate

    align = ("left", *["right"] * (len(headers) - 1))
    return tabulate(rows, headers=headers, colalign=align, disable_numparse=True)

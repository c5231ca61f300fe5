"""Compute and print all figures of one set of predictions."""

from collections.abc import Sequence
from dataclasses import fields, replace

from thidua_ner.scoring.breakdowns import Mentions, breakdown
from thidua_ner.scoring.pairs import pair_scores
from thidua_ner.scoring.resampling import intervals
from thidua_ner.scoring.results import UNITS, Evaluation
from thidua_ner.scoring.strict import check_against_seqeval, score
from thidua_ner.scoring.tables import document_mean, muc_table, pairs_table, robustness_table, unseen_share
from thidua_ner.text.iob2 import TagReading
from thidua_ner.text.spans import Document


def evaluate_documents(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    mentions: Mentions | None = None,
    trained_on: tuple[str, ...] | None = None,
) -> Evaluation:
    """Score with 95% intervals, every breakdown and a signature.

    `mentions` are the training mentions by document id, `trained_on` the ids of documents that every model has read;
    None if not known. Raises ValueError if the documents are not the same texts, AssertionError if `seqeval` gives
    other scores.
    """
    scores, groups = score(gold, predicted), breakdown(gold, predicted, mentions)
    check_against_seqeval(gold, predicted, scores)
    return Evaluation(
        **{one.name: getattr(scores, one.name) for one in fields(scores)},
        **{one.name: getattr(groups, one.name) for one in fields(groups)},
        intervals=intervals(gold, predicted),
        pairs=pair_scores(gold, predicted),
        trained_on=trained_on,
    )


def note_repairs(scores: Evaluation, *, gold: TagReading, predictions: TagReading | None = None) -> Evaluation:
    """Add the policies that have read the tags to the signature, and the number of tags that they changed to the notes.

    Scores of tags that were read as they stand are returned as they are.
    """
    sides = [(name, tags) for name, tags in (("gold", gold), ("predictions", predictions)) if tags]
    repaired = [(name, tags) for name, tags in sides if tags.repair != "none"]
    if not repaired:
        return scores
    notes = (f"{tags.repair} has changed {tags.changed:,} tags of the {name}" for name, tags in repaired)
    policies = ",".join(f"{name}={tags.repair}" for name, tags in repaired)
    how, on, what = scores.signature.partition("|gold:")
    return replace(scores, notes=(*scores.notes, *notes), signature=f"{how}|repair:{policies}{on}{what}")


def format_evaluation(scores: Evaluation) -> str:
    """Format the tables, the ceiling of the word segmentation if there is one, the notes and the signature."""
    ranges = [(unit, *scores.intervals.of(unit).bca) for unit in UNITS]
    shown = ", ".join(f"{100 * low:.1f} to {100 * high:.1f} by {unit}" for unit, low, high in ranges)
    lines = [
        scores.table(),
        f"\n95% interval of micro F1: {shown}",
        f"mean F1 of documents: {document_mean(scores.document_macro)}",
    ]
    if scores.seen:
        lines.append(f"mentions that are not in the training data: {unseen_share(scores.seen.normalised)}")
    lines.append(f"\n{muc_table(scores.muc)}")
    if ceiling := scores.segmentation_ceiling:
        lines.append(f"\nword segmentation leaves {ceiling.reachable} of {ceiling.entities} entities reachable")
    if scores.pairs:
        lines.append(f"\n{pairs_table(scores.pairs)}")
    if scores.robustness:
        lines.append(f"\n{robustness_table(scores.robustness)}")
    lines += [f"\nnote: {note}" for note in scores.notes]
    return "\n".join([*lines, f"\n{scores.signature}"])

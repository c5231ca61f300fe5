"""The models of a run as one tagger: each document is tagged by those that have not read it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from thidua_ner.runs.run import Run
from thidua_ner.tagging.tagger import load_tagger
from thidua_ner.text.spans import Document

if TYPE_CHECKING:
    from pathlib import Path


def tag_unread(
    run: Run,
    documents: Sequence[Document],
    originals: Sequence[Document] | None = None,
    *,
    device: str | None = None,
) -> list[Document]:
    """Tag each document with the models that have not read it, their probabilities averaged, in the order given.

    `originals` are the texts that the documents were made from, in the same order: a model that has read an original
    counts as having read the document.
    """
    from tqdm import tqdm

    groups: dict[tuple[Path, ...], list[int]] = {}
    for index, original in enumerate(originals or documents):
        groups.setdefault(tuple(model.folder for model in run.models_for(original)), []).append(index)
    found: dict[int, Document] = {}
    with tqdm(total=len(documents), desc="tagging", unit="document", disable=None) as bar:
        for folders, members in groups.items():
            tagged = load_tagger(*folders, device=device).tag_many(documents[index] for index in members)
            for index, document in zip(members, tagged, strict=True):
                found[index] = document
                bar.update()
    return [found[index] for index in range(len(documents))]

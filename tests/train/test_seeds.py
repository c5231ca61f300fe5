"""Several seeds: one run per seed, scored together, and the time left for all of them."""

import json

import pytest

from tests.conftest import run_inside
from train.progress import QuietProgress

FOLD = "lodo-cantho-2022-07"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory, tiny_arguments):
    folder = tmp_path_factory.mktemp("seeds") / "run"
    arguments = ["configs/phobert-tiny.yaml", *tiny_arguments, "--protocol", FOLD, "--output", str(folder)]
    return folder, arguments, run_inside("train", *arguments, "--seeds", "1,3")


def test_each_seed_is_a_run(seeds):
    folder, _, done = seeds
    assert f"{folder}: 2 seeds; now: python -m evaluate {folder}" in done.stdout
    models = []
    for seed in (1, 3):
        run = folder / f"seed-{seed}"
        assert json.loads((run / "manifest.json").read_text())["config"]["seed"] == seed
        models.append((run / FOLD / "model/model.safetensors").read_bytes())
    assert models[0] != models[1]


def test_seeds_that_are_finished_are_not_trained_again(seeds):
    folder, arguments, _ = seeds
    before = (folder / f"seed-1/{FOLD}/fold.json").stat().st_mtime_ns
    done = run_inside("train", *arguments, "--seeds", "1,3", "--resume")
    assert done.stderr.count("finished before") == 2
    assert (folder / f"seed-1/{FOLD}/fold.json").stat().st_mtime_ns == before


def test_seeds_are_scored_together(seeds, tmp_path):
    folder, _, _ = seeds
    done = run_inside("evaluate", str(folder), "--output", str(tmp_path))
    f1 = [100 * json.loads((tmp_path / f"seed-{n}/scores.json").read_text())["micro"]["f1"] for n in (1, 3)]
    (row,) = [line.split() for line in done.stdout.partition("F1 of 2 seeds")[2].splitlines() if "micro" in line]
    assert row == [
        "micro",
        f"{sum(f1) / 2:.2f}",
        f"{abs(f1[0] - f1[1]) / 2**0.5:.2f}",
        f"{min(f1):.2f}",
        f"{max(f1):.2f}",
    ]


def test_a_run_of_one_seed_is_not_buried_under_others(tiny_run, tiny_arguments):
    arguments = ["configs/phobert-tiny.yaml", *tiny_arguments, "--seeds", "1,2", "--output", str(tiny_run)]
    done = run_inside("train", *arguments, check=False)
    assert done.returncode == 1
    assert "is a run of one seed; name another --output for --seeds" in done.stderr


@pytest.mark.parametrize("seeds", ["1,1", "a", "", "-1", "1,,2", "٣", "1," + "9" * 5000])
def test_bad_seeds_are_usage_errors(seeds):
    done = run_inside("train", "configs/cpu-small.yaml", f"--seeds={seeds}", check=False)
    assert done.returncode == 2
    expected = (
        "the seed 1 is there twice; write --seeds 1\n"
        if seeds == "1,1"
        else "is not a list of seeds; write, for example, 1,2,3"
    )
    assert expected in done.stderr


def test_each_fold_keeps_its_predictions(tiny_run):
    run_inside("evaluate", str(tiny_run))
    pooled = set((tiny_run / "predictions.jsonl").read_text().splitlines())
    folds = [path.read_text().splitlines() for path in sorted(tiny_run.glob("lodo-*/predictions.jsonl"))]
    assert [len(lines) for lines in folds] == [1] * 5
    assert {line for lines in folds for line in lines} == pooled


def test_the_time_that_is_left_counts_the_folds_ahead():
    class Bar:
        total, n, format_dict, shown = 100, 40, {"rate": 2.0}, None

        def set_postfix(self, shown):
            self.shown = shown

    for ahead, left in ((0, {}), (240, {"all folds": "02:30 left"})):
        progress = QuietProgress(ahead)
        progress.training_bar = Bar()
        progress.on_log(logs={"loss": 0.5})
        assert progress.training_bar.shown == {"loss": "0.500", **left}

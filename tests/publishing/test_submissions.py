"""Scored predictions of other systems, published through the commands that a submitter calls."""

import json
import shutil

import pytest
from huggingface_hub import ModelCard

from tests.conftest import run_inside
from tests.scored_runs import GOLD, PAIRS, README, WILD, add_tests, find, make_project, make_run, make_submission
from thidua_ner.faults import DataError
from thidua_ner.formats.jsonl import write_predictions
from thidua_ner.formats.registry import write_documents
from thidua_ner.publishing.submission import Submission, check_submission, read_submission

URL = "https://example.org/a_(b)?c=d&e=f#g"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project with a scored submission."""
    root = add_tests(make_project(tmp_path_factory.mktemp("submissions") / "project"))
    make_submission(root, drop="LOC")
    return root


@pytest.fixture
def root(made, tmp_path):
    """A copy of the project that a test may change."""
    return shutil.copytree(made, tmp_path / "project")


def publish(root, *words, folder="submitted/other", name="other", url=URL, code=0):
    """Publish a submission; returns what the command says."""
    own = [word for key, value in (("--name", name), ("--url", url)) if value is not None for word in (key, value)]
    done = run_inside("thidua_ner", "publish", str(root / folder), *own, *words, "--root", str(root), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def refused(root, *words, code=1, **named):
    said = publish(root, *words, code=code, **named)
    assert not (root / "results").exists()
    assert (root / "README.md").read_text() == README
    return said


def files(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_folder_of_a_submission_is_laid_out_like_that_of_a_run(root):
    publish(root, "--seed", "3")
    seed = root / "results/other/open/seed-3"
    assert sorted(files(root / "results")) == [
        "LEADERBOARD.md",
        "other/open/README.md",
        "other/open/seed-3/predictions.jsonl",
        "other/open/seed-3/scores-pairs/predictions.jsonl",
        "other/open/seed-3/scores-pairs/scores.json",
        "other/open/seed-3/scores-wild/predictions.jsonl",
        "other/open/seed-3/scores-wild/scores.json",
        "other/open/seed-3/scores.json",
        "other/open/seed-3/submission.json",
    ]
    assert json.loads((seed / "submission.json").read_text()) == {
        "name": "other", "url": URL, "seed": 3, "same_kind": False,
    }  # fmt: skip
    assert read_submission(seed / "submission.json") == Submission("other", URL, 3)
    for test in ("", "scores-pairs/", "scores-wild/"):
        assert (seed / f"{test}predictions.jsonl").read_bytes() == (
            (root / "submitted/other" / f"{test}predictions.jsonl").read_bytes()
        )
    assert json.loads((seed / "scores-pairs/scores.json").read_text())["pairs"]["all"]["pairs"] == 10


def test_the_card_of_a_submission_names_its_address(root):
    publish(root)
    card = ModelCard.load(root / "results/other/open/README.md")
    assert card.data.model_name == "other"
    assert {(one.dataset_config, one.dataset_split) for one in card.data.eval_results} == {("gold", "test")}
    assert {one.metric_name: one.metric_value for one in card.data.eval_results}["F1 of LOC"] == 0.0
    assert not card.data.to_dict().keys() & {"base_model", "library_name"}
    assert "submitted by its authors. F1 in percent" in card.text
    assert f"**other, open**: submitted, `{URL}`. The address is in each seed's `submission.json`" in card.text


def test_the_seeds_of_a_submission_are_one_row_with_all_addresses(root):
    publish(root)
    publish(root, "--seed", "2", "--same-kind", url="https://example.org/second")
    (row,) = [line for line in (root / "README.md").read_text().splitlines() if line.startswith("| [")]
    assert row.startswith("| [other †](results/other/open) | open       | 2 ")
    assert (
        (root / "results/LEADERBOARD.md")
        .read_text()
        .endswith(f"- **other, open**: submitted, `{URL}`, `https://example.org/second`\n")
    )


@pytest.mark.parametrize(
    "name", ["../x", "a b", "a|b", "[x](y)", "<b>", ".x", "", "x" * 201, "a/b", "a\\b", "tên", "a\n", "*x*", "`x`"]
)
def test_a_name_that_is_none_of_a_folder_is_refused(name):
    with pytest.raises(DataError) as error:
        check_submission(Submission(name, URL), "place")
    assert error.value.faults[0].what == f"the name is {name!r}"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://a b", "https://a`b", "https://<b>", "ftp://a.b/c", "https://", "", "x",
     "https:///a", "https://a.b/\u202ec", "https://a.b/c\u00a0d", "https://a.b/'c", 'https://a.b/"c', "https://a\nb",
     " https://a.b", "https://" + "a" * 501, "data:text/html,https://a.b"],
)  # fmt: skip
def test_an_address_that_is_none_of_the_web_is_refused(url):
    with pytest.raises(DataError, match=r"^place: the address is "):
        check_submission(Submission("other", url), "place")


def test_addresses_of_the_web_are_taken():
    for url in (URL, "http://a.b", "https://[::1]:80/x", "https://a.b/~c/%20;d,e=f"):
        check_submission(Submission("a.b_c-d+1", url), "place")


@pytest.mark.parametrize(
    ("words", "named", "message"),
    [
        ([], {"url": None}, "--name and --url go together; add --url URL to --name"),
        ([], {"name": None}, "--name and --url go together; add --name NAME to --url"),
        (["--seed", "2"], {"name": None, "url": None}, "--seed and --same-kind go with --name and --url"),
        (["--same-kind"], {"name": None, "url": None}, "--seed and --same-kind go with --name and --url"),
        (["submitted/other"], {}, "with --name, name one folder of scored predictions"),
        ([], {"name": "../x"}, "publish: the name is '../x'; use letters, digits, full stops, hyphens and underscores"),
        ([], {"url": "javascript:x"}, "publish: the address is 'javascript:x'; give one that begins with https://"),
        (["--seed", str(2**32)], {}, "publish: the seed is 4294967296; give one from 0 to 4294967295"),
    ],
)
def test_options_that_do_not_fit_are_refused(root, words, named, message):
    assert message in refused(root, *words, code=2, **named)


def test_predictions_without_a_name_are_no_run(root):
    said = refused(root, name=None, url=None)
    assert said == (
        f"{root / 'submitted/other'}: has the scores of a system that was not trained here; "
        "add --name NAME and --url URL, which say whose they are\n"
    )
    named = "name a run that `python -m evaluate` has scored, or a folder that `thidua-ner score --output` wrote\n"
    assert refused(root, folder="submitted", name=None, url=None) == f"{root / 'submitted'}: is not a run; {named}"
    assert refused(root, folder="nowhere", name=None, url=None) == f"{root / 'nowhere'}: does not exist; {named}"


@pytest.mark.parametrize(
    ("missing", "gold"),
    [
        ("scores.json", "annotations/gold"),
        ("predictions.jsonl", "annotations/gold"),
        ("scores-pairs/predictions.jsonl", "data/pairs/test.jsonl"),
    ],
)
def test_what_is_not_scored_is_answered_with_the_command(root, missing, gold):
    path = root / "submitted/other" / missing
    path.unlink()
    how = f"`thidua-ner score --gold {gold} --predictions FILE --output {path.parent}`"
    assert refused(root) == f"{path}: is missing; score it first: {how}\n"


@pytest.mark.parametrize("test", ["pairs", "wild"])
def test_a_test_that_was_not_scored_is_named_with_the_command(root, test, monkeypatch):
    shutil.rmtree(root / f"submitted/other/scores-{test}")
    said = refused(root)
    assert f"submitted/other: was not scored on {test}; score it on " in said
    command = said.split("`")[1].replace("FILE", str(root / f"submitted/other-{test}.jsonl"))
    monkeypatch.chdir(root)
    run_inside("thidua_ner", *command.split()[1:], cwd=root)
    publish(root)


def test_without_the_texts_of_wild_a_system_is_published_without_it(root):
    shutil.rmtree(root / "submitted/other/scores-wild")
    (root / "runs/wild/test.jsonl").unlink()
    publish(root)
    (row,) = [line for line in (root / "README.md").read_text().splitlines() if line.startswith("| [")]
    assert [cell.strip() for cell in row.split("|")[3:-3]] == ["1", "0.0 (1)", "92.4 (1)"]
    assert not (root / "results/other/open/seed-1/scores-wild").exists()


@pytest.mark.parametrize("place", ["", "scores-pairs/", "scores-wild/"])
@pytest.mark.parametrize("name", ["scores.json", "predictions.jsonl"])
def test_figures_changed_by_hand_are_refused(root, place, name):
    path = root / "submitted/other" / place / name
    if name == "scores.json":
        content = json.loads(path.read_text())
        content["micro"]["f1"] = 0.99
        path.write_text(json.dumps(content))
    else:
        first, *rest = path.read_text().splitlines()
        path.write_text("\n".join([json.dumps({**json.loads(first), "entities": []}), *rest]))
    said = refused(root)
    assert f"submitted/other/{place}scores.json: " in said
    assert "is not what its predictions on the gold give; score it again" in said


def test_scores_on_other_documents_are_refused(root):
    path = root / "submitted/other"
    shutil.rmtree(path / "scores-pairs")
    shutil.copytree(path / "scores-wild", path / "scores-pairs")
    assert "scores-pairs/predictions.jsonl:1: 'baomoi-01' is not a gold document" in refused(root)


def test_a_test_without_predictions_is_named(root):
    (root / "submitted/other/scores-wild/predictions.jsonl").unlink()
    assert "submitted/other/scores-wild/predictions.jsonl: is missing; score it first: `" in refused(root)


def test_a_submission_of_columns_read_with_a_policy_is_published(root):
    """The tags as they stood are not in the folder; the spans that they gave are."""
    write_documents(root / "p.conll", find(GOLD, drop="LOC"))
    text = (root / "p.conll").read_text().replace("B-NUM", "I-NUM")
    (root / "p.conll").write_text(text)
    run_inside("thidua_ner", "score", "--gold", "annotations/gold", "--predictions", "p.conll", "--repair", "conlleval",
               "--output", "submitted/other", cwd=root)  # fmt: skip
    scores = json.loads((root / "submitted/other/scores.json").read_text())
    assert "|repair:" in scores["signature"]
    publish(root)
    assert json.loads((root / "results/other/open/seed-1/scores.json").read_text())["micro"] == scores["micro"]


def test_a_folder_with_a_manifest_is_not_a_submission(root):
    run = make_run(root, "right")
    said = refused(root, folder="runs/right-1")
    assert "runs/right-1: is a run; publish it without --name and --url, or score its predictions into another" in said
    shutil.copy(run / "manifest.json", root / "submitted/other")
    assert "submitted/other: is a run" in refused(root)


def test_publishing_again_shows_what_changes(root):
    assert " gold: " not in publish(root)
    before = files(root / "results")
    assert "\n  gold: 92.35 -> 92.35\n  pairs: 0.00 -> 0.00\n  wild: 85.71 -> 85.71\n" in publish(root)
    assert files(root / "results") == before
    make_submission(root, drop="NUM", tests=["gold"])
    said = publish(root)
    assert "\n  gold: 92.35 -> 92.68\n  pairs: 0.00 -> 0.00\n" in said
    make_submission(root, drop="", miss={"tên-01a"}, tests=["pairs"])
    assert "\n  gold: 92.68 -> 92.68\n  pairs: 0.00 -> 90.00\n" in publish(root)


def test_earlier_parts_are_kept_with_the_same_predictions_and_asked_for_with_others(root):
    publish(root)
    target = root / "results/other/open/seed-1"
    before = files(target)
    (target / "scores-wild/note.txt").write_text("not checked")
    shutil.rmtree(root / "submitted/other/scores-wild")
    assert "\n  wild: kept\n" in publish(root)
    assert files(target) == before
    make_submission(root, drop="NUM", tests=["gold"])
    said = publish(root, code=1)
    assert "submitted/other: was not scored on wild, as the published result was; score it on runs/wild/test" in said
    assert files(target) == before


@pytest.mark.parametrize("name", ["predictions.jsonl", "scores.json"])
def test_a_kept_part_that_is_damaged_is_named_in_its_own_place(root, name):
    publish(root)
    shutil.rmtree(root / "submitted/other/scores-wild")
    path = root / "results/other/open/seed-1/scores-wild" / name
    path.write_text("{")
    assert publish(root, code=1).startswith(f"{path}")
    if name == "predictions.jsonl":
        path.unlink()
        assert publish(root, code=1).startswith(f"{path}: cannot be read")
        write_predictions(path, WILD[1:])
        assert publish(root, code=1) == f"{path}: has no prediction for baomoi-01; publish the run again\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("[]", "Input should be an object"),
        ('{"name": "other"}', "lacks url; publish it again"),
        ('{"name": "other", "url": "javascript:x"}', "the address is 'javascript:x'"),
        ('{"name": "../x", "url": "https://a.b"}', "the name is '../x'"),
        ('{"name": "other", "url": "https://a.b", "seed": true}', "seed: Input should be a valid integer"),
        ('{"name": "other", "url": "https://a.b", "seed": -1}', "the seed is -1"),
        ('{"name": "other", "url": "https://a.b", "same_kind": "no"}', "same_kind: Input should be a valid boolean"),
    ],
)
def test_a_damaged_submission_is_named(tmp_path, content, message):
    path = tmp_path / "submission.json"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        read_submission(path)
    assert str(error.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    "content", ['{"name": "else", "url": "https://a.b"}', '{"name": "other", "url": "x"}', "", None]
)
def test_a_damaged_submission_in_results_stops_the_tables(root, content):
    publish(root)
    path = root / "results/other/open/seed-1/submission.json"
    path.unlink() if content is None else path.write_text(content)
    before = files(root)
    done = run_inside("thidua_ner", "publish", "--root", str(root), check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"{path}: ")
    assert files(root) == before


def test_a_submission_that_would_take_the_place_of_the_leaderboard_is_refused(root):
    said = refused(root, name="LEADERBOARD.md")
    assert said.endswith("results/LEADERBOARD.md: is the place of another file; publish under another name\n")


def test_the_pairs_of_a_submission_are_those_of_its_predictions(root):
    missed = {d.id for d in PAIRS if d.id.endswith("4a")}
    make_submission(root, miss=missed, tests=["pairs"])
    publish(root)
    scores = json.loads((root / "results/other/open/seed-1/scores-pairs/scores.json").read_text())
    assert {name: own["right"] for name, own in scores["pairs"]["phenomena"].items()} == {"ghép": 4, "tên": 4}
    assert set(scores["hard"]) == {"unseen"}

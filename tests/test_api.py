"""The public names of the package, as users import them."""

import pytest

import thidua_ner
from tests.clocks import seconds_of_python
from tests.conftest import ROOT
from thidua_ner.faults import UsageError

NAMES = sorted(set(thidua_ner.__all__) - {"__version__"})


def test_public_names_are_there_and_no_others_are_pretended():
    assert NAMES == ["Document", "Span", "compare", "load_tagger", "read_documents", "score", "score_tags"]
    assert all(callable(getattr(thidua_ner, name)) for name in NAMES)
    assert set(NAMES) <= set(dir(thidua_ner))
    with pytest.raises(AttributeError, match="has no attribute 'tagger_of'"):
        _ = thidua_ner.tagger_of


@pytest.mark.parametrize("statement", ["import thidua_ner", f"from thidua_ner import {', '.join(NAMES)}"])
def test_importing_is_quick_and_light(statement):
    seconds, heavy = seconds_of_python(statement, "sorted({'numpy', 'torch'} & set(sys.modules))")
    assert heavy == "[]"
    assert seconds < 1  # it takes a tenth of that


def test_documents_and_taggers_take_strings_and_paths(model):
    gold = thidua_ner.read_documents(str(ROOT / "annotations/gold"))
    assert gold == thidua_ner.read_documents(ROOT / "annotations/gold")
    text = "Sáng 29/7, Công an TP Cần Thơ họp."
    assert thidua_ner.load_tagger(str(model)).tag(text) == thidua_ner.load_tagger(model).tag(text)


def test_systems_are_scored_and_compared_in_python():
    gold = thidua_ner.read_documents(ROOT / "annotations/gold")
    nothing = [document.with_spans(()) for document in gold]
    assert thidua_ner.score(gold, gold).micro.f1 == 1
    compared = thidua_ner.compare(gold, {"all": gold, "nothing": nothing})
    assert compared.pairs[0].difference == 1
    assert compared.units == {"document": 5, "sentence": 84}
    with pytest.raises(ValueError, match="two systems"):
        thidua_ner.compare(gold, {"all": gold})
    with pytest.raises(ValueError, match="4 predicted documents for 5"):
        thidua_ner.score(gold, gold[:4])


def test_no_model_and_no_policy_are_refused():
    with pytest.raises(UsageError, match="there is no model to load"):
        thidua_ner.load_tagger()
    with pytest.raises(ValueError, match="'all' is not a policy of repair"):
        thidua_ner.score_tags([["O"]], [["O"]], repair="all")

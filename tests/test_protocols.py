"""The protocols: their folds and configurations, and what is not one of them."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from thidua_ner.faults import UsageError
from thidua_ner.protocols import PROTOCOLS, find_protocol, select_folds

NAMES = st.lists(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True), min_size=1, max_size=4, unique=True)
CARD = yaml.safe_load((ROOT / "data/README.md").read_text().split("---\n")[1])
CONFIGURATIONS = [config["config_name"] for config in CARD["configs"]]


@given(NAMES)
def test_every_fold_belongs_to_its_protocol_alone(gold):
    for protocol in PROTOCOLS.values():
        for fold in protocol.folds(gold):
            assert find_protocol(fold) == protocol
            assert [one.name for one in PROTOCOLS.values() if one.is_fold(fold)] == [protocol.name]


def test_the_dataset_has_a_configuration_for_every_fold():
    gold = [name.removeprefix("lodo-") for name in CONFIGURATIONS if name.startswith("lodo-")]
    expected = {p.configuration_of(fold) for p in PROTOCOLS.values() for fold in p.folds(gold)}
    assert set(CONFIGURATIONS) == {*expected, "gold", "documents", "pairs", "wild"}


@pytest.mark.parametrize(
    ("name", "folds"),
    [("transfer", {"transfer": "default"}), ("lodo-cantho-2022-07", {"lodo-cantho-2022-07": "lodo-cantho-2022-07"})],
)
def test_folds_are_selected_by_name(name, folds):
    assert select_folds(name, CONFIGURATIONS) == folds


def test_a_protocol_stands_for_all_of_its_folds():
    assert len(select_folds("lodo", CONFIGURATIONS)) == 5
    assert all(fold.startswith("lodo+synthetic-") for fold in select_folds("lodo+synthetic", CONFIGURATIONS))


@pytest.mark.parametrize("name", ["loso", "", "transfer-hue", "lodo_x", "default"])
def test_what_is_not_a_protocol_is_refused_at_once(name):
    with pytest.raises(UsageError, match="use transfer, lodo, lodo\\+synthetic"):
        find_protocol(name)


def test_a_fold_that_the_dataset_lacks_is_refused():
    with pytest.raises(UsageError, match="lodo-cantho-2022-07"):
        select_folds("lodo-hue-2020-01", CONFIGURATIONS)

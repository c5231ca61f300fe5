"""A model that is trained in a second."""

import pytest

from tests.conftest import ROOT
from thidua_ner import baselines, brat, crf
from thidua_ner.labels import TAGS
from train.data import tag_sentences


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A small CRF that has learnt the gold documents."""
    folder = tmp_path_factory.mktemp("model")
    pairs = [
        ([token.text for token in s.tokens], s.tags) for s in tag_sentences(brat.read_folder(ROOT / "annotations/gold"))
    ]
    crf.fit(pairs, folder / baselines.CRF_FILE, c1=0.0, c2=0.1, max_iterations=15)
    baselines.save(folder, "crf", TAGS)
    return folder

"""Every reader against damaged input: a few samples of each target, always the same ones, and the seeds."""

import pytest
from hypothesis import settings

from tests.fuzz.engine import Tally, examine, load_seed, run, seeds_of
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_refuses_or_keeps_everything(name):
    target, tally = TARGETS[name], Tally()
    run(target, tally, settings(max_examples=target.examples, derandomize=True, database=None))
    assert not tally.failures, "\n".join(map(str, tally.failures.values()))
    assert tally.examples >= target.examples // 2


SEED_FILES = [(name, path) for name in TARGETS for path in seeds_of(name)]


@pytest.mark.parametrize(("name", "path"), SEED_FILES, ids=[f"{name}-{path.stem}" for name, path in SEED_FILES])
def test_what_once_failed_does_not_fail_again(name, path):
    examine(TARGETS[name], load_seed(path))

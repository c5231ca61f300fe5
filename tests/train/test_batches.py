"""Batches: what is drawn, swapped, dropped and shifted."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from thidua_ner.text.iob2 import follows
from train.batches import VARIATION, LengthSampler
from train.dropout import ByteDropout, use_byte_dropout
from train.readings import Reading, mentions_by_label, mentions_of, swap_mentions


class Lengths:
    """Examples that have only a length."""

    def __init__(self, lengths):
        self.own = list(lengths)

    def __len__(self):
        return len(self.own)

    def lengths(self):
        return self.own

    def begin_epoch(self, generator):
        assert isinstance(generator, torch.Generator)


@given(st.lists(st.integers(2, 200), min_size=1, max_size=200), st.integers(1, 20), st.integers(0, 5))
def test_an_epoch_draws_every_example_once_in_batches_of_like_length(lengths, batch_size, epoch):
    sampler = LengthSampler(Lengths(lengths), batch_size, seed=1)
    sampler.set_epoch(epoch)
    order = list(sampler)
    assert sorted(order) == list(range(len(lengths)))
    full = len(order) // batch_size
    batches = [[lengths[i] for i in order[b * batch_size : (b + 1) * batch_size]] for b in range(full)]
    # sorted by length, batches overlap by no more than lengths are varied
    ordered = sorted(batches, key=sum)
    for shorter, longer in pairwise(ordered):
        assert min(longer) * (1 + VARIATION) >= max(shorter) - 1e-3 or sum(longer) == sum(shorter)


def test_epochs_differ_and_repeat():
    sampler = LengthSampler(Lengths(range(2, 100)), 8, seed=3)
    orders = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[2] != orders[1]
    assert list(LengthSampler(Lengths(range(2, 100)), 8, seed=4)) != orders[0]


@st.composite
def readings(draw):
    pieces = draw(st.lists(st.tuples(st.sampled_from(["", "PER", "LOC"]), st.integers(1, 3)), max_size=6))
    words, tags = [], []
    for label, length in pieces:
        words += [draw(st.sampled_from(["Nam", "Huế", "và", "3"])) for _ in range(length)]
        tags += [f"B-{label}"] + [f"I-{label}"] * (length - 1) if label else ["O"] * length
    return Reading(tuple(words), tuple(tags))


@given(st.lists(readings(), min_size=1, max_size=4), st.sampled_from([0.0, 0.5, 1.0]))
def test_swapped_mentions_keep_their_labels_and_the_words_around_them(all_readings, probability):
    mentions = mentions_by_label(all_readings)
    for reading in all_readings:
        swapped = swap_mentions(reading, mentions, probability, torch.Generator().manual_seed(0))
        assert len(swapped.words) == len(swapped.tags)
        assert all(follows(tag, before) for before, tag in zip(("O", *swapped.tags), swapped.tags, strict=False))
        assert [mention.label for mention in mentions_of(swapped)] == [
            mention.label for mention in mentions_of(reading)
        ]
        for mention in mentions_of(swapped):
            assert swapped.words[mention.start : mention.end] in mentions[mention.label]
        outside = [[w for w, t in zip(r.words, r.tags, strict=True) if t == "O"] for r in (reading, swapped)]
        assert outside[0] == outside[1]
        if probability == 0:
            assert swapped == reading


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_byte_dropout_drops_as_often_as_it_says_and_keeps_the_mean(p):
    torch.manual_seed(0)
    values = torch.ones(1000, 1001, requires_grad=True)
    dropped = ByteDropout(p)(values)
    assert (dropped == 0).float().mean().item() == pytest.approx(round(p * 256) / 256, abs=0.002)
    assert dropped.mean().item() == pytest.approx(1, abs=0.003)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())
    torch.manual_seed(0)
    assert torch.equal(ByteDropout(p)(values), dropped)
    assert torch.equal(ByteDropout(p).eval()(values), values)
    assert ByteDropout(p)(values.bfloat16()).dtype == torch.bfloat16


def test_byte_dropout_takes_the_place_of_dropout_that_drops():
    model = torch.nn.Sequential(
        torch.nn.Dropout(0.1), torch.nn.Sequential(torch.nn.Dropout(0.0), torch.nn.Dropout(0.3))
    )
    use_byte_dropout(model)
    assert [type(m).__name__ for m in (model[0], *model[1])] == ["ByteDropout", "Dropout", "ByteDropout"]
    assert model[1][1].p == 0.3

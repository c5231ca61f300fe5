"""The clocks of the tests tell a square from a proportion, whatever else the machine does."""

import gc

from tests.clocks import keeps_pace, seconds


def test_a_square_of_the_length_does_not_keep_pace():
    assert keeps_pace(lambda text: [ord(letter) for letter in text], "ab", 40_000)
    assert not keeps_pace(lambda text: [text.count("c", at) for at in range(len(text))], "ab", 20_000)


def test_what_is_remembered_of_a_text_does_not_hide_the_square():
    seen = set()

    def work(text):
        if text not in seen:
            seen.add(text)
            return [text.count("c", at) for at in range(len(text))]
        return None

    assert not keeps_pace(work, "ab", 20_000)


def test_the_time_of_a_constant_does_not_depend_on_the_length():
    assert keeps_pace(lambda text: text[:100], "a", 1_000_000, longer=50)
    assert not keeps_pace(lambda text: [ord(letter) for letter in text], "a", 1_000_000, longer=50)


def test_no_garbage_is_collected_while_the_clock_runs():
    collects = []
    assert seconds(lambda: collects.append(gc.isenabled())) >= 0
    assert (collects, gc.isenabled()) == ([False], True)

"""YAML that no config needs is refused in one line, at once: it is never read otherwise than it looks."""

import pytest
import yaml

from tests.clocks import keeps_pace
from thidua_ner.faults import DataError
from train.yaml_text import load_yaml

MANY = "f" * 9000


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (f"a: 1\nseed: 0x{MANY}", 2, "the number is too large; correct the value"),
        (f"a: 1\nseed: {'9' * 5000}", 2, "the value cannot be read (Exceeds the limit"),
        ("seed: 18446744073709551616", 1, "the number is too large"),
        ("seed: -18446744073709551616", 1, "the number is too large"),
        ("seed: 0b_", 1, "the value cannot be read (invalid literal for int() with base 2: '')"),
        ("seed: " + ":".join("1" * 400), 1, "the number is too large"),
        ("seed: 1" + ":1" * 400 + ".0", 1, "the value cannot be read (int too large to convert to float)"),
        ("a: 1\nname: 2020-13-45", 2, "the value cannot be read (month must be in 1..12"),
        ('a: !!bool "x"', 1, "has the tag 'tag:yaml.org,2002:bool'; write the value without a tag"),
        ('a: !!int ""', 1, "has the tag 'tag:yaml.org,2002:int'"),
        ('a:\n- !!timestamp "x"', 2, "has the tag 'tag:yaml.org,2002:timestamp'"),
        ('a: !!float "x"', 1, "has the tag 'tag:yaml.org,2002:float'"),
        ("a: !!set {b, c}", 1, "has the tag 'tag:yaml.org,2002:set'"),
        ("a: !!python/object/apply:os.system [ls]", 1, "has the tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !mine 3", 1, "has the tag '!mine'"),
        ("a: " + "[" * 20_000, 1, "is nested deeper than 20 levels; write the values flat"),
        ("a: " + "{b: " * 10_000, 1, "is nested deeper than 20 levels"),
        ("- " * 20_000, 1, "is nested deeper than 20 levels"),
        ("a: 1\nb: 2\na: 3", 3, "has the key 'a' twice; delete one of the two"),
        ("a:\n  b: 1\n  'b': 2", 3, "has the key 'b' twice"),
        ("a:\n  <<: {b: 1}", 2, "has a key '<<'; write a word as the key: merges are not read"),
        ("a: 1\n2: 3", 2, "has a key '2'; write a word as the key"),
        ("on: 1", 1, "has a key 'on'"),
        ("null: 1", 1, "has a key 'null'"),
        ("? [a]\n: 1", 1, "has a key that is a list or a mapping"),
        ("a: &b 1\nc: *b", 2, "refers to *b; write the value out: references are not read"),
        ("a: 1\nb: \0", 2, "is not YAML (the character U+0000 is not allowed); delete it"),
        ("a: 1\nb: [", 2, "is not YAML"),
        ("a: 1\n---\nb: 2", 2, "is not YAML (but found another document)"),
        ("%YAML 9.9\n---\na: 1", 1, "is not YAML"),
        ("a: =", 1, "is not YAML (could not determine a constructor for the tag"),
        ("a: <<", 1, "is not YAML (could not determine a constructor for the tag"),
        ("#" * 50_001, 0, "has 50,001 characters; a config may have 50,000; shorten it"),
    ],
)
def test_odd_yaml_is_refused_with_its_line(content, line, message):
    with pytest.raises(DataError) as error:
        load_yaml("c.yaml", content)
    assert str(error.value).startswith(f"c.yaml:{line}: {message}" if line else f"c.yaml: {message}")
    assert len(error.value.faults) == 1


@pytest.mark.parametrize("unit", ["[", "{b: ", "- ", "1:", "9", "a: &b {c: [*b]}\n", "? "])
def test_the_time_grows_with_the_text(unit):
    def refuse(content):
        with pytest.raises(DataError):
            load_yaml("c.yaml", f"a: {content}\n? ]")

    assert keeps_pace(refuse, unit, 48_000)


@pytest.mark.parametrize(
    "content",
    ["a: {b: [1, 2.5, x, null, true]}\nc: 2020-01-02\n'd': \"e\"", "", "3", "a: 18446744073709551615", "a: .inf"],
)
def test_plain_yaml_is_read_as_the_package_reads_it(content):
    assert load_yaml("c.yaml", content) == yaml.safe_load(content)

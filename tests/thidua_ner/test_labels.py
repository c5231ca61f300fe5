import re
from pathlib import Path

from thidua_ner.labels import ENTITY_TYPES, TAGS

ROOT = Path(__file__).parent.parent.parent


def test_tags_are_thirteen_in_class_order():
    assert TAGS[:5] == ("O", "B-ORG", "I-ORG", "B-PER", "I-PER")
    assert len(TAGS) == len(set(TAGS)) == 13


def test_brat_offers_exactly_the_labels():
    section = (ROOT / "annotations/annotation.conf").read_text().partition("[entities]")[2].partition("[relations]")[0]
    assert section.split() == list(ENTITY_TYPES)


def test_no_other_module_names_a_type():
    names = re.compile(r"[\"'](?:[BI]-)?(?:" + "|".join(ENTITY_TYPES) + r")[\"']")
    modules = [path for package in ("thidua_ner", "train", "evaluate") for path in (ROOT / package).glob("*.py")]
    naming = [path.name for path in modules if names.search(path.read_text())]
    assert naming == ["labels.py"]


def test_guidelines_have_examples_of_both_kinds_for_each_type():
    text = (ROOT / "annotations/GUIDELINES.md").read_text()
    for label in ENTITY_TYPES:
        section = text.partition(f"### {label} ")[2].partition("\n##")[0]
        positive, negative = section.split("| marked | why |")[1].split("| not marked | why |")
        assert "**Definition.**" in section
        assert "**Test.**" in section
        for table in (positive, negative):
            assert sum(line.startswith("| `") for line in table.splitlines()) >= 5, label


def test_guidelines_cite_lines_that_exist_and_say_what_is_cited():
    text = (ROOT / "annotations/GUIDELINES.md").read_text()
    row = re.compile(r"\| `([^`|]+)`(?: in `[^`]+`)? \(([a-z]+-\d{4}-\d{2}):(\d+)\) \|")
    found = row.findall(text)
    assert len(found) > 30
    for example, document, line in found:
        lines = (ROOT / f"annotations/gold/{document}.txt").read_text().split("\n")
        plain = re.sub(r"\[([^]]*)\](?:ORG|PER|RANK|LOC|DATE|NUM)", r"\1", example).strip("()")
        for part in re.split(r" … |…| \.\.\. ", plain):
            assert part.strip() in lines[int(line) - 1], (example, document, line)

import re
from pathlib import Path

from thidua_ner.text.labels import ENTITY_TYPES, TAGS

ROOT = Path(__file__).parent.parent.parent


def test_tags_are_thirteen_in_class_order():
    assert TAGS[:5] == ("O", "B-ORG", "I-ORG", "B-PER", "I-PER")
    assert len(TAGS) == len(set(TAGS)) == 13


def test_brat_offers_exactly_the_labels():
    section = (ROOT / "annotations/annotation.conf").read_text().partition("[entities]")[2].partition("[relations]")[0]
    assert section.split() == list(ENTITY_TYPES)


def test_no_other_module_names_a_type():
    # RANK is also an environment variable of distributed training
    names = re.compile(r"(?<!environ\.get\()[\"'](?:[BI]-)?(?:" + "|".join(ENTITY_TYPES) + r")[\"']")
    modules = [path for package in ("thidua_ner", "train", "evaluate") for path in (ROOT / package).rglob("*.py")]
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


def cited(row):
    """Yield each example of a table row with each place that is cited for its group."""
    for group in row.split(";"):
        places = re.search(r"\(((?:[a-z]+-\d{4}-\d{2}:[^)]*))\)", group)
        for example in re.findall(r"`([^`]+)`", group.partition("(")[0]) if places else ():
            lines = []
            for name, numbers in re.findall(r"([a-z]+-\d{4}-\d{2}):((?:\d+|, | and )+)", places[1]):
                lines += [(name, int(number)) for number in re.findall(r"\d+", numbers)]
            yield example, lines


def test_guidelines_cite_lines_that_say_what_is_cited():
    text = (ROOT / "annotations/GUIDELINES.md").read_text().partition("## Rulings")[0]
    checked = 0
    for row in text.splitlines():
        for example, places in cited(row.split("|")[1]) if row.startswith("| `") else ():
            plain = re.sub(r"\[([^]]*)\](?:ORG|PER|RANK|LOC|DATE|NUM)", r"\1", example).strip("()")
            texts = [
                (ROOT / f"annotations/gold/{name}.txt").read_text().split("\n")[number - 1] for name, number in places
            ]
            parts = [part.strip() for part in re.split(r"…", plain)]
            assert any(all(part in line for part in parts) for line in texts), (example, places)
            checked += 1
    assert checked > 80

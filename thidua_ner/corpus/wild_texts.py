"""Join the annotations of `wild` with the texts, which every user fetches from their own source."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from thidua_ner.corpus.wild import ORIGINS, WILD_PART, WILD_SPLITS, Origin, Wild, WildText, read_wild
from thidua_ner.faults import DataError, Fault, UsageError, fail
from thidua_ner.files import read_text, whole
from thidua_ner.formats.jsonl import document_record, format_json_lines, read_documents
from thidua_ner.text.spans import Document, Span

WILD_FOLDER = Path("runs/wild")
"""Where the joined documents are written, one file per split; the folder is ignored by git."""

LONGEST_RUN = 17
"""How many syllables in a row the project may share with a text of `wild`."""

_SYLLABLE = re.compile(r"\w+")
_CLONE, _CLONE_AS_IT_IS = "git clone", "git clone -c core.autocrlf=false"


def join_wild(annotations: Path, folders: Mapping[str, Path], output: Path = WILD_FOLDER) -> dict[Path, list[Document]]:
    """Write the documents of each split with their texts, and return them by file; whole files or none.

    `folders` are those of the sources by name; one may be missing. Raises UsageError if there is none, DataError with
    every text that is missing or is not the one that was annotated.
    """
    if not folders:
        remedy = f"give {' or '.join(f'--{name}' for name in ORIGINS)}"
        fail("wild", "no source of texts is named", remedy, kind=UsageError)
    wild = read_wild(annotations)
    faults = list(wild.faults)
    texts = {} if faults else _find_texts(wild, folders, faults)
    documents: dict[Path, list[Document]] = {}
    if not faults:
        documents = {output / f"{split}.jsonl": list(_documents(wild, split, texts, faults)) for split in WILD_SPLITS}
        faults += [Fault(str(path), "is a folder", "name another --output") for path in documents if path.is_dir()]
    if faults:
        raise DataError(faults)
    with ExitStack() as files:
        for path, own in documents.items():
            content = format_json_lines(map(document_record, own))
            files.enter_context(whole(path)).write_text(content, encoding="utf-8", newline="")
    return documents


def _find_texts(wild: Wild, folders: Mapping[str, Path], faults: list[Fault]) -> dict[str, str]:
    """Read the texts of the sources that are here, by id; add a fault for each that is not the annotated one."""
    texts: dict[str, str] = {}
    for row in wild.sources.rows:
        if row.source in folders:
            try:
                texts[row.id] = _read(row, folders[row.source], ORIGINS[row.source])
            except DataError as error:
                faults += error.faults
    return texts


def _read(row: WildText, folder: Path, origin: Origin) -> str:
    """Read a text from a clone of its source, or a folder with its file; raises DataError if it is another one."""
    path = folder / row.file if (folder / row.file).exists() else folder / row.file.name
    fetch = f"{_CLONE} {origin.repository} && cd {Path(origin.repository).name} && git checkout {origin.commit}"
    again = f"fetch it again without changing its line breaks: {fetch.replace(_CLONE, _CLONE_AS_IT_IS)}"
    if not path.is_file():
        fail(folder / row.file, f"is missing, which is the text of {row.id}", f"fetch it: {fetch}")
    try:
        text = read_text(path)
    except DataError as error:
        (fault,) = error.faults
        fail(path, f"{fault.what}, and it should be the text of {row.id}", again, line=fault.line)
    if row.lines:
        first, last = row.lines
        text = "".join(f"{line}\n" for line in text.replace("\r\n", "\n").split("\n")[first - 1 : last])
    if Document(row.id, text).text_sha256 != row.sha256:
        fail(path, f"is not the text of {row.id} that was annotated", again)
    return text


def _documents(wild: Wild, split: str, texts: Mapping[str, str], faults: list[Fault]) -> Iterator[Document]:
    """Yield the documents of a split whose text is here; add a fault for each whose spans do not fit it."""
    for row in wild.rows(split):
        if row.id not in texts:
            continue
        spans: tuple[Span, ...] = wild.splits[split][row.id]
        try:
            yield Document(row.id, texts[row.id], spans)
        except ValueError as error:
            faults.append(Fault(str(wild.folder / f"{split}.jsonl"), f"{row.id}: {error}", "correct the offsets"))


def find_wild_texts(files: Iterable[Path], joined: Path = WILD_FOLDER) -> Iterator[Fault]:
    """Find the first passage of a joined text in each file: the project holds none; nothing if no text is joined."""
    texts = [path for path in (joined / f"{split}.jsonl" for split in WILD_SPLITS) if path.is_file()]
    known = {run for path in texts for document in read_documents(path) for run, _ in _runs(document.text)}
    for path in files if known else ():
        try:
            content = path.read_text(encoding="utf-8", errors="ignore")
        except OSError:  # it is a folder, or a link to nothing
            continue
        place = next((start for run, start in _runs(content) if run in known), None)
        if place is not None:
            remedy = "delete it: the project holds none of these texts"
            yield Fault(str(path), f"holds a text of {WILD_PART}", remedy, line=content.count("\n", 0, place) + 1)


def _runs(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield every run of syllables that is too long for chance, in lower case, with its offset."""
    found = [(match[0].lower(), match.start()) for match in _SYLLABLE.finditer(text)]
    for first in range(len(found) - LONGEST_RUN):
        run = found[first : first + LONGEST_RUN + 1]
        yield tuple(syllable for syllable, _ in run), run[0][1]

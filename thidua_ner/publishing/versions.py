"""Whether results are of the current version of the data: of the training documents, and of the other tests."""

from pathlib import Path

from thidua_ner.faults import fail, some_of
from thidua_ner.formats import registry
from thidua_ner.formats.jsonl import read_documents, read_standoff
from thidua_ner.protocols import PROTOCOLS
from thidua_ner.publishing.columns import STANDOFF
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import Manifest
from thidua_ner.runs.scored import OTHER_TESTS
from thidua_ner.text.spans import Document, fingerprint

_DOCUMENTS = Path("data/documents")


def check_data(run: RunFolder, manifest: Manifest, root: Path) -> None:
    """Raise DataError if a run was trained on another version of the benchmark's data than the one that is here."""
    folder = root / _DOCUMENTS
    documents = read_documents(folder / "gold.jsonl")
    if PROTOCOLS[str(manifest.protocol)].synthetic:
        documents += read_documents(folder / "synthetic-train.jsonl")
    documents += _validation(run, manifest, root)
    if fingerprint(documents) != manifest.data_fingerprint:
        remedy = "train it again, on the data that `thidua-ner build` makes"
        fail(run.manifest, f"was trained on another version of the data than that of {root / 'data'}", remedy)


def _validation(run: RunFolder, manifest: Manifest, root: Path) -> list[Document]:
    """Read the documents that a run was validated on: its own, or the benchmark's if its protocol has some."""
    data = manifest.config.get("data")
    if isinstance(data, dict) and isinstance(data.get("validation"), str):
        path = root / data["validation"]
        if not path.exists():
            fail(run.manifest, f"was validated on {data['validation']}, which is not here", "put it there")
        documents = registry.read_documents(path)
        _check_no_test(run, data["validation"], documents, root)
        return documents
    return (
        read_documents(root / _DOCUMENTS / "synthetic-validation.jsonl")
        if PROTOCOLS[str(manifest.protocol)].synthetic
        else []
    )


def _check_no_test(run: RunFolder, validation: str, documents: list[Document], root: Path) -> None:
    """Raise DataError if a run was validated on a text of a test."""
    files = [root / _DOCUMENTS / "gold.jsonl", *(root / path for path in OTHER_TESTS.values())]
    texts = {one.text_sha256 for path in files if path.is_file() for one in read_documents(path)}
    if read := [one.id for one in documents if one.text_sha256 in texts]:
        what = f"was validated on {validation}, of which {some_of(read)} is of a test"
        fail(run.manifest, what, "train it again with other documents to validate on")


def read_test(name: str, scored: RunFolder, root: Path) -> list[Document]:
    """Read the documents of another test than the gold.

    Raises DataError if they are not here, or not those of the current annotations.
    """
    path, join = root / OTHER_TESTS[name], "join them again with `thidua-ner wild` and both sources, and score again"
    if not path.is_file():
        fail(scored.path, f"cannot be checked without {path}", join if name == "wild" else "run `thidua-ner build`")
    documents = read_documents(path)
    if {one.id: one.spans for one in documents} != read_standoff(root / STANDOFF[name]):
        fail(path, f"is not the whole of {root / STANDOFF[name]}, or an older version of it", join)
    return documents

"""Results of systems that were not trained here: who submits them, and where they are described."""

import re
from dataclasses import dataclass
from pathlib import Path

from thidua_ner.faults import DataError, FaultError, fail
from thidua_ner.files import read_json
from thidua_ner.protocols import OPEN
from thidua_ner.runs.folder import RunFolder
from thidua_ner.runs.manifest import MAX_NAME, NAME_PATTERN

_URL = re.compile(r"https?://[A-Za-z0-9\[][!#-&(-;=?-_a-~]{0,499}")
"""An address of the web, in printable ASCII without quotes and angles."""
_PUBLISH_AGAIN = "publish it again"


@dataclass(frozen=True, slots=True)
class Submission:
    """What is known of a submitted system: the content of `submission.json`.

    `same_kind` tells a system of the kind that wrote the machine-written texts and annotated all of them.
    """

    name: str
    url: str
    seed: int = 1
    same_kind: bool = False

    @property
    def protocol(self) -> str:
        """Where the result belongs."""
        return OPEN


def submission_path(folder: RunFolder) -> Path:
    """Return the path of what is known of a submitted system."""
    return folder.path / "submission.json"


def read_submission(path: Path) -> Submission:
    """Read what is known of a submitted system; raises DataError if it is damaged."""
    found = read_json(path, Submission, _PUBLISH_AGAIN)
    check_submission(found, path)
    return found


def check_submission(submission: Submission, place: Path | str, *, kind: type[FaultError] = DataError) -> None:
    """Raise `kind` if the name is not one of a folder, the address is none of the web, or the seed is too large."""
    if not re.fullmatch(NAME_PATTERN, submission.name) or len(submission.name) > MAX_NAME:
        remedy = "use letters, digits, full stops, hyphens and underscores"
        fail(place, f"the name is {submission.name!r}", remedy, kind=kind)
    if not _URL.fullmatch(submission.url):
        remedy = "give one that begins with https://, without spaces, quotes and letters beyond ASCII"
        fail(place, f"the address is {submission.url!r}", remedy, kind=kind)
    if not 0 <= submission.seed < 2**32:
        fail(place, f"the seed is {submission.seed}", f"give one from 0 to {2**32 - 1}", kind=kind)

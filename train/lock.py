"""Locks on run folders, so that no two trainings write to one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from thidua_ner.faults import MachineError, fail
from train.processes import is_main_process


@contextmanager
def locked(*folders: Path) -> Iterator[None]:
    """Keep other trainings out of run folders, in the main process; the locks end with it, however it ends.

    The file of a lock lies beside its folder, which may be moved. Raises MachineError if another process holds one, or
    if the file cannot be written.
    """
    with ExitStack() as held:
        for folder in folders if is_main_process() else ():
            held.callback(_acquire(folder).release)
        yield


def _acquire(folder: Path) -> FileLock:
    place = folder.resolve()
    if not place.name:
        fail(folder, "cannot be a run", "name another --output")
    file = place.with_name(f".{place.name}.lock")
    lock = FileLock(file, blocking=False)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, Timeout) as error:
        if isinstance(error, Timeout) and file.exists():
            remedy = "wait for it, or name another --output"
            fail(folder, "is being trained by another process", remedy, kind=MachineError)
        reason = "its folder is not writable" if isinstance(error, Timeout) else error.strerror or error
        remedy = "name an --output in a folder that you may write to"
        fail(file, f"cannot be written ({reason})", remedy, kind=MachineError)
    return lock

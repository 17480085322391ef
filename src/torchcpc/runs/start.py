"""A run folder until its record is written: what counts as new, and what a start leaves behind that failed, which is nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError
from torchcpc.runs.record import NAME
from torchcpc.training.state import BEST, LATEST, read_state

# Says that all in the folder is of a start that was killed, as long as there is no record. Named like what is half written.
_MARK = ".start.part"


def require_new(folder: Path) -> None:
    """Raises CPCError for a folder in use. New is one that is not there, is empty, or holds only unfinished files of ours."""
    if not folder.is_dir():
        if folder.exists() or folder.is_symlink():
            raise CPCError(f"{folder} is a file, not a folder. Choose another with -o.")
        return
    if (folder / NAME).exists():
        raise CPCError(
            f"{folder} exists and is not empty. Continue it with `cpc train --resume {folder}`, or choose another with -o."
        )
    if not (folder / _MARK).exists() and (others := sorted(path.name for path in folder.iterdir() if not _partial(path))):
        raise CPCError(f"{folder} exists and is not empty: it holds {others[0]}. Choose another folder with -o.")


@contextmanager
def starting(folder: Path, *, first: bool) -> Iterator[None]:
    """Around a new run: its folder holds nothing of an earlier start, and where nothing was learned neither the folder nor a parent made
    for it stays behind. first: whether this is the first of the processes, which alone touches the folder."""
    if not first:
        yield
        return
    require_new(folder)  # still: a scan may have taken long
    made = [path for path in folder.parents if not path.exists()]
    try:
        write_text(folder / _MARK, "")
        for path in folder.iterdir():
            if path.name != _MARK:
                path.unlink()
        yield
    except BaseException:
        # A run in which nothing was learned would stand in the way of the next try, and could not be resumed either.
        if not _learned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _remove_empty(made)
        raise


def remove_partial(folder: Path) -> None:
    """Removes what a killed process was writing, and the mark of a start."""
    for path in folder.iterdir():
        if _partial(path):
            path.unlink(missing_ok=True)


def _partial(path: Path) -> bool:
    """Whether `atomic.replacing` made it, to be renamed once it is whole."""
    return path.name.startswith(".") and ".part" in path.name and path.is_file()


def _learned(folder: Path) -> bool:
    """Whether the folder holds more than the untrained network."""
    if (folder / LATEST).exists():
        return True
    try:
        return read_state(folder / BEST).step > 0
    except CPCError:
        return False


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return

"""Start a run folder. A folder must be new, and a start that fails leaves nothing behind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError
from torchcpc.runs.record import NAME
from torchcpc.training.state import BEST, LATEST, read_state

# If this file exists and there is no record, everything in the folder comes from a start that was killed.
# It is named like a file that is half written.
_MARK = ".start.part"


def require_new(folder: Path) -> None:
    """Check that a folder is new: it does not exist, is empty, or holds only unfinished files of a killed start.

    Raises:
        CPCError: For a folder in use.
    """
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
    """Clear the folder of a new run, and remove it again if the run fails before it has learned anything.

    Args:
        folder: Run folder. Parents that were made for it are removed too.
        first: Whether this is the first process. Only the first process touches the folder.
    """
    if not first:
        yield
        return
    require_new(folder)  # again, because the scan of the data may have taken long
    made = [path for path in folder.parents if not path.exists()]
    try:
        write_text(folder / _MARK, "")
        for path in folder.iterdir():
            if path.name != _MARK:
                path.unlink()
        yield
    except BaseException:
        # A run that learned nothing cannot be resumed, and would block the next try.
        if not _learned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _remove_empty(made)
        raise


def remove_partial(folder: Path) -> None:
    """Remove the files that a killed process left half written, and the mark of a start."""
    for path in folder.iterdir():
        if _partial(path):
            path.unlink(missing_ok=True)


def _partial(path: Path) -> bool:
    """Return whether a file is a temporary file of `atomic.replacing`, which renames it once it is whole."""
    return path.name.startswith(".") and ".part" in path.name and path.is_file()


def _learned(folder: Path) -> bool:
    """Return whether the folder holds more than the untrained network."""
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

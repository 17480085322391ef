"""Write files atomically: to a temporary file, synced to disk, then moved into place. A file is complete or absent."""

import errno
import json
import math
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError

# Letters of the name that the temporary file keeps. File systems allow 255 bytes.
_LONGEST_STEM, _LONGEST_NAME = 40, 255


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to `path` when the block ends.

    If the block raises, the temporary file is removed. Its name is unique, so two processes may write the same file.
    Both the file and its folder are synced, so a power failure loses neither.

    Args:
        path: The file to write. Missing folders are made.

    Yields:
        The path to write to, in the same folder and with the same suffix.

    Raises:
        CPCError: If the disk or the name of the file does not allow it.
    """
    partial = None
    try:
        partial = _beside(path)
        yield partial
        # mkstemp makes files that only their owner may read. The final file gets the usual rights.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        if partial is not None and not isinstance(error, OSError):
            raise  # an error of the code that writes the file
        raise refused(path, error) from None
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def refused(path: Path, error: Exception) -> CPCError:
    """Return the error for a file that cannot be written.

    Args:
        path: The file.
        error: The error of the disk, or of a name that no file can have.
    """
    reason = error.strerror or error if isinstance(error, OSError) else error
    return CPCError(f"cannot write {path}: {reason}. Free some space, or choose another place.")


def check_writable(path: Path | None) -> None:
    """Raise CPCError if `replacing` could not write to `path`. Nothing is left behind.

    Call it before long work, so that a bad path is found early.
    """
    if path is None:
        return
    made = [folder for folder in path.absolute().parents if not os.path.lexists(folder)]
    try:
        _beside(path).unlink()
    except (OSError, ValueError) as error:
        raise refused(path, error) from None
    finally:
        for folder in made:
            with suppress(OSError, ValueError):
                folder.rmdir()


TABLES = (".csv", ".parquet", ".npz")
"""The suffixes that a table of rows may have."""


def check_suffix(path: Path, suffixes: Collection[str]) -> None:
    """Raise CPCError if the file name has none of the suffixes. Upper and lower case are the same."""
    if path.suffix.lower() not in suffixes:
        *most, last = suffixes
        found = f"cannot tell the format from {path.suffix!r}" if path.suffix else "the name has no suffix"
        raise CPCError(f"{path}: {found}. End it in {' or '.join(filter(None, (', '.join(most), last)))}.")


def _beside(path: Path) -> Path:
    """Return a new, empty file in the folder of `path`. Missing folders are made."""
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is no file but a device or a pipe, which would be replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name may already be as long as the disk allows.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:_LONGEST_STEM]}.", suffix=f".part{path.suffix}")
    os.close(handle)
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        os.unlink(name)
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Sync a folder. Some systems cannot do this, and the file is complete without it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically. A lone surrogate, from a file name that is no text, is written as its escape."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf8", errors="backslashreplace")


def copy_file(source: Path, path: Path) -> None:
    """Copy a file atomically."""
    with replacing(path) as partial:
        shutil.copyfile(source, partial)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: lists instead of tuples, and null for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False))

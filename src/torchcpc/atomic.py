"""Files that are whole or not there: written beside their place, synced to disk, then moved into it."""

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

# Letters of a name that the unfinished file keeps, of which file systems take 255 bytes.
_LONGEST_STEM, _LONGEST_NAME = 40, 255


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes the name of `path` when the block ends, and is removed where it raises. The name is of
    this call alone, so that two processes may write the same file. Both file and folder are synced, so that neither is lost with the power.
    Raises CPCError where the disk refuses."""
    partial = None
    try:
        partial = _beside(path)
        yield partial
        # mkstemp makes files that only their owner may read; what is kept gets the usual rights.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        if partial is not None and not isinstance(error, OSError):
            raise  # of what writes the file
        raise refused(path, error) from None
    finally:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def refused(path: Path, error: Exception) -> CPCError:
    """What is said of a file that cannot be written. error: of the disk, or of a name that no file can have."""
    reason = error.strerror or error if isinstance(error, OSError) else error
    return CPCError(f"cannot write {path}: {reason}. Free some space, or choose another place.")


def check_writable(path: Path | None) -> None:
    """Raises CPCError where `replacing` would refuse the place of `path`, for work that has yet to be done. Nothing stays behind."""
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
"""The suffixes of files of rows."""


def check_suffix(path: Path, suffixes: Collection[str]) -> None:
    """Raises CPCError for the name of a file that ends in none of them, in letters of any case."""
    if path.suffix.lower() not in suffixes:
        *most, last = suffixes
        found = f"cannot tell the format from {path.suffix!r}" if path.suffix else "the name has no suffix"
        raise CPCError(f"{path}: {found}. End it in {' or '.join(filter(None, (', '.join(most), last)))}.")


def _beside(path: Path) -> Path:
    """A new, empty file in the folder of `path`, which is made."""
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "it is no file but a device or a pipe, which would be replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of any length that the disk takes leaves no room for more letters.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:_LONGEST_STEM]}.", suffix=f".part{path.suffix}")
    os.close(handle)
    if len(os.fsencode(path.name)) > _LONGEST_NAME:
        os.unlink(name)
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return Path(name)


def _sync_folder(folder: Path) -> None:
    """Some systems cannot sync a folder; the file is whole without it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """A UTF-8 file, whole or not at all. A lone surrogate (of a file name that is no text) is written as its escape."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf8", errors="backslashreplace")


def copy_file(source: Path, path: Path) -> None:
    """A copy of a file, whole or not at all."""
    with replacing(path) as partial:
        shutil.copyfile(source, partial)


def plain(value: Any) -> Any:
    """As JSON holds it: lists for tuples, null for what is not finite."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """A JSON file, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False))

"""Files that are whole or not there: written beside their place, synced to disk, then moved into it."""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, which takes the name of `path` when the block ends, and is removed where it raises. The name is of
    this call alone, so that two processes may write the same file. Raises CPCError where the disk refuses."""
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=f".part{path.suffix}")
        os.close(handle)
        partial = Path(name)
        yield partial
        # mkstemp makes files that only their owner may read; what is kept gets the usual rights.
        umask = os.umask(0)
        os.umask(umask)
        partial.chmod(0o666 & ~umask)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise CPCError(f"cannot write {path}: {error.strerror or error}. Free some space, or choose another place.") from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """A UTF-8 file, whole or not at all. A lone surrogate (of a file name that is no text) is written as its escape."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf8", errors="backslashreplace")


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

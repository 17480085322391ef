"""Identify sources by a digest of a few bytes each.

A digest covers what a run learns from and splits by: key, group, labels, length and content. It does not depend on the time
of writing or on the place of the folder.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import numpy as np

from torchcpc.contracts import Sources, Written, provides
from torchcpc.data.files.found import no_longer_readable

# A longer file is identified by this many evenly spaced blocks. Hashing every byte of hours of sound would take longer than
# the start of a training.
WHOLE_BYTES, _BLOCKS, _BLOCK = 1 << 16, 16, 1 << 12


def digests(sources: Sources, columns: Sequence[str] = ()) -> dict[str, str]:
    """Return the digest of each source by key, in the order of the sources.

    Args:
        sources: The sources.
        columns: Columns of labels that count, besides the group.
    """
    labels = [sources.labels(column) for column in columns]
    shared = Counter(item.path for item in sources.items)
    written = provides(sources, Written)

    def of(index: int) -> str:
        item = sources.items[index]
        if item.path is None or (shared[item.path] > 1 and written):
            content = _content(sources, index)
        else:
            content = file_digest(item.path)
        facts = (item.group, sources.length(index), *(column[index] for column in labels))
        return blake2b(repr(facts).encode("utf8", "backslashreplace") + content, digest_size=8).hexdigest()

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(of, range(len(sources)), chunksize=64))
    return {item.key: digest for item, digest in zip(sources.items, found, strict=True)}


def of_all(each: Mapping[str, str]) -> str:
    """Return one digest of all sources and of their order, which is that of the training.

    Args:
        each: Digest by key.
    """
    whole = blake2b(digest_size=16)
    for key, digest in each.items():
        whole.update(f"{key}\0{digest}\0".encode("utf8", "backslashreplace"))
    return whole.hexdigest()


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Describe what changed, with an example of each kind.

    Args:
        before: Digest by key, before.
        now: Digest by key, now.
    """
    kinds = {
        "added": [key for key in now if key not in before],
        "gone": [key for key in before if key not in now],
        "changed": [key for key in now if key in before and now[key] != before[key]],
    }
    said = [f"{len(keys)} {kind} (for instance {keys[0]})" for kind, keys in kinds.items() if keys]
    return ", ".join(said) or "their order changed"


def file_digest(path: Path) -> bytes:
    """Return the digest of the size and the content of a file.

    Of a long file only some blocks count, among them the first and the last.

    Args:
        path: The file.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            found = blake2b(str(size).encode(), digest_size=16)
            starts = np.linspace(0, size - _BLOCK, _BLOCKS).astype(int).tolist() if size > WHOLE_BYTES else [0]
            for start in starts:
                found.update(os.pread(file.fileno(), _BLOCK if size > WHOLE_BYTES else WHOLE_BYTES, start))
    except OSError as error:
        raise no_longer_readable(path, error.strerror) from None
    return found.digest()


def _content(sources: Sources, index: int) -> bytes:
    if provides(sources, Written):
        return "\0".join(sources.text(index)).encode("utf8", "backslashreplace")
    rows = np.ascontiguousarray(sources.read(index, 0, sources.length(index)))
    return blake2b(rows.tobytes(), digest_size=16).digest()

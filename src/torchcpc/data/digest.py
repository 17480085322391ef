"""What sources are, in a few bytes each, so that the same ones are known again.

A digest is of what a run learns from and splits by: key, group, labels, length and content. It does not depend on when a file was
written, or where its folder is.
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

# A longer file is known by so many blocks, evenly spaced: a hash of every byte of hours of sound takes longer than the start of a training.
WHOLE_BYTES, _BLOCKS, _BLOCK = 1 << 16, 16, 1 << 12


def digests(sources: Sources, columns: Sequence[str] = ()) -> dict[str, str]:
    """Key -> digest, in the order of the sources. columns: labels that count, besides the group."""
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
    """One digest of all, and of their order, which is that of the training."""
    whole = blake2b(digest_size=16)
    for key, digest in each.items():
        whole.update(f"{key}\0{digest}\0".encode("utf8", "backslashreplace"))
    return whole.hexdigest()


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What changed, in words; each kind with an example."""
    kinds = {
        "added": [key for key in now if key not in before],
        "gone": [key for key in before if key not in now],
        "changed": [key for key in now if key in before and now[key] != before[key]],
    }
    said = [f"{len(keys)} {kind} (for instance {keys[0]})" for kind, keys in kinds.items() if keys]
    return ", ".join(said) or "their order changed"


def file_digest(path: Path) -> bytes:
    """Of the size and the content of a file: of all of it, or of blocks of a long one, the first and the last among them."""
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

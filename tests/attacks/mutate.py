"""Valid files made invalid, as it suits their form."""

from __future__ import annotations

import random

from tests.attacks.mutate_containers import npy_header, safetensors_header, zip_members
from tests.attacks.mutate_fields import (
    Mutator,
    cell,
    cut,
    doubled,
    flip,
    json_fields,
    json_line,
    number,
    remove,
    repeat,
    swap,
    token,
    toml_value,
)

PLAIN: tuple[Mutator, ...] = (flip, number, cut, repeat, remove, swap, token, doubled)
FORMS: dict[str, tuple[Mutator, ...]] = {
    "binary": (),
    "json": (json_fields,) * 16,
    "jsonl": (json_line,) * 12,
    "toml": (toml_value,) * 12,
    "table": (cell,) * 8,
    "safetensors": (safetensors_header,) * 8,
    "npy": (npy_header,) * 6,
    "npz": (zip_members,) * 10,
}


def mutate(content: bytes, other: bytes, form: str, rng: random.Random) -> bytes:
    """`content` changed once to three times, as files of this form are; other: another file, of which pieces may be spliced in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        chosen = rng.choice((*PLAIN, *FORMS[form], None))
        if chosen is not None:
            content = _or_flipped(chosen, content, rng)
        elif other:
            at, start = rng.randint(0, len(content)), rng.randrange(len(other))
            content = content[:at] + other[start : start + rng.choice((64, 1024, len(other)))]
    return content[:4_000_000]


def _or_flipped(chosen: Mutator, content: bytes, rng: random.Random) -> bytes:
    """A change that asks for a whole file cannot be made to one that was damaged before."""
    try:
        return chosen(content, rng)
    except Exception:
        return flip(content, rng)

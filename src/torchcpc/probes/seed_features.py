"""Features of one seed, as a comparison is handed them: named, known by a key, and made when they are needed."""

from collections.abc import Callable
from dataclasses import dataclass

from torchcpc.probes.rows import ClipFeatures


@dataclass(frozen=True, slots=True)
class SeedFeatures:
    """One kind of features of one network: their name and role in the table, their key, and how they are made."""

    name: str
    role: str
    key: str
    make: Callable[[], ClipFeatures]

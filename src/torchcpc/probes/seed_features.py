"""The features of one seed, with the key under which their rows are saved."""

from collections.abc import Callable
from dataclasses import dataclass

from torchcpc.probes.rows import ClipFeatures


@dataclass(frozen=True, slots=True)
class SeedFeatures:
    """One kind of features of one network.

    Attributes:
        name: Their name in the table.
        role: Their role in the table.
        key: The key of everything that they depend on.
        make: Computes them when they are needed.
    """

    name: str
    role: str
    key: str
    make: Callable[[], ClipFeatures]

"""One process on one device, whatever started it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def one_device(accelerator: str = "cpu", precision: str = "32-true") -> Fabric:
    """A Fabric of one device that is alone even inside SLURM, torchrun or MPI, whose variables speak of other processes."""
    # Imported when something is trained: it takes seconds, and embedding needs none of it.
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    quiet()
    return Fabric(accelerator=accelerator, devices=1, precision=precision, plugins=[LightningEnvironment()])  # pyright: ignore[reportArgumentType]


def quiet() -> None:
    """Fabric's own remarks, such as advice on tensor cores, are not shown: the start of a run says what it trains with."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

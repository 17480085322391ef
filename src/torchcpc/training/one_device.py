"""Lightning Fabric for one process on one device."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def one_device(accelerator: str = "cpu", precision: str = "32-true") -> Fabric:
    """Return a Fabric of one device. It ignores other processes of SLURM, torchrun or MPI, which environment variables announce."""
    # Imported here because it takes seconds, and only training needs it.
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    quiet()
    return Fabric(accelerator=accelerator, devices=1, precision=precision, plugins=[LightningEnvironment()])  # pyright: ignore[reportArgumentType]


def quiet() -> None:
    """Hide the remarks of Fabric, such as advice on tensor cores. The start of a run already names its device and precision."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

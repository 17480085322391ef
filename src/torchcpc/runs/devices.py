"""Devices, machines and precision of a training, as one Fabric."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from torchcpc.contracts import CPCError, check_choice, one_line
from torchcpc.runs.together import launch
from torchcpc.training.one_device import one_device, quiet

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")
PRECISIONS = ("auto", "32-true", "bf16-mixed")
# Name -> function that says whether this machine has such a device.
ACCELERATORS: dict[str, Callable[[], bool]] = {
    "auto": lambda: True,
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "gpu": lambda: torch.cuda.is_available() or torch.backends.mps.is_available(),
}
# Two processes may share a core, so that several processes can be tried on any machine.
_FEWEST = 2
# Environment variables, one of which tells the processes of several machines where the first process is.
_MEETING = ("MASTER_ADDR", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "LSB_JOBID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The devices of a training.

    Args:
        accelerator: Kind of device, a name in `ACCELERATORS`.
        devices: Number of devices on each machine, with one process each, or "auto" for all.
        nodes: Number of machines.
        precision: One of `PRECISIONS`.

    Raises:
        CPCError: For a number that is not above 0.
    """

    accelerator: str = "auto"
    devices: int | str = 1
    nodes: int = 1
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.devices != "auto" and not (str(self.devices).isdecimal() and int(self.devices) > 0):
            raise CPCError(f"devices = {self.devices!r}: a whole number above 0, or auto.")
        if not isinstance(self.nodes, int) or self.nodes < 1:
            raise CPCError(f"nodes = {self.nodes!r}: a whole number above 0.")

    def is_first(self) -> bool:
        """Return whether this process is the first of those that train together.

        The variables of a launcher (torchrun, SLURM, or that of Fabric) say so.
        """
        if (str(self.devices), self.nodes) == ("1", 1):
            return True  # a single process is the first, whatever the variables say
        ranks = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
        return all(os.environ.get(name, "0") == "0" for name in ranks)

    def check(self) -> None:
        """Check that the devices can train.

        Raises:
            CPCError: For devices that do not exist, for a precision that they lack, and for machines that cannot find each other.
        """
        check_choice("accelerator", self.accelerator, ACCELERATORS)
        check_choice("precision", self.precision, PRECISIONS)
        kind = self.kind
        if not ACCELERATORS[kind]():
            raise CPCError(
                f"accelerator = {self.accelerator!r}: torch {torch.__version__} finds no such device here. Use cpu, or install the "
                "build of torch for your device."
            )
        there = torch.cuda.device_count() if kind == "cuda" else 1 if kind == "mps" else max(_FEWEST, os.cpu_count() or 1)
        if self.devices != "auto" and int(self.devices) > there:
            unit = "cores, and a process needs one" if kind == "cpu" else f"{kind} devices"
            raise CPCError(f"devices = {self.devices}: this machine has {there} {unit}. Use at most {there}.")
        if kind == "cuda" and self.precision == "bf16-mixed" and not torch.cuda.is_bf16_supported():
            raise CPCError(f"precision = {self.precision!r}: {torch.cuda.get_device_name()} has no bfloat16. Use 32-true.")
        if self.nodes > 1 and not any(name in os.environ for name in _MEETING):
            raise CPCError(
                f"nodes = {self.nodes}: nothing says where the machines meet. Start it by SLURM or torchrun, or set MASTER_ADDR, "
                "MASTER_PORT and NODE_RANK on each."
            )

    @property
    def kind(self) -> str:
        """Kind of device that the accelerator means on this machine: "cpu", "cuda" or "mps"."""
        if self.accelerator in ("auto", "gpu"):
            found = next((kind for kind in ("cuda", "mps") if ACCELERATORS[kind]()), "cpu")
            return "cuda" if self.accelerator == "gpu" and found == "cpu" else found
        return self.accelerator

    def resolved_precision(self) -> str:
        """Return the precision. "auto" means bf16-mixed if the device multiplies bfloat16 faster than float32, else 32-true."""
        check_choice("precision", self.precision, PRECISIONS)
        if self.precision != "auto":
            return self.precision
        kind = self.kind
        if kind == "cuda":
            return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
        # Without these instructions a CPU emulates bfloat16, several times slower than float32.
        fast = kind == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
        return "bf16-mixed" if fast else "32-true"

    def launch(self, precision: str) -> Fabric:
        """Start the other processes, and wait until all are ready. They run the same command from its beginning.

        Raises:
            CPCError: If the devices or the processes do not start.
        """
        from lightning_fabric import Fabric

        quiet()
        devices = self.devices if self.devices == "auto" else int(self.devices)
        try:
            if (devices, self.nodes) == (1, 1):
                return one_device(self.accelerator, precision)
            fabric = Fabric(accelerator=self.accelerator, devices=devices, num_nodes=self.nodes, precision=precision)  # pyright: ignore[reportArgumentType]
        except Exception as error:  # Lightning raises many kinds of errors for missing devices and launchers
            raise CPCError(
                f"accelerator = {self.accelerator!r}, devices = {devices}, nodes = {self.nodes}: {one_line(error)}"
            ) from None
        launch(fabric)
        return fabric


ANY_DEVICE = Devices()


def by_the_first(fabric: Fabric, work: Callable[[], T]) -> T:
    """Run `work` in the first process only, and return its result in all processes.

    Raises:
        CPCError: If `work` raised it. The first process raises the error, and the others exit.
    """
    fault = done = None
    if fabric.is_global_zero:
        try:
            done = work()
        except CPCError as error:
            fault = error
    fault, done = fabric.broadcast((fault, done))
    if fault is not None:
        raise fault if fabric.is_global_zero else SystemExit(1)
    return done  # pyright: ignore[reportReturnType]

"""What trains: devices, machines and precision, as one Fabric, and what its processes do together."""

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
# Name -> whether this machine has one.
ACCELERATORS: dict[str, Callable[[], bool]] = {
    "auto": lambda: True,
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
    "gpu": lambda: torch.cuda.is_available() or torch.backends.mps.is_available(),
}
# Two processes may share a core, to try what several do.
_FEWEST = 2
# Of what tells the processes of several machines where the first is.
_MEETING = ("MASTER_ADDR", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "LSB_JOBID")


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """accelerator: "cpu", "cuda", "auto", ...; devices: how many, one process each, or "auto"; nodes: how many machines; precision: one of
    `PRECISIONS`."""

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
        """Whether this process is the first of those that train together, by what a launcher (torchrun, SLURM, ours) says of it."""
        if (str(self.devices), self.nodes) == ("1", 1):
            return True  # alone, whatever the variables say
        ranks = ("RANK", "SLURM_PROCID", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK")
        return all(os.environ.get(name, "0") == "0" for name in ranks)

    def check(self) -> None:
        """Raises CPCError for devices that are not there, for a precision that they lack, and for machines that cannot meet."""
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
        """ "cpu", "cuda" or "mps": what the accelerator comes to on this machine."""
        if self.accelerator in ("auto", "gpu"):
            found = next((kind for kind in ("cuda", "mps") if ACCELERATORS[kind]()), "cpu")
            return "cuda" if self.accelerator == "gpu" and found == "cpu" else found
        return self.accelerator

    def resolved_precision(self) -> str:
        """The precision; "auto" is bf16-mixed where the device multiplies bfloat16 faster than float32, otherwise 32-true."""
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
        """Starts the other processes, which run the same command from its beginning, and waits until all are here."""
        from lightning_fabric import Fabric

        quiet()
        devices = self.devices if self.devices == "auto" else int(self.devices)
        try:
            if (devices, self.nodes) == (1, 1):
                return one_device(self.accelerator, precision)
            fabric = Fabric(accelerator=self.accelerator, devices=devices, num_nodes=self.nodes, precision=precision)  # pyright: ignore[reportArgumentType]
        except Exception as error:  # Lightning raises half a dozen kinds for devices and launchers that are not there
            raise CPCError(
                f"accelerator = {self.accelerator!r}, devices = {devices}, nodes = {self.nodes}: {one_line(error)}"
            ) from None
        launch(fabric)
        return fabric


ANY_DEVICE = Devices()


def by_the_first(fabric: Fabric, work: Callable[[], T]) -> T:
    """What `work` returns on the first process, told to all; where it is refused, all end, and the first says why."""
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

"""Processes whose truth is known."""

from __future__ import annotations

from torchcpc.baselines.series import RAW_ROWS
from torchcpc.data.synthetic import Process, named, simulate
from torchcpc.domains.record import DataSettings, Domain

_SPEAKERS = {"all": "speakers", "same_group": "speakers-same-group"}


def process_of(data: DataSettings, proposal: str) -> Process:
    """The process that made the data. Speakers are the one process with groups, so the one whose ratio depends on the proposal."""
    name = data["process"]
    name = _SPEAKERS[proposal] if name.startswith("speakers") else name
    return named(name, bits=data["bits"], warped=data["warped"])


SYNTHETIC = Domain(name="synthetic", reader=simulate, needs_data=False, source="sequence", handmade=RAW_ROWS, truth=process_of)

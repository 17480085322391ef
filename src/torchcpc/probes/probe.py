"""The one probe of all domains: features of some seeds and a task give a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torchcpc.contracts import CPCError
from torchcpc.probes.linear import linear_probe
from torchcpc.probes.mlp import mlp_probe
from torchcpc.probes.probe_result import Answers, ProbeRow
from torchcpc.probes.task import Features, Task

PROBES: dict[str, Callable[[Features, Task], Answers]] = {"linear": linear_probe, "MLP": mlp_probe}


def probe(features: Sequence[Features], task: Task, *, kind: str = "linear", role: str = "cpc") -> ProbeRow:
    """Fits, selects and answers with each of `features`: one kind of features from models of different seeds (handmade: one entry).

    Raises CPCError for an unknown `kind`, features of different names or sizes, and features that do not fit the task.
    """
    if kind not in PROBES:
        raise CPCError(f"probe {kind!r} is unknown; choose one of {', '.join(PROBES)}.")
    if len({(own.name, own.dim) for own in features}) != 1:
        found = ", ".join(f"{own.name!r} of {own.dim} columns" for own in features) or "none"
        raise CPCError(f"a row is one kind of features from several seeds, but these are {found}; make a row for each kind.")
    answers = [PROBES[kind](own, task) for own in features]
    return ProbeRow.of(answers, features=features[0].name, role=role, probe=kind, dim=features[0].dim, test=task.test)

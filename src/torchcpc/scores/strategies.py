"""Who may compete with the positive: rules on metadata (paper, table 2, lower half).

The rule decides what the score estimates: with candidates from p(x) it is log p(x|c)/p(x); with candidates of the same speaker it
is log p(x|c)/p(x|speaker), from which speaker identity has been divided out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torchcpc.contracts import Steps


@dataclass(frozen=True, slots=True)
class Codes:
    """What rules compare: small integers, equal exactly when the event, sequence, group or view of two steps is the same."""

    event: Tensor
    sequence: Tensor
    group: Tensor
    view: Tensor

    def __getitem__(self, index: Tensor | slice) -> Codes:
        return Codes(self.event[index], self.sequence[index], self.group[index], self.view[index])

    def rows(self) -> Codes:
        return Codes(self.event[:, None], self.sequence[:, None], self.group[:, None], self.view[:, None])


def _code(*columns: Tensor) -> Tensor:
    """A number for each row of the columns, [M] each. Column by column: sorting numbers is many times faster than sorting rows."""
    code = torch.zeros_like(columns[0])
    for column in columns:
        values, place = torch.unique(column, return_inverse=True)
        code = torch.unique(code * len(values) + place, return_inverse=True)[1]
    return code.to(torch.int32)


def codes(flat: Steps) -> Codes:
    """Codes of steps laid out as [B*T]. An event is one time of one sequence; a sequence is one segment of one source."""
    return Codes(
        event=_code(flat.source, flat.segment, flat.time),
        sequence=_code(flat.source, flat.segment),
        group=_code(flat.group),
        view=_code(flat.view),
    )


Strategy = Callable[[Codes, Codes], Tensor]


def mixed(row: Codes, candidate: Codes) -> Tensor:
    """Every other step: any speaker, the current sequence included."""
    return torch.ones_like(row.event != candidate.event)


def same_group(row: Codes, candidate: Codes) -> Tensor:
    """Steps of the same group (speaker), the current sequence included."""
    return row.group == candidate.group


def mixed_excluding(row: Codes, candidate: Codes) -> Tensor:
    """Any speaker, but no step of the current sequence."""
    return row.sequence != candidate.sequence


def same_group_excluding(row: Codes, candidate: Codes) -> Tensor:
    """The same speaker, but no step of the current sequence."""
    return (row.group == candidate.group) & (row.sequence != candidate.sequence)


def current_only(row: Codes, candidate: Codes) -> Tensor:
    """Steps of the current sequence only."""
    return row.sequence == candidate.sequence


STRATEGIES: dict[str, Strategy] = {
    "mixed": mixed,
    "same_group": same_group,
    "mixed_excluding": mixed_excluding,
    "same_group_excluding": same_group_excluding,
    "current_only": current_only,
}


def competes(strategy: Strategy, row: Codes, candidate: Codes) -> Tensor:
    """[m, 1] against [n] -> bool [m, n]: allowed by the strategy, of the same view, and never the positive itself wherever a copy
    of it sits."""
    return strategy(row, candidate) & (row.event != candidate.event) & (row.view == candidate.view)

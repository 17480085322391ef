"""Who may compete with the positive: rules on metadata (paper, table 2, lower half).

The rule decides what the score estimates: with candidates from p(x) it is log p(x|c)/p(x); with candidates of the same speaker it
is log p(x|c)/p(x|speaker), from which speaker identity has been divided out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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


def code_of(*columns: Tensor) -> Tensor:
    """A number for each row of the columns, [M] each, in the order of the rows (by the first column, then the second, ...). Column
    by column: sorting numbers is many times faster than sorting rows."""
    code = torch.zeros_like(columns[0])
    for column in columns:
        values, place = torch.unique(column, return_inverse=True)
        code = torch.unique(code * len(values) + place, return_inverse=True)[1]
    return code.to(torch.int32)


def codes(flat: Steps) -> Codes:
    """Codes of steps laid out as [B*T]. An event is one time of one sequence; a sequence is one segment of one source."""
    return Codes(
        event=code_of(flat.source, flat.segment, flat.time),
        sequence=code_of(flat.source, flat.segment),
        group=code_of(flat.group),
        view=code_of(flat.view),
    )


class Strategy(NamedTuple):
    """Steps compete that agree in view and in all of `same`, and differ in `other`: names of codes. The positive never competes,
    wherever a copy of it sits, for `other` is its event or the sequence that holds the event.

    Two codes are all a rule may compare, so that in a suitably sorted pool the competitors of an anchor are neighbours (see
    `candidates`) and no mask of anchors x candidates is ever made.
    """

    same: tuple[str, ...]
    other: str


STRATEGIES: dict[str, Strategy] = {
    # Every other step: any speaker, the current sequence included.
    "mixed": Strategy(same=(), other="event"),
    # Steps of the same group (speaker), the current sequence included.
    "same_group": Strategy(same=("group",), other="event"),
    # Any speaker, but no step of the current sequence.
    "mixed_excluding": Strategy(same=(), other="sequence"),
    # The same speaker, but no step of the current sequence.
    "same_group_excluding": Strategy(same=("group",), other="sequence"),
    # Steps of the current sequence only.
    "current_only": Strategy(same=("sequence",), other="event"),
}


def competes(strategy: Strategy, row: Codes, candidate: Codes) -> Tensor:
    """[m, 1] against [n] -> bool [m, n]: whether they compete. The rule in full, for tests and small tables."""
    allowed = (row.view == candidate.view) & (getattr(row, strategy.other) != getattr(candidate, strategy.other))
    for name in strategy.same:
        allowed = allowed & (getattr(row, name) == getattr(candidate, name))
    return allowed

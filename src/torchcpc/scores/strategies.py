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
    """What rules compare: small integers, equal exactly when the event, stretch, sequence, group or view of two steps is the same."""

    event: Tensor
    stretch: Tensor
    sequence: Tensor
    group: Tensor
    view: Tensor


def code_of(*columns: Tensor) -> Tensor:
    """A number for each row of the columns, [M] each, in the order of the rows (by the first column, then the second, ...). Column
    by column: sorting numbers is many times faster than sorting rows."""
    code = torch.zeros_like(columns[0])
    for column in columns:
        values, place = torch.unique(column, return_inverse=True)
        code = torch.unique(code * len(values) + place, return_inverse=True)[1]
    return code.to(torch.int32)


def codes(flat: Steps) -> Codes:
    """Codes of steps laid out as [B*T]. A sequence is one segment of one source, an event one time of it, and a stretch what was read of
    it without a gap: a window, or windows that touch."""
    event, sequence = code_of(flat.source, flat.segment, flat.time), code_of(flat.source, flat.segment)
    return Codes(
        event=event,
        stretch=_stretches(event.long(), sequence, flat.time),
        sequence=sequence,
        group=code_of(flat.group),
        view=code_of(flat.view),
    )


def _stretches(event_M: Tensor, sequence_M: Tensor, time_M: Tensor) -> Tensor:
    """A number for each step, the same for the events of a sequence that follow one another. event_M rises by sequence, then time."""
    events = event_M.unique()
    sequence_E = torch.empty_like(sequence_M[: len(events)]).scatter_(0, event_M, sequence_M)
    time_E = torch.empty_like(time_M[: len(events)]).scatter_(0, event_M, time_M)
    gap_E = (sequence_E.diff() != 0) | (time_E.diff() != 1)
    return torch.cat([gap_E.new_zeros(1), gap_E]).cumsum(0).to(torch.int32)[event_M]


class Strategy(NamedTuple):
    """Steps compete that agree in view and in all of `same`, and differ in `other`: names of codes. The positive never competes,
    wherever a copy of it sits, for `other` is its event, or the stretch or sequence that holds the event.

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
    # Any speaker, and other places of the current sequence, but no step of the stretch that was read there: a book, a long recording.
    "mixed_excluding_stretch": Strategy(same=(), other="stretch"),
    # The same speaker, but no step of the current sequence.
    "same_group_excluding": Strategy(same=("group",), other="sequence"),
    # Steps of the current sequence only.
    "current_only": Strategy(same=("sequence",), other="event"),
}

"""Drawing the competitors: every step of the batch, one shared pool, or a fresh sample per anchor.

All three come down to the same thing: a list of pool members and, for each anchor, how often each member competes (0 for the
positive and for whatever the strategy forbids). So one objective serves them all, and none can hold the positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Steps
from torchcpc.scores.strategies import STRATEGIES, Codes, Strategy, codes, competes

# Entries of one [rows, pool] block of competition that may exist at once: bounds memory, not the result.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True)
class Draw:
    """Who competes for M anchors.

    pool_N: positions in the flat layout [B*T] of the N members; multiplicity(rows, columns): block [m, n], bool or float32, how often
    each member competes for each anchor; it need never exist whole.
    """

    pool_N: Tensor
    multiplicity: Callable[[slice, slice], Tensor]


def _named(strategy: str) -> Strategy:
    if strategy not in STRATEGIES:
        raise CPCError(f"strategy = {strategy!r} is unknown. Choose one of {', '.join(STRATEGIES)}.")
    return STRATEGIES[strategy]


def _positive(count: int) -> int:
    if count < 1:
        raise CPCError(f"count = {count}: at least one competitor is needed. Choose a count of 1 or more.")
    return count


class Full:
    """Every valid step of the batch that the strategy allows."""

    def __init__(self, *, strategy: str = "mixed") -> None:
        self.strategy = _named(strategy)

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        flat = steps.flat()
        return _compete(self.strategy, codes(flat), target_M, flat.valid.nonzero().squeeze(1))


class Shared:
    """One pool of `count` steps, drawn afresh for each update without replacement and shared by all anchors and horizons.

    Sharing correlates the anchors but leaves each one's competitors a fair sample; scoring is then one matrix product.
    """

    def __init__(self, *, count: int = 512, strategy: str = "mixed") -> None:
        self.strategy, self.count = _named(strategy), _positive(count)

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        flat = steps.flat()
        valid_N = flat.valid.nonzero().squeeze(1)
        chosen = torch.randperm(len(valid_N), generator=generator, device=generator.device)[: self.count]
        return _compete(self.strategy, codes(flat), target_M, valid_N[chosen.to(valid_N.device)])


class Sampled:
    """`count` draws per anchor, uniform over all that the strategy allows it; a step that is drawn twice competes once.

    So an anchor's competitors are a uniform subset, and its N is their true number. Counting repetitions would raise log N, and
    with it the bound, without adding anyone to compete: nine sources then seem to share more information than they have.
    """

    def __init__(self, *, count: int = 128, strategy: str = "mixed") -> None:
        self.strategy, self.count = _named(strategy), _positive(count)

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        flat = steps.flat()
        allowed = _compete(self.strategy, codes(flat), target_M, flat.valid.nonzero().squeeze(1))
        N, M = len(allowed.pool_N), len(target_M)
        uniform_Mn = torch.rand(M, self.count, dtype=torch.float64, generator=generator, device=generator.device)
        chosen_Mn = torch.empty(M, self.count, dtype=torch.int64, device=target_M.device)
        rows = max(1, _BLOCK // max(1, N))
        for start in range(0, M, rows):
            block = slice(start, start + rows)
            # The j-th allowed member is where the running count of allowed members first exceeds j.
            running_mN = allowed.multiplicity(block, slice(None)).cumsum(dim=1)
            rank = (uniform_Mn[block].to(target_M.device) * running_mN[:, -1:].double()).floor()
            chosen_Mn[block] = torch.searchsorted(running_mN.double(), rank, right=True).clamp_(max=N - 1)
        may_compete_M = _total(allowed, M, N) > 0

        def multiplicity(rows: slice, columns: slice) -> Tensor:
            members = chosen_Mn[rows]
            competes_mN = torch.zeros(len(members), N, dtype=torch.bool, device=members.device).scatter_(1, members, True)
            return (competes_mN & may_compete_M[rows, None])[:, columns]

        return Draw(allowed.pool_N, multiplicity)


def _compete(strategy: Strategy, code: Codes, target_M: Tensor, pool_N: Tensor) -> Draw:
    anchors, members = code[target_M], code[pool_N]

    def multiplicity(rows: slice, columns: slice) -> Tensor:
        return competes(strategy, anchors[rows].rows(), members[columns])

    return Draw(pool_N, multiplicity)


def _total(draw: Draw, M: int, N: int) -> Tensor:
    rows = max(1, _BLOCK // max(1, N))
    return torch.cat([draw.multiplicity(slice(s, s + rows), slice(None)).sum(dim=1) for s in range(0, M, rows)])


CANDIDATES = {"full": Full, "shared": Shared, "sampled": Sampled}

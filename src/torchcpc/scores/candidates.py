"""Drawing the competitors: every step of the batch, one shared pool, or a fresh sample per anchor.

All three come down to the same thing: a list of pool members and, for each anchor, how often each member competes (0 for the
positive and for whatever the strategy forbids). So one objective serves them all, and none can hold the positive.
"""

from __future__ import annotations

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Draw, Spans, Steps
from torchcpc.scores.strategies import STRATEGIES, Codes, Strategy, code_of, codes


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
        pool_N, spans = sorted_pool(self.strategy, codes(flat), target_M, flat.valid.nonzero().squeeze(1))
        N, allowed_M1 = len(pool_N), spans.count[:, None]
        uniform_Mn = torch.rand(len(target_M), self.count, dtype=torch.float64, generator=generator, device=generator.device)
        rank_Mn = (uniform_Mn.to(target_M.device) * allowed_M1).long()
        # The j-th of the allowed: j places from the first, past the hole.
        chosen_Mn = spans.first[:, None] + rank_Mn
        chosen_Mn += torch.where(chosen_Mn >= spans.skip[:, None], (spans.resume - spans.skip)[:, None], 0)
        chosen_Mn.clamp_(max=N - 1)  # where nobody is allowed

        def multiplicity(rows: slice, columns: slice) -> Tensor:
            members = chosen_Mn[rows]
            competes_mN = torch.zeros(len(members), N, dtype=torch.bool, device=members.device).scatter_(1, members, True)
            return (competes_mN & (allowed_M1[rows] > 0))[:, columns]

        return Draw(pool_N, multiplicity)


def _compete(strategy: Strategy, code: Codes, target_M: Tensor, pool_N: Tensor) -> Draw:
    pool_N, spans = sorted_pool(strategy, code, target_M, pool_N)
    return Draw(pool_N, spans, spans)


def sorted_pool(strategy: Strategy, code: Codes, target_M: Tensor, pool_N: Tensor) -> tuple[Tensor, Spans]:
    """The pool sorted so that those who agree in the codes `same` are neighbours, and among them those who agree in `other` too; and
    for each target where its competitors stand: the former without the latter."""
    same = code_of(code.view, *(getattr(code, name) for name in strategy.same))
    other = code_of(same, getattr(code, strategy.other))  # rises with `same`
    pool_N = pool_N[other[pool_N].argsort(stable=True)]
    places = []
    for sorted_N, wanted_M in ((same[pool_N], same[target_M]), (other[pool_N], other[target_M])):
        places += [torch.searchsorted(sorted_N, wanted_M), torch.searchsorted(sorted_N, wanted_M, right=True)]
    return pool_N, Spans(*places, size=len(pool_N))


CANDIDATES = {"full": Full, "shared": Shared, "sampled": Sampled}

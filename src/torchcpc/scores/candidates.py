"""Candidates: who competes with the positive (paper, table 2, lower half), and how competitors are drawn.

The rule decides what the score estimates. With candidates from p(x), it is log p(x|c)/p(x). With candidates of the
same speaker, it is log p(x|c)/p(x|speaker), so speaker identity is divided out. Competitors are every step of the
batch, one shared pool, or a new sample per anchor. All three give a list of pool members, and for each anchor how
often each member competes. This is 0 for the positive and for members that the strategy forbids. So one objective
serves them all, and the positive never competes with itself.
"""

from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Le
from torch import Tensor

from torchcpc.contracts import Count, Draw, OneOf, Spans, Steps, check_choice, check_rules


class Codes(NamedTuple):
    """Small integers that rules compare. Two steps have equal codes exactly if they share the event, stretch, sequence,
    group or view.
    """

    event: Tensor
    stretch: Tensor
    sequence: Tensor
    group: Tensor
    view: Tensor


def code_of(*columns: Tensor) -> Tensor:
    """Return one number per row of the columns, [M] each. The numbers sort like the rows: by the first column, then the
    second, and so on.
    """
    code = torch.zeros_like(columns[0])
    # Column by column, because sorting numbers is many times faster than sorting rows.
    for column in columns:
        values, place = torch.unique(column, return_inverse=True)
        code = torch.unique(code * len(values) + place, return_inverse=True)[1]
    return code.to(torch.int32)


def codes(flat: Steps) -> Codes:
    """Return the codes of steps laid out as [B*T].

    A sequence is one segment of one source. An event is one time of it. A stretch is what was read of it without a
    gap: a window, or windows that touch.
    """
    event_M, sequence_M = code_of(flat.source, flat.segment, flat.time), code_of(flat.source, flat.segment)
    # Events are sorted by sequence, then time, so those of a stretch follow one another.
    place_M, events = event_M.long(), len(event_M.unique())
    sequence_E, time_E = (torch.empty_like(of_M[:events]).scatter_(0, place_M, of_M) for of_M in (sequence_M, flat.time))
    gap_E = (sequence_E.diff() != 0) | (time_E.diff() != 1)
    stretch_M = torch.cat([gap_E.new_zeros(1), gap_E]).cumsum(0).to(torch.int32)[place_M]
    return Codes(event_M, stretch_M, sequence_M, code_of(flat.group), code_of(flat.view))


class Strategy(NamedTuple):
    """A rule for who competes: steps that agree in view and in all of `same`, and differ in `other`.

    The positive never competes, even as a copy. `other` is its event, or the stretch or sequence that holds the
    event. A rule compares at most two codes. So in a sorted pool the competitors of an anchor are neighbours
    (`sorted_pool`), and no mask is needed.

    Attributes:
        same: Names of codes that must be equal.
        other: The code that must differ.
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
    # Any speaker, and other places of the current sequence, but no step of the stretch that was read: for books and long recordings.
    "mixed_excluding_stretch": Strategy(same=(), other="stretch"),
    # The same speaker, but no step of the current sequence.
    "same_group_excluding": Strategy(same=("group",), other="sequence"),
    # Steps of the current sequence only.
    "current_only": Strategy(same=("sequence",), other="event"),
}


StrategyName = Annotated[str, OneOf(STRATEGIES)]


class Full:
    """Every valid step of the batch that the strategy allows.

    Args:
        strategy: Who competes. "mixed" is every step. "same_group" is the same speaker. "excluding" leaves out the
            anchor's sequence or stretch. "current_only" is the anchor's sequence.
    """

    bytes_per_draw = 0
    """Memory in bytes of each draw of an anchor, for strategies that draw."""

    def __init__(self, *, strategy: StrategyName = "mixed") -> None:
        check_choice("strategy", strategy, STRATEGIES)
        self.strategy = STRATEGIES[strategy]

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        """Return the competitors of each target.

        Args:
            steps: The steps of the batch.
            target_M: Positions of the targets in the flat layout.
            generator: Source of random numbers.
        """
        flat = steps.flat()
        members_N = self.members(flat.valid.nonzero().squeeze(1), generator)
        pool_N, spans = sorted_pool(self.strategy, codes(flat), target_M, members_N)
        return Draw(pool_N, spans, spans)

    def members(self, valid_N: Tensor, generator: torch.Generator) -> Tensor:
        """Return the pool, chosen from the valid steps of the batch."""
        return valid_N


class Shared(Full):
    """One pool of `count` steps, shared by all anchors and horizons.

    It is drawn anew for each update, without replacement. Sharing correlates the anchors, but the competitors of each
    anchor are still a fair sample. Scoring is then one matrix product.

    Args:
        count: Steps in the pool, at most all of the batch.
        strategy: Who competes. "mixed" is every step. "same_group" is the same speaker. "excluding" leaves out the
            anchor's sequence or stretch. "current_only" is the anchor's sequence.
    """

    def __init__(self, *, count: Count = 512, strategy: StrategyName = "mixed") -> None:
        super().__init__(strategy=strategy)
        self.count = count
        check_rules(self, count=(count >= 1, "at least one competitor is needed. Choose a count of 1 or more"))

    def members(self, valid_N: Tensor, generator: torch.Generator) -> Tensor:
        """Return a random choice of `count` valid steps."""
        chosen = torch.randperm(len(valid_N), generator=generator, device=generator.device)[: self.count]
        return valid_N[chosen.to(valid_N.device)]


class Sampled(Shared):
    """`count` draws per anchor, uniform over all steps that the strategy allows.

    A step that is drawn twice competes once. So the competitors of an anchor are a uniform subset, and N is their
    true number. If repetitions counted, log N would rise, and the bound with it, although no one more competes.

    Args:
        count: Draws for each anchor.
        strategy: Who competes. "mixed" is every step. "same_group" is the same speaker. "excluding" leaves out the
            anchor's sequence or stretch. "current_only" is the anchor's sequence.
    """

    bytes_per_draw = 24

    def __init__(self, *, count: Annotated[int, Ge(1), Le(1 << 16)] = 128, strategy: StrategyName = "mixed") -> None:
        super().__init__(count=count, strategy=strategy)

    def draw(self, steps: Steps, target_M: Tensor, generator: torch.Generator) -> Draw:
        """Return the competitors of each target, drawn anew for each."""
        flat = steps.flat()
        pool_N, spans = sorted_pool(self.strategy, codes(flat), target_M, flat.valid.nonzero().squeeze(1))
        N, allowed_M1 = len(pool_N), spans.count[:, None]
        uniform_Mn = torch.rand(len(target_M), self.count, dtype=torch.float64, generator=generator, device=generator.device)
        rank_Mn = (uniform_Mn.to(target_M.device) * allowed_M1).long()
        # The j-th allowed member is j places from the first, not counting the hole.
        chosen_Mn = spans.first[:, None] + rank_Mn
        chosen_Mn += torch.where(chosen_Mn >= spans.skip[:, None], (spans.resume - spans.skip)[:, None], 0)
        chosen_Mn.clamp_(max=N - 1)  # where nobody is allowed

        def multiplicity(rows: slice, columns: slice) -> Tensor:
            members = chosen_Mn[rows]
            competes_mN = torch.zeros(len(members), N, dtype=torch.bool, device=members.device).scatter_(1, members, True)
            return (competes_mN & (allowed_M1[rows] > 0))[:, columns]

        return Draw(pool_N, multiplicity)


def sorted_pool(strategy: Strategy, code: Codes, target_M: Tensor, pool_N: Tensor) -> tuple[Tensor, Spans]:
    """Return the sorted pool and the span of competitors of each target.

    Members that agree in the codes `same` become neighbours, and among them those that agree in `other`. The
    competitors of a target are the former without the latter.
    """
    same = code_of(code.view, *(getattr(code, name) for name in strategy.same))
    other = code_of(same, getattr(code, strategy.other))  # rises with `same`
    pool_N = pool_N[other[pool_N].argsort(stable=True)]
    places = []
    for sorted_N, wanted_M in ((same[pool_N], same[target_M]), (other[pool_N], other[target_M])):
        places += [torch.searchsorted(sorted_N, wanted_M), torch.searchsorted(sorted_N, wanted_M, right=True)]
    return pool_N, Spans(*places, size=len(pool_N))


CANDIDATES = {"full": Full, "shared": Shared, "sampled": Sampled}

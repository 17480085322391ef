"""From trained scores to log density ratios: PMI_k(x, c) = F_k(x, c) - log Z_k(c), Z_k(c) = E_{p(x)} exp F_k(x, c), in nats.

InfoNCE fixes F only up to a function of c, because the softmax runs over x; E_{p(x)} p(x|c)/p(x) = 1 takes that freedom away. Z is a mean
over M samples of the marginal that come from other sources than the context, so never the positive: with the positive among them the
result would be the InfoNCE estimate again, capped at log N. Steps of one source are not independent, so it is sources, in blocks,
that count as draws wherever an error is estimated.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Estimand, check_choice

# Scores [rows, M] that exist at once: bounds memory, not the result.
_BLOCK = 1 << 22
# More blocks than this tell no more about an error and cost a wider product.
_MOST_BLOCKS = 256
# Below this a logarithm of a mean is a guess: its bias and its spread are of the size of what is measured.
FEWEST_SAMPLES = 8

# Marginal -> what the calibrated score then estimates.
MARGINALS = {"all": "I(x; c)", "same_group": "I(x; c | group)"}


def delta(share_AG: Tensor, part_AG: Tensor) -> Tensor:
    """Half the relative variance of the mean, from the spread of its blocks: second-order delta method. Up to 1/2; 0 for one block."""
    blocks_A = (part_AG > 0).sum(dim=1)
    return 0.5 * (share_AG - part_AG).square().sum(dim=1) * blocks_A / (blocks_A - 1).clamp(min=1)


def jackknife(share_AG: Tensor, part_AG: Tensor) -> Tensor:
    """Delete one block in turn, blocks of unequal size (Busing, Meijer & van der Leeden 1999). Grows without limit where one
    block holds nearly all of the sum."""
    # log mean without block g, less log mean of all: log((1 - share) / (1 - part)).
    loss_AG = torch.log1p(-share_AG.clamp(max=1 - 1e-6)) - torch.log1p(-part_AG.clamp(max=1 - 1e-6))
    return -((1 - part_AG) * loss_AG).sum(dim=1)


# [A, G] share of the sum of exp F and [A, G] share of the samples that each block holds -> [A], to add to the log of the mean. With "none"
# the log is too low by about chi2(p(x|c) || p(x)) / 2M (Jensen).
CORRECTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "none": lambda share_AG, _: share_AG.new_zeros(len(share_AG)),
    "delta": delta,
    "jackknife": jackknife,
}


class Partition(NamedTuple):
    """log Z of A contexts at K horizons, all [A, K]: log_z corrected; plain without the correction; drawn, how many samples each
    rests on; effective, the number that equal samples would need for its spread, (sum e^F)^2 / sum e^2F. pull_GK [G, K]: by how
    much each block moves the mean of log Z over the contexts, to first order."""

    log_z: Tensor
    plain: Tensor
    drawn: Tensor
    effective: Tensor
    pull_GK: Tensor

    @property
    def log_sum(self) -> Tensor:
        """log of the sum over samples: what competes with a positive in InfoNCE."""
        return self.plain + self.drawn.log()


class Sample:
    """M marginal samples of z held in memory, which give log Z_k of any context: a `contracts.LogPartition`. z_MD; source_M and group_M
    int64 say where each came from. marginal "all": samples of every other source; "same_group": of other sources of the context's group,
    which divides out what the group alone tells. Raises CPCError for too few samples."""

    def __init__(
        self, z_MD: Tensor, source_M: Tensor, group_M: Tensor, *, marginal: str = "all", correction: str = "delta"
    ) -> None:
        check_choice("marginal", marginal, MARGINALS)
        check_choice("correction", correction, CORRECTIONS)
        if len(z_MD) < FEWEST_SAMPLES:
            raise CPCError(f"{len(z_MD)} marginal samples: log Z needs at least {FEWEST_SAMPLES}. Hold out more sources.")
        self.z_MD, self.source_M, self.group_M = z_MD, source_M, group_M
        self.marginal, self.correction = marginal, correction
        sources, place_M = source_M.unique(return_inverse=True)
        self.sources = len(sources)
        self._block_MG = torch.nn.functional.one_hot(place_M % _MOST_BLOCKS).to(z_MD.dtype)

    @property
    def estimand(self) -> Estimand:
        return Estimand(MARGINALS[self.marginal], self.marginal, len(self.z_MD), self.sources, self.correction)

    def __call__(self, p_AKD: Tensor, source_A: Tensor | None = None, group_A: Tensor | None = None) -> Tensor:
        """log Z [A, K] of contexts with predictions p_AKD."""
        return self.measure(p_AKD, source_A, group_A).log_z

    @torch.no_grad()
    def measure(self, p_AKD: Tensor, source_A: Tensor | None = None, group_A: Tensor | None = None) -> Partition:
        """log Z with all that is known of its error. source_A and group_A: where the contexts come from, in the numbers of the
        sample; without source_A they come from none of its sources. Raises CPCError for a context with too few samples."""
        A, K, D = p_AKD.shape
        rows = max(1, _BLOCK // (len(self.z_MD) * K))
        parts: list[tuple[Tensor, ...]] = []
        pull_GK = torch.zeros(self._block_MG.shape[1], K, dtype=p_AKD.dtype, device=p_AKD.device)
        for first in range(0, A, rows):
            p_aKD = p_AKD[first : first + rows]
            source_a, group_a = (None if x_A is None else x_A[first : first + rows] for x_A in (source_A, group_A))
            found, pull = self._rows(p_aKD, self.allowed(len(p_aKD), source_a, group_a))
            parts.append(found)
            pull_GK += pull
        return Partition(*(torch.cat(column) for column in zip(*parts, strict=True)), pull_GK=pull_GK / A)

    def allowed(self, contexts: int, source_A: Tensor | None, group_A: Tensor | None) -> Tensor:
        """[contexts, M] bool: which samples may stand for the marginal of which context."""
        allowed_AM = torch.ones(contexts, len(self.z_MD), dtype=torch.bool, device=self.z_MD.device)
        if source_A is not None:
            allowed_AM &= source_A[:, None] != self.source_M
        if self.marginal == "same_group":
            if group_A is None:
                raise CPCError("marginal = 'same_group' needs the group of every context: give group_A, or choose 'all'.")
            allowed_AM &= group_A[:, None] == self.group_M
        short = allowed_AM.sum(dim=1) < FEWEST_SAMPLES
        if short.any():
            of = f" of group {int(group_A[short][0])}" if self.marginal == "same_group" and group_A is not None else ""
            raise CPCError(
                f"{int(short.sum())} contexts have fewer than {FEWEST_SAMPLES} marginal samples{of} from other sources. "
                "Name more sources, draw more samples, or choose the marginal 'all'."
            )
        return allowed_AM

    def _rows(self, p_AKD: Tensor, allowed_AM: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        A, K, D = p_AKD.shape
        score_AKM = (p_AKD @ self.z_MD.t()).masked_fill(~allowed_AM[:, None], -torch.inf)
        high_AK1 = score_AKM.amax(dim=-1, keepdim=True)
        weight_AKM = torch.exp(score_AKM - high_AK1)
        total_AK1 = weight_AKM.sum(dim=-1, keepdim=True)
        count_AK = allowed_AM.sum(dim=1)[:, None].expand(A, K).to(p_AKD.dtype)
        plain_AK = (high_AK1 + total_AK1.log()).squeeze(-1) - count_AK.log()
        effective_AK = total_AK1.squeeze(-1).square() / weight_AKM.square().sum(dim=-1)
        share_AKG = (weight_AKM / total_AK1) @ self._block_MG
        part_AKG = ((allowed_AM.to(p_AKD.dtype) @ self._block_MG)[:, None] / count_AK[..., None]).expand_as(share_AKG)
        lift_AK = CORRECTIONS[self.correction](share_AKG.flatten(0, 1), part_AKG.flatten(0, 1)).view(A, K)
        return (plain_AK + lift_AK, plain_AK, count_AK, effective_AK), (share_AKG - part_AKG).sum(dim=0).t()

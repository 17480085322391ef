"""From trained scores to log density ratios: PMI_k(x, c) = F_k(x, c) - log Z_k(c) in nats, with Z_k(c) = E_{p(x)} exp
F_k(x, c).

InfoNCE determines F only up to a function of c, because the softmax runs over x. The condition E_{p(x)} p(x|c)/p(x) =
1 removes this freedom. Z is a mean over M samples from the marginal distribution. They come from other sources than
the context, so the positive is never among them. With the positive, the result would be the InfoNCE estimate again,
with the ceiling log N. Steps of one source are not independent. So errors are estimated from sources, grouped in
blocks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Estimand, check_choice

# The number of scores [rows, M] that exist at once. It bounds memory and does not change the result.
_BLOCK = 1 << 22
# More blocks would not improve the estimate of an error, and would cost a wider product.
_MOST_BLOCKS = 256
# With fewer samples, bias and spread of the logarithm of a mean are as large as the values to measure.
FEWEST_SAMPLES = 8

# The marginal distribution of the samples -> what the mean of the calibrated score estimates.
MARGINALS = {"all": "I(x; c)", "same_group": "I(x; c | group)"}


def delta(share_AG: Tensor, part_AG: Tensor) -> Tensor:
    """Return half the relative variance of the mean, from the spread of its blocks (second-order delta method).

    It is at most 1/2, and 0 for a single block.

    Args:
        share_AG: The share of the sum of exp F that each block holds.
        part_AG: The share of the samples that each block holds.

    Returns:
        The correction [A], to add to the log of the mean.
    """
    blocks_A = (part_AG > 0).sum(dim=1)
    return 0.5 * (share_AG - part_AG).square().sum(dim=1) * blocks_A / (blocks_A - 1).clamp(min=1)


def jackknife(share_AG: Tensor, part_AG: Tensor) -> Tensor:
    """Return the jackknife correction over blocks of unequal size (Busing, Meijer & van der Leeden 1999).

    It grows without limit where one block holds nearly all of the sum. Arguments and result are those of `delta`.
    """
    # The log mean without block g minus the log mean of all is log((1 - share) / (1 - part)).
    loss_AG = torch.log1p(-share_AG.clamp(max=1 - 1e-6)) - torch.log1p(-part_AG.clamp(max=1 - 1e-6))
    return -((1 - part_AG) * loss_AG).sum(dim=1)


# Name -> correction, with the arguments of `delta`. With "none" the log of the mean is too low by about
# chi2(p(x|c) || p(x)) / 2M (Jensen).
CORRECTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "none": lambda share_AG, _: share_AG.new_zeros(len(share_AG)),
    "delta": delta,
    "jackknife": jackknife,
}


class Partition(NamedTuple):
    """log Z of A contexts at K horizons. All tensors are [A, K] except `pull_GK`.

    Attributes:
        log_z: log Z with the correction.
        plain: log Z without the correction.
        drawn: The number of samples.
        effective: The effective sample size, (sum e^F)^2 / sum e^2F. So many samples of equal weight would have the
            same spread.
        pull_GK: How much each block moves the mean of log Z over the contexts, to first order, [G, K].
    """

    log_z: Tensor
    plain: Tensor
    drawn: Tensor
    effective: Tensor
    pull_GK: Tensor

    @property
    def log_sum(self) -> Tensor:
        """The log of the sum over samples, which competes with a positive in InfoNCE."""
        return self.plain + self.drawn.log()


class Sample:
    """M samples of z from the marginal distribution, held in memory. They give log Z_k of any context: a
    `contracts.LogPartition`.

    Args:
        z_MD: The samples.
        source_M: The number of the source of each sample, int64.
        group_M: The number of the group of each sample, int64.
        marginal: "all" uses samples of every other source. "same_group" uses samples of other sources in the group of
            the context. Information that the group alone gives is then divided out.
        correction: The correction of the logarithm of the mean: "delta", "jackknife" or "none".

    Raises:
        CPCError: If there are too few samples, or a name is unknown.
    """

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
        """What the mean of the calibrated scores estimates."""
        return Estimand(MARGINALS[self.marginal], self.marginal, len(self.z_MD), self.sources, self.correction)

    def __call__(self, p_AKD: Tensor, source_A: Tensor | None = None, group_A: Tensor | None = None) -> Tensor:
        """Return log Z [A, K] of contexts with predictions p_AKD."""
        return self.measure(p_AKD, source_A, group_A).log_z

    @torch.no_grad()
    def measure(self, p_AKD: Tensor, source_A: Tensor | None = None, group_A: Tensor | None = None) -> Partition:
        """Return log Z with all that is known of its error.

        Args:
            p_AKD: The predictions of the contexts.
            source_A: The number of each context's source, counted as in the sample. None: no context is of a source
                of the sample.
            group_A: The number of each context's group. "same_group" needs it.

        Raises:
            CPCError: If a context has too few samples.
        """
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
        """Return which samples each context may use, [contexts, M] bool.

        Raises:
            CPCError: If a context has too few samples.
        """
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
        """Return the columns of `Partition` for some contexts, and the sum of their pull [G, K]."""
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

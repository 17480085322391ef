"""log Z_k(c) as a small function of the prediction. Streams use it, because it stores no samples and costs a few
products per step.

It is fitted as the tightest baseline of the TUBA bound (Poole et al. 2019), with the score frozen. log a(c) minimises
E_c[Z(c) / a(c) + log a(c)], and the minimum is at log a = log Z. With log a linear in features, this is a gamma
regression with a logarithmic link. It is convex and solved by Newton's method. The features of p = p_k(c) are 1, p,
and products of p along its main directions. For Gaussian z, log E exp(p . z) is exactly such a quadratic.
"""

import torch
from torch import Tensor

from torchcpc.contracts import CPCError


class Amortised:
    """A regression of log Z_k on the prediction, one per horizon. It is a `contracts.LogPartition` without samples.

    Args:
        p_AKD: Predictions of the contexts to fit.
        log_z_AK: Their log Z, from `Sample`.
        main: The number of main directions of p whose products are features.
        ridge: The penalty on standardised coefficients.

    Raises:
        CPCError: If there are fewer contexts than coefficients.
    """

    def __init__(self, p_AKD: Tensor, log_z_AK: Tensor, *, main: int = 8, ridge: float = 1e-6) -> None:
        A, K, D = p_AKD.shape
        self.mean_KD = p_AKD.double().mean(dim=0)
        centred_KAD = (p_AKD.double() - self.mean_KD).transpose(0, 1)
        self._one, self._other = torch.triu_indices(min(main, D), min(main, D))
        size = 1 + D + len(self._one)
        if A <= size:
            raise CPCError(f"{A} contexts for {size} coefficients of log Z: give more contexts, or fewer main directions.")
        _, spread, across_KDD = torch.linalg.svd(centred_KAD, full_matrices=False)
        # Directions in which p hardly varies are left out: there is nothing to learn, and no scale to divide by.
        scale_KD = spread / A**0.5
        floor = 1e-6 * scale_KD.amax(dim=1, keepdim=True).clamp_min(1e-12)
        self._whiten_KDE = (across_KDD / scale_KD.clamp_min(floor)[..., None]).transpose(1, 2) * (scale_KD > floor)[:, None]
        phi_KAF = self._features(p_AKD)
        target_KA = log_z_AK.double().t()
        self.weight_KF = torch.stack([_gamma(phi, target, ridge) for phi, target in zip(phi_KAF, target_KA, strict=True)])

    def _features(self, p_AKD: Tensor) -> Tensor:
        """Return the features of each prediction, [K, A, F]."""
        white_KAE = (p_AKD.double() - self.mean_KD).transpose(0, 1) @ self._whiten_KDE
        one = torch.ones_like(white_KAE[..., :1])
        return torch.cat([one, white_KAE, white_KAE[..., self._one] * white_KAE[..., self._other]], dim=-1)

    def __call__(self, p_AKD: Tensor) -> Tensor:
        """Return log Z [A, K] of contexts with predictions p_AKD."""
        return torch.einsum("kaf,kf->ak", self._features(p_AKD), self.weight_KF).to(p_AKD.dtype)


def _gamma(phi_AF: Tensor, log_z_A: Tensor, ridge: float) -> Tensor:
    """Return the w that minimises mean(exp(log Z - phi w) + phi w) + ridge/2 |w|^2. It starts from the least-squares fit
    of log Z.
    """
    A, F = phi_AF.shape
    eye_FF = torch.eye(F, dtype=phi_AF.dtype, device=phi_AF.device)
    penalty_FF = ridge * eye_FF
    penalty_FF[0, 0] = 0
    weight_F = torch.linalg.solve(phi_AF.t() @ phi_AF / A + penalty_FF + 1e-12 * eye_FF, phi_AF.t() @ log_z_A / A)

    def value(w_F: Tensor) -> Tensor:
        fit_A = phi_AF @ w_F
        return (torch.exp(log_z_A - fit_A) + fit_A).mean() + 0.5 * w_F @ penalty_FF @ w_F

    for _ in range(50):
        ratio_A = torch.exp(log_z_A - phi_AF @ weight_F)
        gradient_F = phi_AF.t() @ (1 - ratio_A) / A + penalty_FF @ weight_F
        curvature_FF = (phi_AF * ratio_A[:, None]).t() @ phi_AF / A + penalty_FF + 1e-12 * eye_FF
        step_F = torch.linalg.solve(curvature_FF, gradient_F)
        length, now = 1.0, value(weight_F)
        while length > 1e-6 and not value(weight_F - length * step_F) <= now:
            length /= 2
        weight_F = weight_F - length * step_F
        if step_F.abs().max() < 1e-9:
            break
    return weight_F

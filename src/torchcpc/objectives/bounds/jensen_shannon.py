"""Training by telling joint from product pairs (Jensen-Shannon), evaluation by a bound."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from torchcpc.objectives.bounds.matrix import checked, off_diagonal, valued
from torchcpc.objectives.bounds.variational import nwj


def js_objective(score_NN: Tensor) -> Tensor:
    """mean_i -softplus(-S_ii) - mean_off softplus(S): scalar, to be maximised; at most 0, and not an estimate of I.

    Its optimum is S = log r itself, without gauge, since positives and others weigh equally.
    Source: Nowozin et al. 2016 (arXiv:1606.00709); Hjelm et al. 2019 (arXiv:1808.06670).
    """
    score_NN = checked(score_NN)
    return -softplus(-score_NN.diagonal()).mean() - softplus(off_diagonal(score_NN)).mean()


def js(score_NN: Tensor) -> Tensor:
    """The value of NWJ at S + 1, 1 + mean_i S_ii - mean_off exp S, with the gradient of `js_objective`, nats: scalar.

    Lower bound for any critic; no cap; stable to train, but the value keeps NWJ's variance. Source: Poole et al. 2019
    (arXiv:1905.06922).
    """
    return valued(nwj(checked(score_NN) + 1), js_objective(score_NN))

"""Bounds of Donsker and Varadhan's form: the log of one mean over all pairs that do not belong together."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from torchcpc.contracts import CPCError
from torchcpc.objectives.bounds.jensen_shannon import js_objective
from torchcpc.objectives.bounds.matrix import checked, log_mean_exp_off, valued


def dv(score_NN: Tensor) -> Tensor:
    """mean_i S_ii - log mean_off exp S, nats: scalar.

    Lower bound in the population, tight at S = log r + constant; on a batch the log of a sample mean makes it biased upward, so the
    value is neither. High variance: (e^I - 1)/n at least. Source: Donsker and Varadhan 1983; Belghazi et al. 2018 (arXiv:1801.04062).
    """
    score_NN = checked(score_NN)
    return score_NN.diagonal().mean() - log_mean_exp_off(score_NN)


def mine(score_NN: Tensor, log_average: Tensor | float | None = None) -> Tensor:
    """The value of `dv`; the gradient of mean_i S_ii - mean_off exp S / average, nats: scalar.

    The gradient of a log of a batch mean is biased; with a moving average in the denominator (`moving_log_average`, already
    holding this batch) less so. None: this batch alone, which is the gradient of `dv`. Property, bias of the value and variance as `dv`;
    unstable where the target is easy. Source: Belghazi et al. 2018 (arXiv:1801.04062).
    """
    score_NN = checked(score_NN)
    log_mean = log_mean_exp_off(score_NN)
    diagonal = score_NN.diagonal().mean()
    if log_average is None:
        return diagonal - log_mean
    denominator = torch.as_tensor(log_average).to(score_NN).detach()
    if denominator.ndim or not torch.isfinite(denominator):
        raise CPCError(f"log_average = {log_average}: one finite number is expected; begin with None and moving_log_average.")
    return valued(diagonal - log_mean, diagonal - (log_mean - denominator).exp())


def moving_log_average(score_NN: Tensor, log_average: Tensor | None = None, *, decay: float = 0.99) -> Tensor:
    """log( decay * average + (1 - decay) * mean_off exp S ), without gradient: the state that `mine` takes, kept by the caller.

    None, before the first batch, gives that batch's own mean.
    """
    if not 0 <= decay < 1:
        raise CPCError(f"decay = {decay}: choose it from 0 (this batch only) to below 1.")
    log_mean = log_mean_exp_off(checked(score_NN)).detach()
    if log_average is None or decay == 0:
        return log_mean
    return torch.logaddexp(log_average.to(log_mean) + math.log(decay), log_mean + math.log1p(-decay))


def smile(score_NN: Tensor, *, clip: float = 5.0) -> Tensor:
    """mean_i S_ii - log mean_off exp clip(S, -clip, clip), with the gradient of the Jensen-Shannon objective, nats: scalar.

    NOT a bound: clipping bounds the variance of the partition and biases it (downward for a well-trained critic, so the value up).
    clip = inf is `dv` in value. Source: Song and Ermon 2020 (arXiv:1910.06222).
    """
    if not clip > 0:
        raise CPCError(f"clip = {clip}: choose it above 0 nats.")
    score_NN = checked(score_NN)
    value = score_NN.diagonal().mean() - log_mean_exp_off(score_NN.clamp(-clip, clip))
    return valued(value, js_objective(score_NN))

"""The measurements of the page for readers of the paper. Each function takes its size and returns plain numbers in nats.

All of them are compared with processes whose density ratios are exact (`torchcpc.data.synthetic`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.special import ndtr
from torch import Tensor

from torchcpc.contexts import NoContext
from torchcpc.data.synthetic import autoregression, gaussian_pairs, named, oracle_infonce
from torchcpc.encoders import VectorEncoder
from torchcpc.information.checks import agreement
from torchcpc.model import CPCModel
from torchcpc.objectives import infonce, symmetric_infonce
from torchcpc.scores import Bilinear
from torchcpc.scores.calibration import Sample

RHO, BATCH = 0.9, 256
# Eq. 4 on a square of scores [contexts, targets], positives on the diagonal: the softmax over targets is the paper's.
LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "targets": lambda S: S.logsumexp(1) - S.diagonal(),
    "contexts": lambda S: S.logsumexp(0) - S.diagonal(),
    "both": symmetric_infonce,
}
Lossy = Callable[[Tensor], Tensor]


def kept(x: Tensor) -> Tensor:
    return x


def noised(x: Tensor) -> Tensor:
    return x + torch.randn_like(x)


LOSSY: dict[str, Lossy] = {"everything": kept, "x with noise of variance 1": noised, "the sign of x": torch.sign}


def scores(model: CPCModel, x_BTD: Tensor, k: int, lossy: Lossy = kept) -> Tensor:
    """Return F of every context with every target, [B, B].

    A context is the first step of a row, and a target is step k of a row. The last W serves all further k.
    """
    p_BKD = model.predictor(model.encoder(x_BTD[:, :1]))[:, 0]
    return p_BKD[:, min(k, p_BKD.shape[1]) - 1] @ model.encoder(lossy(x_BTD[:, k : k + 1]))[:, 0].t()


def learn(
    process: Any, updates: int, *, loss: str = "targets", far: int = 1, matrices: int = 1, lossy: Lossy = kept
) -> CPCModel:
    """Train a small model without memory on steps 1 to `far`. `lossy` changes targets before the encoder sees them."""
    torch.manual_seed(0)
    model = CPCModel(VectorEncoder(features=process.dim, dim=16, hidden=64), NoContext(16), Bilinear(16, 16, count=matrices))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    for update in range(updates):
        x_BTD = torch.from_numpy(process.sample(BATCH, far + 1, np.random.default_rng([1, update])).x_BTD)
        value = sum(LOSSES[loss](scores(model, x_BTD, k, lossy)).mean() for k in range(1, far + 1))
        optimizer.zero_grad()
        assert isinstance(value, Tensor)
        value.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def exact(x: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return log p(x|c) / p(x) of a Gaussian pair of correlation RHO."""
    return -0.5 * math.log(1 - RHO**2) - (x - RHO * c) ** 2 / (2 * (1 - RHO**2)) + x**2 / 2


@torch.no_grad()
def gauge(updates: int, samples: int) -> dict[str, Any]:
    """Compare F with the log ratio, for each direction of the softmax.

    The difference is taken on a grid of likely pairs, with its spread along x and along c. The error of the PMI, after
    log Z_k(c) is subtracted, is the RMSE on new pairs.
    """
    process, found = named("ar1"), {}
    c_C, u_U = np.linspace(-1.5, 1.5, 7), np.linspace(-2, 2, 41)
    aside_U = math.sqrt(1 - RHO**2) * u_U
    for name in LOSSES:
        with torch.enable_grad():
            model = learn(process, updates, loss=name)

        def excess(x_CU: np.ndarray, c_CU: np.ndarray, model: CPCModel = model) -> np.ndarray:
            z, p = (model.encoder(torch.from_numpy(a.astype(np.float32))[..., None]) for a in (x_CU, c_CU))
            return (model.predictor(p)[:, :, 0] * z).sum(-1).double().numpy() - exact(x_CU, c_CU)

        along_x, x_CU = excess(RHO * c_C[:, None] + aside_U, np.repeat(c_C[:, None], 41, 1)), RHO * c_C[:, None] + aside_U
        along_c = excess(np.repeat(c_C[:, None], 41, 1), RHO * c_C[:, None] + aside_U)
        pair_BTD = process.sample(samples, 2, np.random.default_rng(2)).x_BTD
        own_MD = model.encoder(torch.from_numpy(process.sample(samples, 1, np.random.default_rng(3)).x_BTD))[:, 0]
        sample = Sample(own_MD, torch.arange(samples), torch.zeros(samples, dtype=torch.int64))
        z_B2D = model.encoder(torch.from_numpy(pair_BTD))
        p_B1D = model.predictor(z_B2D[:, :1])[:, 0]
        pmi_B = ((p_B1D[:, 0] * z_B2D[:, 1]).sum(-1) - sample(p_B1D)[:, 0]).double().numpy()
        ratio_B = exact(pair_BTD[:, 1, 0].astype(float), pair_BTD[:, 0, 0].astype(float))
        slope, _, rmse = agreement(pmi_B, ratio_B)
        found[name] = {
            "x": x_CU.tolist(), "excess": along_x.tolist(), "slope": slope, "rmse": rmse, "pmi": float(pmi_B.mean()),
            "along x": float(along_x.std(1).mean()), "along c": float(along_c.std(1).mean()),
        }  # fmt: skip
    return found


def per_step(updates: int, samples: int, far: int = 4) -> dict[str, Any]:
    """Return log N - loss at N = 128 on steps 1 to `far` of a turning process.

    The scores have one W for each step, or one for all. The third is the exact ratio.
    """
    process, N = named("var1"), 128
    rows: dict[str, list[float]] = {}
    for name, matrices in (("own", far), ("shared", 1)):
        model = learn(process, updates, far=far, matrices=matrices)
        with torch.no_grad():
            x_BTD = torch.from_numpy(process.sample(samples, far + 1, np.random.default_rng(4)).x_BTD).view(-1, N, far + 1, 2)
            rows[name] = [
                float(np.mean([math.log(N) - LOSSES["targets"](scores(model, x, k)).mean().item() for x in x_BTD]))
                for k in range(1, far + 1)
            ]
    rng = np.random.default_rng(5)
    rows["oracle"] = [oracle_infonce(process, k, N, samples, rng, history=1).value for k in range(1, far + 1)]
    rows["information"] = [process.information(k).value for k in range(1, far + 1)]
    return rows


def capped(samples: int, candidates: tuple[int, ...] = (2, 8, 32, 128, 512)) -> dict[str, Any]:
    """Return InfoNCE(N) of the exact ratio with its standard error, for processes that share little and much."""
    processes = {"1 pair": gaussian_pairs([RHO]), "4 pairs": gaussian_pairs([RHO] * 4), "10 pairs": gaussian_pairs([RHO] * 10)}
    found: dict[str, Any] = {"candidates": list(candidates)}
    for name, process in processes.items():
        oracle = [oracle_infonce(process, 1, N, samples, np.random.default_rng(N), history=1) for N in candidates]
        found[name] = {
            "information": process.information(1).value,
            "value": [each.value for each in oracle],
            "error": [each.detail["standard_error"] for each in oracle],
        }
    return found


def marginals() -> dict[str, float]:
    """Return the information that is estimated with negatives of all speakers, and of the same speaker."""
    return {name: named(name).information(1).value for name in ("speakers", "speakers-same-group")}


def false_negatives(rows: int, shares: tuple[float, ...] = (0.01, 0.1)) -> dict[str, Any]:
    """Return the log ratio that InfoNCE gives to a repeated state, if a share of the negatives follows p(x|c).

    The process is a chain of S states that stays with probability 0.9. The score is s [x = c], and s minimises InfoNCE.
    The true log ratio is returned with it.
    """
    N, stay, found = 32, 0.9, {}
    for share in shares:
        points = []
        for states in (4, 16, 64, 256, 1024):
            rng = np.random.default_rng(states)
            same_RN = np.concatenate(
                [rng.random((rows, 1)) < stay, rng.random((rows, N - 1)) < (1 - share) / states + share * stay], axis=1
            )
            high, low = states * stay, states * (1 - stay) / (states - 1)
            s = _best(torch.from_numpy(same_RN.astype(np.float64)))
            # The gauge is fixed by what a changed state should be worth.
            points.append((math.log(high), s + diluted(math.log(low), share)))
        found[str(share)] = points
    return found


def _best(same_RN: Tensor) -> float:
    s = torch.zeros((), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([s], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = infonce(s * same_RN).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    return float(s.detach())


def diluted(log_ratio: float, share: float) -> float:
    """Return F* of a log ratio if a share e of the negatives follows p(x|c): log r / (1 - e + e r)."""
    return log_ratio - math.log1p(share * math.expm1(log_ratio))


@torch.no_grad()
def partition(repeats: int, sizes: tuple[int, ...] = (8, 16, 32, 64, 128, 256)) -> dict[str, Any]:
    """Return the mean error of log Z from M samples, plain and corrected, with its standard error and with -chi2 / 2M.

    The contexts are an ordinary one (c = 0) and a rare one (c = 1.5) of a Gaussian pair. The true log Z is 0.
    """
    c_C, rest = np.array([0.0, 1.5]), 1 - RHO**2
    terms = [-0.5 * np.log(rest) - RHO**2 * c_C**2 / (2 * rest), RHO * c_C / rest, np.full(2, -(RHO**2) / (2 * rest))]
    p_C13 = torch.from_numpy(np.stack(terms, 1))[:, None]
    chi2_C = np.exp(RHO**2 * c_C**2 / (1 + RHO**2)) / math.sqrt(1 - RHO**4) - 1
    mean: dict[str, list[np.ndarray]] = {"none": [], "delta": [], "jackknife": [], "error": []}
    for M in sizes:
        drawn: dict[str, list[np.ndarray]] = {"none": [], "delta": [], "jackknife": []}
        for repeat in range(repeats):
            x = torch.from_numpy(np.random.default_rng([M, repeat]).standard_normal(M))
            z_MD, own = torch.stack([torch.ones_like(x), x, x**2], 1), torch.arange(M)
            for name in ("delta", "jackknife"):
                found = Sample(z_MD, own, torch.zeros_like(own), correction=name).measure(p_C13)
                drawn[name].append(found.log_z[:, 0].numpy())
            drawn["none"].append(found.plain[:, 0].numpy())
        for name, values in drawn.items():
            mean[name].append(np.mean(values, 0))
        mean["error"].append(np.std(drawn["none"], 0) / math.sqrt(repeats))
    return {
        "sizes": list(sizes),
        **{
            f"{c:g}": {
                "chi2": chi2,
                "expected": [-chi2 / (2 * M) for M in sizes],
                **{name: [float(each[i]) for each in values] for name, values in mean.items()},
            }
            for i, (c, chi2) in enumerate(zip(c_C, chi2_C.tolist(), strict=True))
        },
    }


@torch.no_grad()
def processing(updates: int, samples: int) -> dict[str, Any]:
    """Targets of which less and less is kept: the exact I(z; c), and mean PMI and InfoNCE(128) after training on them."""
    process, N = named("ar1"), 128
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    q = ndtr(RHO * node / math.sqrt(1 - RHO**2)).clip(1e-300, 1 - 1e-16)
    entropy = float((-(q * np.log(q) + (1 - q) * np.log1p(-q)) * weight).sum() / weight.sum())
    known = dict(zip(LOSSY, (-0.5 * math.log(1 - RHO**2), -0.5 * math.log(1 - RHO**2 / 2), math.log(2) - entropy), strict=True))
    found: dict[str, Any] = {}
    for name, lossy in LOSSY.items():
        with torch.enable_grad():
            model = learn(process, updates, lossy=lossy)
        pair_BTD = torch.from_numpy(process.sample(samples, 2, np.random.default_rng(6)).x_BTD)
        alone_MTD = torch.from_numpy(process.sample(samples, 1, np.random.default_rng(7)).x_BTD)
        sample = Sample(model.encoder(lossy(alone_MTD))[:, 0], torch.arange(samples), torch.zeros(samples, dtype=torch.int64))
        p_B1D = model.predictor(model.encoder(pair_BTD[:, :1]))[:, 0]
        pmi_B = (p_B1D[:, 0] * model.encoder(lossy(pair_BTD[:, 1:]))[:, 0]).sum(-1) - sample(p_B1D)[:, 0]
        squares = [math.log(N) - LOSSES["targets"](scores(model, x, 1, lossy)).mean().item() for x in pair_BTD.split(N)]
        found[name] = {
            "known": known[name], "pmi": float(pmi_B.mean()), "error": float(pmi_B.std()) / math.sqrt(samples),
            "bound": float(np.mean(squares)),
        }  # fmt: skip
    memory = autoregression([0.0, RHO])
    found["memory"] = {"all": memory.information(1).value, "last": memory.information(1, past=1).value}
    return found

"""The InfoNCE bound on held-out sources, with its interval and its ceiling."""

from collections.abc import Sequence

import torch
from torch import Tensor

from torchcpc.contracts import CPCError, Model, Window
from torchcpc.objectives.contrast import Contrast, pairwise, top1
from torchcpc.training.health import Metrics, effective_rank

# Means over the pairs of a horizon, the ends of the 95 % interval of the bound, and the number of pairs.
_PER_K = ("loss", "bound", "ceiling", "accuracy", "pairwise", "chance", "bound_low", "bound_high", "pairs")


@torch.no_grad()
def held_out_bound(
    model: Model, contrast: Contrast, windows: Sequence[Window], *, seed: int = 0, device: torch.device | str = "cpu"
) -> Metrics:
    """Return the metrics of `model` on fixed windows.

    It computes in float32, and uses the same candidates in every call. The 95 % interval of the bound comes from the spread between
    sources, because steps of one source are not independent.

    Args:
        model: The model to validate.
        contrast: The loss, with its candidates.
        windows: At least one window of held-out sources.
        seed: Seed of the candidates.
        device: Device of the model.

    Returns:
        Metrics by name. Those that end in `_per_k` are lists with one entry for each horizon:

        - `bound_per_k` is the mean of log N - loss, in nats. `bound_low_per_k` and `bound_high_per_k` are the ends of its interval.
        - `ceiling_per_k` is the mean of log N.
        - `pairs_per_k` is the number of pairs.
        - `loss_per_k`, `accuracy_per_k`, `pairwise_per_k` and `chance_per_k` are means over the pairs.

        `horizons` lists the horizons, and `bound` is the mean over them. `sources` is the number of sources. `rank_z` and `rank_c`
        are the effective ranks in the first window.

    Raises:
        CPCError: If there is no window.
    """
    if not windows:
        raise CPCError("there is no validation window: hold out more sources, or shorten the window.")
    generator, columns, was_training = torch.Generator().manual_seed(seed), [], model.training
    model.eval()
    for window in (each.to(device) for each in windows):
        pairs, rows = contrast.rows(model, window, generator)
        source_M = model.encoder.steps(window).source.reshape(-1)[pairs.target_M]
        log_n_M = rows.candidates_M.log()
        values = (rows.loss_M, log_n_M - rows.loss_M, log_n_M, top1(rows), pairwise(rows), 1 / rows.candidates_M)
        columns.append(torch.stack([column.double() for column in (pairs.horizon_M, source_M, *values)]).cpu())
    first = windows[0].to(device)
    z_BTD, valid_BT = model.encoder(first.x), model.encoder.steps(first).valid
    z_MD, c_MC = z_BTD[valid_BT], model.context(z_BTD)[0][valid_BT]
    model.train(was_training)
    horizon_M, source_M, *value_M = torch.cat(columns, dim=1)
    per_k = []
    for index in range(len(model.predictor.horizons)):
        mine_M = horizon_M == index
        means = [column_M[mine_M].mean().item() for column_M in value_M]
        half = 1.96 * _clustered_error(value_M[1][mine_M], source_M[mine_M])
        per_k.append((*means, means[1] - half, means[1] + half, int(mine_M.sum())))
    metrics = {f"{name}_per_k": list(column) for name, column in zip(_PER_K, zip(*per_k, strict=True), strict=True)}
    bounds = [bound for bound in metrics["bound_per_k"] if bound == bound]
    return {
        "horizons": list(model.predictor.horizons),
        **metrics,
        "bound": sum(bounds) / len(bounds),
        "sources": len(source_M.unique()),
        "rank_z": effective_rank(z_MD),
        "rank_c": effective_rank(c_MC),
    }


def _clustered_error(value_M: Tensor, source_M: Tensor) -> float:
    """Return the standard error of the mean of values that depend on each other within a source (cluster-robust)."""
    source, cluster_M = source_M.unique(return_inverse=True)
    if len(source) < 2:
        return float("nan")
    total = torch.zeros(len(source), dtype=value_M.dtype).index_add_(0, cluster_M, value_M - value_M.mean())
    return (total.square().sum() * len(source) / (len(source) - 1)).sqrt().item() / len(value_M)

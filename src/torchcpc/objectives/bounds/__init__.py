"""Estimates of mutual information from a score matrix S[i, j] = F(x_j, c_i) in nats: rows contexts, positives on the diagonal.

All take S first and give a scalar to be maximised (upper bounds: minimised); further arguments are what a bound cannot do without.
"""

from collections.abc import Callable

from torch import Tensor

from torchcpc.objectives.bounds.contrastive import alpha_cpc, info_nce, ml_cpc
from torchcpc.objectives.bounds.fenchel import flo
from torchcpc.objectives.bounds.jensen_shannon import js, js_objective
from torchcpc.objectives.bounds.partition import dv, mine, moving_log_average, smile
from torchcpc.objectives.bounds.upper import club, leave_one_out
from torchcpc.objectives.bounds.variational import interpolated, nwj, tuba

BOUNDS: dict[str, Callable[..., Tensor]] = {
    "infonce": info_nce,
    "dv": dv,
    "mine": mine,
    "nwj": nwj,
    "tuba": tuba,
    "interpolated": interpolated,
    "js": js,
    "smile": smile,
    "ml_cpc": ml_cpc,
    "alpha_cpc": alpha_cpc,
    "flo": flo,
    "leave_one_out": leave_one_out,
    "club": club,
}

__all__ = ["BOUNDS", "js_objective", "moving_log_average"]

"""Who may compete with whom, as the package sorts it out, laid out as a mask."""

import torch
from torch import Tensor

from torchcpc.scores.candidates import STRATEGIES, Codes, sorted_pool


def competitors(strategy: str, codes: Codes) -> Tensor:
    """[M, M] bool: which steps compete with which."""
    everyone_M = torch.arange(len(codes.event))
    pool_M, spans = sorted_pool(STRATEGIES[strategy], codes, everyone_M, everyone_M)
    return spans(slice(None), slice(None))[:, pool_M.argsort()]

"""Which arithmetic pays on this machine."""

from __future__ import annotations

import torch

from torchcpc.contracts import CPCError

PRECISIONS = ("auto", "32-true", "bf16-mixed")


def choose(precision: str, device: torch.device | str) -> str:
    """`auto` becomes bf16-mixed where the device multiplies bfloat16 faster than float32, otherwise 32-true."""
    if precision not in PRECISIONS:
        raise CPCError(f"precision = {precision!r} is unknown. Choose one of {', '.join(PRECISIONS)}.")
    if precision != "auto":
        return precision
    kind = torch.device(device).type
    if kind == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    # Without these instructions a CPU emulates bfloat16, several times slower than float32.
    fast = kind == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return "bf16-mixed" if fast else "32-true"

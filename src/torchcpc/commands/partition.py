"""Drawing the sample that log Z is estimated from, as `cpc score` and `cpc information` are told to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples", type=int, default=4096, metavar="M", help="marginal samples for log Z (default: %(default)s)"
    )
    parser.add_argument("--proposal", help="all or same_group: I(x; c), or I(x; c | group) (default: as the run was trained)")
    parser.add_argument(
        "--correction", default="delta", help="of the log of a mean: delta, jackknife, none (default: %(default)s)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def draw(
    arguments: argparse.Namespace, model: Any, sources: Any, indices: list[int], described: Mapping[str, Any] | None
) -> Any:
    """The `scores.calibration.Sample` of the sources at `indices`; described: settings.json of the run, None where there is none."""
    from torchcpc.commands.progress import bar
    from torchcpc.information.calibrating import proposal_of
    from torchcpc.information.scoring import marginal

    with bar("log Z") as show:
        return marginal(
            model,
            sources,
            indices,
            count=arguments.samples,
            proposal=arguments.proposal or proposal_of(described),
            correction=arguments.correction,
            device=arguments.device,
            progress=show,
        )

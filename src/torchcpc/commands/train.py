"""`cpc train RECIPE key=value ...`: from unlabelled sources to a run folder; `cpc train --resume RUN` continues where one stopped."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.commands import options

if TYPE_CHECKING:
    from torchcpc.api import Run
    from torchcpc.runs.devices import Devices


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="name of a shipped recipe, or a .toml file")
    parser.set_defaults(assignments=[])
    parser.epilog = "Any setting of the recipe can be given as section.key=value, for instance training.steps=1000."
    parser.add_argument("--data", nargs="+", default=[], metavar="DATA", help="folders or manifests of sources")
    options.out(parser, "new folder for the run (default: runs/RECIPE)", metavar="RUN")
    parser.add_argument(
        "--resume", type=Path, metavar="RUN", help="continue this run to its end, bit for bit as if never stopped"
    )
    parser.add_argument("--seed", type=int, help="of weights, order and candidates (default: 0)")
    parser.add_argument("--accelerator", default="auto", help="cpu, cuda, ... (default: %(default)s)")
    parser.add_argument("--devices", default="1", help="how many devices, one process each, or auto (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=1, help="how many machines (default: %(default)s)")
    parser.add_argument("--precision", help="auto, 32-true, bf16-mixed (default: auto)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import note

    note(f"report: {_trained(arguments).report()}")


def _trained(arguments: argparse.Namespace) -> Run:
    """What can be refused is refused before torch is loaded."""
    from torchcpc.commands.terminal import TERMINAL
    from torchcpc.contracts import CPCError
    from torchcpc.settings import load_recipe, override, recipes

    if arguments.resume:
        if (
            arguments.recipe
            or arguments.data
            or arguments.assignments
            or arguments.out
            or arguments.seed is not None
            or arguments.precision
        ):
            raise CPCError("--resume takes recipe, settings, data, seed and precision from the run: leave them out.")
        if not (arguments.resume / "settings.json").is_file():
            raise CPCError(
                f"{arguments.resume} is not a run folder: it holds no settings.json. Start one with `cpc train RECIPE`."
            )
        from torchcpc.api import resume

        return resume(arguments.resume, devices=_devices(arguments), listener=TERMINAL)
    if not arguments.recipe:
        raise CPCError(f"name a recipe ({', '.join(recipes())}) or a .toml file, or --resume RUN.")
    recipe, name = override(load_recipe(arguments.recipe), arguments.assignments), Path(arguments.recipe).stem
    from torchcpc.api import train

    about = {"name": name, "data": arguments.data, "out": arguments.out, "seed": arguments.seed or 0}
    return train(recipe, **about, devices=_devices(arguments), listener=TERMINAL)


def _devices(arguments: argparse.Namespace) -> Devices:
    from torchcpc.runs.devices import Devices

    names = {"accelerator": arguments.accelerator, "devices": arguments.devices, "nodes": arguments.nodes}
    return Devices(**names, precision=arguments.precision or "auto")

"""`cpc train RECIPE key=value ...`: from unlabelled sources to a run folder; `cpc train --resume RUN` continues where one stopped."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.commands import options

if TYPE_CHECKING:
    from torchcpc.api import Run
    from torchcpc.runs.devices import Devices

# Fields of runs.devices.Devices.
DEVICES: tuple[options.Option, ...] = (
    ("accelerator", str, "auto", "NAME", "cpu, cuda, ..."),
    ("devices", str, "1", "N", "how many devices, one process each, or auto"),
    ("nodes", int, 1, "N", "how many machines"),
    ("precision", str, None, "NAME", "auto, 32-true, bf16-mixed (default: auto)"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="name of a recipe (see `cpc recipes`), a .toml file, or the settings.json of a run",
    )
    parser.set_defaults(assignments=[])
    parser.epilog = "Any setting of the recipe can be given as section.key=value, for instance training.steps=1000."
    options.out(parser, "new folder for the run (default: runs/RECIPE)", metavar="RUN")
    options.add(
        parser,
        ("data", (str, "+"), [], "DATA", "folders or manifests of sources; with --resume, their new place"),
        ("resume", Path, None, "RUN", "continue this run to its end, bit for bit as if never stopped"),
        ("accept-changed-data", bool, False, "", "resume although the data changed, and say what changed"),
        ("dry-run", bool, False, "", "say what is trained on and what it takes, from a few timed updates, and write nothing"),
        ("logger", str, None, "NAME", "log to TensorBoard, too (tensorboard); metrics.jsonl is always written"),
        ("seed", int, None, "N", "of weights, order and candidates (default: 0)"),
        *DEVICES,
    )


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import note, output

    match _trained(arguments):
        case str() as plan:
            output(plan)
        case run:
            note(f"report: {run.report()}")


def _trained(arguments: argparse.Namespace) -> Run | str:
    """What can be refused is refused before torch is loaded."""
    from torchcpc.commands.terminal import TERMINAL
    from torchcpc.contracts import CPCError
    from torchcpc.settings import load_recipe, override, recipe_name, recipes

    if arguments.resume:
        if arguments.recipe or arguments.assignments or arguments.out or arguments.seed is not None or arguments.precision:
            raise CPCError("--resume takes recipe, settings, seed and precision from the run: leave them out.")
        if not (arguments.resume / "settings.json").is_file():
            raise CPCError(
                f"{arguments.resume} is not a run folder: it holds no settings.json. Start one with `cpc train RECIPE`."
            )
        if arguments.dry_run:
            from torchcpc.runs.dry_run import plan_rest

            where = {"devices": _devices(arguments), "listener": TERMINAL}
            return plan_rest(arguments.resume, arguments.data or None, **where).text()
        from torchcpc.api import resume
        from torchcpc.runs.loggers import log_to

        how = {"accept_changed_data": arguments.accept_changed_data, "devices": _devices(arguments), "listener": TERMINAL}
        how["on_event"] = log_to(*filter(None, [arguments.logger]))
        return resume(arguments.resume, arguments.data or None, **how)
    if arguments.accept_changed_data:
        raise CPCError("--accept-changed-data goes with --resume RUN.")
    if not arguments.recipe:
        raise CPCError(f"name a recipe ({', '.join(recipes())}) or a .toml file, or --resume RUN.")
    recipe, name = override(load_recipe(arguments.recipe), arguments.assignments), recipe_name(arguments.recipe)
    from torchcpc.api import train
    from torchcpc.runs.dry_run import plan
    from torchcpc.runs.loggers import log_to

    about = {"name": name, "data": arguments.data, "out": arguments.out, "seed": arguments.seed or 0}
    if arguments.dry_run:
        return plan(recipe, **about, devices=_devices(arguments), listener=TERMINAL).text()
    hear = log_to(*filter(None, [arguments.logger]))
    return train(recipe, **about, devices=_devices(arguments), listener=TERMINAL, on_event=hear)


def _devices(arguments: argparse.Namespace) -> Devices:
    from torchcpc.commands.terminal import TERMINAL
    from torchcpc.runs.devices import Devices

    devices = Devices(**{**options.values(arguments, *DEVICES), "precision": arguments.precision or "auto"})
    if not devices.is_first():
        TERMINAL.mute()
    return devices

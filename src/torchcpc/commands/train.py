"""`cpc train RECIPE key=value ...`: train a model on unlabelled data, as a new run folder.

`cpc train --resume RUN` continues a run that was stopped.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.commands import options

if TYPE_CHECKING:
    from torchcpc.api import Run
    from torchcpc.runs.devices import Devices

# The names are those of the fields of runs.devices.Devices.
DEVICES: tuple[options.Option, ...] = (
    ("accelerator", str, "auto", "NAME", "Kind of device to train on: auto, cpu, cuda, mps or gpu."),
    ("devices", str, "1", "N", "Number of devices on each machine, with one process each, or auto for all."),
    ("nodes", int, 1, "N", "Number of machines."),
    ("precision", str, None, "NAME", "Numerical precision: auto, 32-true or bf16-mixed (default: auto)."),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train a model on unlabelled recordings, pictures, series or text. This is the first step: most other commands work on a "
        "trained run. Choose a recipe with `cpc recipes`, and use --dry-run to see how long the training will take."
    )
    parser.add_argument(
        "recipe",
        nargs="?",
        metavar="RECIPE",
        help="Name of a recipe (see `cpc recipes`), a .toml file, or the settings.json of a run.",
    )
    parser.set_defaults(assignments=[])
    parser.epilog = (
        "Change any setting of the recipe with section.key=value, for instance training.steps=1000. `cpc recipes RECIPE` "
        "lists the settings."
    )
    options.out(parser, "New folder for the run (default: runs/RECIPE).", metavar="RUN")
    options.add(
        parser,
        ("data", (str, "+"), [], "DATA", "Folders or manifests of the data; with --resume, their new place."),
        ("resume", Path, None, "RUN", "Continue this run to its end, exactly as if it had never stopped."),
        ("accept-changed-data", bool, False, "", "Resume although the data have changed, and print what has changed."),
        ("dry-run", bool, False, "", "Time a few updates, print the data, memory and time of the training, and write nothing."),
        ("logger", str, None, "NAME", "Also log to this logger, such as tensorboard; metrics.jsonl is always written."),
        ("seed", int, None, "N", "Seed of the weights, the data order and the candidates (default: 0)."),
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
    """Train or resume a run, or return the text of a dry run. Wrong options are refused before torch is loaded."""
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

"""`cpc train RECIPE key=value ...`: from unlabelled sources to a run folder; `cpc train --resume RUN` goes on where one stopped."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="name of a shipped recipe, or a .toml file")
    parser.set_defaults(assignments=[])
    parser.epilog = "Any setting of the recipe can be given as section.key=value, for instance training.steps=1000."
    parser.add_argument("--data", nargs="+", default=[], metavar="DATA", help="folders or manifests of sources")
    parser.add_argument("-o", "--out", type=Path, metavar="RUN", help="new folder for the run (default: runs/RECIPE)")
    parser.add_argument(
        "--resume", type=Path, metavar="RUN", help="continue this run to its end, bit for bit as if never stopped"
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and candidates (default: %(default)s)")
    parser.add_argument("--accelerator", default="auto", help="cpu, cuda, ... (default: %(default)s)")
    parser.add_argument("--devices", default="1", help="how many devices, one process each, or auto (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=1, help="how many machines (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help="auto, 32-true, bf16-mixed (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    import torch
    from lightning_fabric import Fabric

    from torchcpc.commands.progress import console
    from torchcpc.commands.sources import open_sources
    from torchcpc.contracts import CPCError
    from torchcpc.report import build
    from torchcpc.runs.pretrain import SCHEMA, create_run, pretrain, read_run
    from torchcpc.runs.saved import located
    from torchcpc.settings import load_recipe, override, recipes, resolve
    from torchcpc.training.precision import choose

    settings: Any = None
    precision: Any
    if arguments.resume:
        if arguments.recipe or arguments.data:
            raise CPCError("--resume takes recipe, settings and data from the run: leave them out.")
        folder = arguments.resume
        precision = read_run(folder)["precision"]
        if came := read_run(folder).get("expanded"):
            raise CPCError(
                f"{folder} is an expanded model, which has nothing to resume: resume {came['run']}, and expand that again."
            )
    elif not arguments.recipe:
        raise CPCError(f"name a recipe ({', '.join(recipes())}) or a .toml file, or --resume RUN.")
    else:
        settings = resolve(override(load_recipe(arguments.recipe), arguments.assignments), SCHEMA)
        # Before the folder is made: most faults are in the data.
        open_sources(settings["data"], arguments.data)
        folder = arguments.out or Path("runs") / Path(arguments.recipe).stem
        device = arguments.accelerator if arguments.accelerator != "auto" else _best_device()
        precision = choose(arguments.precision, device)
    fabric = Fabric(
        accelerator=arguments.accelerator,
        devices=arguments.devices if arguments.devices == "auto" else int(arguments.devices),
        num_nodes=arguments.nodes,
        precision=precision,
    )
    # Every process runs this command from its beginning; one of them makes the folder, the others wait for it.
    fabric.launch()
    fault = None
    if settings and fabric.is_global_zero:
        about = {"recipe": arguments.recipe, "roots": arguments.data, "seed": arguments.seed, "precision": precision}
        try:
            create_run(folder, settings, **about, processes=fabric.world_size)
        except CPCError as error:
            fault = error
    if fabric.broadcast(fault is not None):
        raise fault or SystemExit(1)
    described = read_run(folder)
    if (processes := described.get("processes", 1)) != fabric.world_size:
        raise CPCError(
            f"{folder} was begun by {processes} processes, and the order of its data depends on them; these are "
            f"{fabric.world_size}. Resume it with as many devices (--devices) and machines (--nodes)."
        )
    sources = open_sources(located(described["settings"]["data"], folder), described["roots"])
    with training_bar(described["settings"]["training"]["steps"], sources.rate) as on_event:
        listener = {"on_event": on_event} if fabric.is_global_zero else {}
        try:
            outcome = pretrain(folder, sources, fabric=fabric, **listener)
        except CPCError:
            # A run in which nothing was learned would stand in the way of the next try, and could not be resumed either.
            if settings and fabric.is_global_zero and not (folder / "metrics.jsonl").exists():
                shutil.rmtree(folder)
            raise
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()
    if not fabric.is_global_zero:
        return
    if outcome.interrupted:
        console.print(f"stopped after update {outcome.step}; go on with: cpc train --resume {folder}")
        raise KeyboardInterrupt
    console.print(f"best validation bound {outcome.best:.3f} nats; model and metrics in {folder}")
    console.print(f"report: {build(folder)}")


def _best_device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


@contextmanager
def training_bar(total: int, rate: float) -> Iterator[Callable[[str, int, dict[str, Any]], None]]:
    """Events of a run as a bar with accuracy beside chance and raw seconds per second; warnings stay on the screen."""
    from torchcpc.commands.progress import bar, console

    with bar("training") as show:
        note = ""

        def on_event(event: str, step: int, metrics: dict[str, Any]) -> None:
            nonlocal note
            if event == "vocabulary":
                show(step, metrics["documents"], "documents read for the vocabulary")
                return
            if event == "train":
                speed = metrics["steps_per_second"] * float(metrics["positions"]) / rate
                ks = list(zip(metrics["horizons"], metrics["accuracy_per_k"].tolist(), strict=True))
                shown = " ".join(f"{k}:{accuracy:.0%}" for k, accuracy in (ks[0], ks[len(ks) // 2], ks[-1]))
                chance = float(metrics["chance_per_k"].nanmean())
                note = f"loss {float(metrics['loss']):.2f} nats, accuracy at k {shown} (chance {chance:.1%}), {speed:.0f} s/s"
            elif event == "valid":
                ceiling = sum(metrics["ceiling_per_k"]) / len(metrics["ceiling_per_k"])
                accuracy = " ".join(f"{k}:{a:.0%}" for k, a in zip(metrics["horizons"], metrics["accuracy_per_k"], strict=True))
                chance = sum(metrics["chance_per_k"]) / len(metrics["chance_per_k"])
                console.print(
                    f"update {step}: validation bound {metrics['bound']:.3f} of at most {ceiling:.2f} nats; "
                    f"accuracy at k {accuracy} (chance {chance:.1%})"
                )
            elif event == "warning":
                console.print(f"[yellow]warning[/] at update {step}: {metrics['reason']}")
            show(step, total, note)

        yield on_event

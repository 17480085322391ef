"""`cpc embed RUN DATA -o FILE`: the representations, per step or pooled per source, as parquet or npz."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("data", nargs="*", metavar="DATA", help="folders or manifests (default: the data of the run)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="FILE.parquet or FILE.npz")
    parser.add_argument("--per", choices=("step", "source"), default="step", help="a row per step, or one per source (mean)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import bar, console
    from torchcpc.commands.sources import open_sources, roots_of
    from torchcpc.representations.embed import embed_all
    from torchcpc.representations.files import clock, source_rows, step_rows, write
    from torchcpc.runs.saved import from_pretrained

    model, config = from_pretrained(arguments.run)
    sources = open_sources(config["data"], arguments.data or roots_of(arguments.run))
    keys = [item.key for item in sources.items]
    with bar("embedding") as show:
        count = write(
            arguments.out,
            embed_all(model.to(arguments.device), sources, device=arguments.device, progress=show),
            keys,
            rows={"step": step_rows, "source": source_rows}[arguments.per],
            when=clock(sources, model.encoder.stride),
        )
    console.print(f"{count} rows (z: {model.encoder.dim}, c: {model.context.dim}) of {len(keys)} sources in {arguments.out}")

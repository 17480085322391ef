"""`cpc export RUN -o model.onnx`: the trained encoder and context as one ONNX file, for programs without Python or torch."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run folder, saved model folder, or Hub repository id")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="FILE.onnx")


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.progress import console
    from torchcpc.contracts import CPCError
    from torchcpc.runs.onnx import export_onnx
    from torchcpc.runs.saved import from_pretrained

    if arguments.out.suffix != ".onnx":
        raise CPCError(f"{arguments.out}: the file is ONNX. Give it a name that ends in .onnx.")
    model, config = from_pretrained(arguments.run)
    export_onnx(model, arguments.out, names={part: config[part]["name"] for part in ("encoder", "context")})
    row = ", ".join(["batch", "positions", *map(str, model.encoder.row_shape)])
    console.print(
        f"x [{row}] float32 -> z [batch, steps, {model.encoder.dim}], c [batch, steps, {model.context.dim}], a step every "
        f"{model.encoder.stride} positions, in {arguments.out}",
        markup=False,
    )

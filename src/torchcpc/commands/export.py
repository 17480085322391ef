"""`cpc export RUN -o model.onnx`: write the trained encoder and context network to an ONNX file."""

import argparse

from torchcpc.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the trained encoder and context network to one ONNX file. Use it to run the model in a program without Python or "
        "PyTorch. It needs the package onnx."
    )
    parser.add_argument("run", metavar="RUN", help=options.RUN)
    options.out(parser, "File for the model, which ends in .onnx.", required=True, suffixes=(".onnx",))


def run(arguments: argparse.Namespace) -> None:
    from torchcpc.commands.terminal import load, note

    run = load(arguments)
    run.export(arguments.out)
    encoder, context = run.model.encoder, run.model.context
    row = ", ".join(["batch", "positions", *map(str, encoder.row_shape)])
    note(
        f"x [{row}] float32 -> z [batch, steps, {encoder.dim}], c [batch, steps, {context.dim}], a step every {encoder.stride} "
        f"positions, in {arguments.out}"
    )

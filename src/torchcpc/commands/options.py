"""Options that several commands share, and the former names of options."""

import argparse
import os
from pathlib import Path
from typing import Any

from torchcpc.atomic import check_suffix, check_writable
from torchcpc.contracts import CPCError

RUN = "Run folder, saved model folder, or id of a repository on the Hugging Face Hub."

# Old spelling -> the current spelling, for each command ("" for all commands).
RENAMED: dict[str, dict[str, str]] = {
    "": {
        "--also": "--seed-runs",
        "--choose-by": "--select-by",
        "--choose-across": "--validate-across",
        "--proposal": "--marginal",
    },
    "probe": {"--leave-out": "--test-on", "--each-event": "--per-event"},
    "segment": {"--share": "--peak-quantile"},
    "score": {
        "--rank": "`cpc rank RUN --step`",
        "--context": "`cpc rank RUN --context`",
        "--candidates": "`cpc rank RUN --candidates-file`",
    },
}
# Commands whose -o names a folder.
FOLDERS = ("train", "expand", "demo")
RENAMED_COMMANDS = {"course": "timeline"}


def renamed(argv: list[str]) -> str:
    """Return the sentence that refuses an old name among the arguments, or an empty text."""
    command = next((word for word in argv if not word.startswith("-")), "")
    if command in RENAMED_COMMANDS:
        return f"`cpc {command}` is `cpc {RENAMED_COMMANDS[command]}` now."
    known = RENAMED[""] | RENAMED.get(command, {})
    old = next((word.partition("=")[0] for word in argv if word.partition("=")[0] in known), "")
    return f"{old} is {known[old]} now." if old else ""


# Name, type, default, name of the value, help. A list has the type (type, nargs), with argparse's nargs.
Option = tuple[str, type | tuple[type, str], object, str, str]
SEED_RUNS: Option = ("seed-runs", (str, "+"), [], "RUN", "Average the table over these runs of other seeds, too.")
PARTITION: tuple[Option, ...] = (
    ("samples", int, 4096, "M", "Estimate log Z from M samples of the marginal distribution."),
    (
        "marginal",
        str,
        None,
        "NAME",
        "Marginal distribution: all for I(x; c), or same_group for I(x; c | group) (default: as the run was trained).",
    ),
    ("correction", str, "delta", "NAME", "Bias correction of log Z: delta, jackknife or none."),
)


FORMAT: Option = ("format", str, "text", "NAME", "Format of the table: text, csv, markdown or json.")


def add(parser: argparse.ArgumentParser, *rows: Option) -> None:
    """Add an option --NAME for each row. Its help ends with the default, unless that is empty."""
    for name, kind, default, metavar, text in rows:
        flag, (kind, nargs) = f"--{name}", kind if isinstance(kind, tuple) else (kind, None)
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            text = f"{text.removesuffix('.')} (default: %(default)s)." if default else text
            parser.add_argument(flag, type=kind, nargs=nargs, default=default, metavar=metavar, help=text)


def run(parser: argparse.ArgumentParser, *, data: str = "what the run held out") -> None:
    """Add RUN, DATA and --device.

    Args:
        parser: Parser of the command.
        data: Which data the command uses if DATA is not given. The help says so.
    """
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("data", nargs="*", metavar="DATA", help=f"Folders or manifests of the data (default: {data}).")
    add(parser, ("device", str, "cpu", "NAME", "Device that runs the model, such as cpu or cuda."))


def out(
    parser: argparse.ArgumentParser, help: str, *, required: bool = False, metavar: str = "FILE", suffixes: tuple[str, ...] = ()
) -> None:
    """Add -o.

    Args:
        parser: Parser of the command.
        help: Help text of the option.
        required: Whether the option must be given.
        metavar: Name of the value in the help.
        suffixes: Suffixes that the file may have. They are checked before torch is loaded.
    """
    parser.set_defaults(suffixes=suffixes)
    parser.add_argument("-o", "--out", type=Path, required=required, metavar=metavar, help=help)


def check_paths(arguments: argparse.Namespace) -> None:
    """Check that the data exist and that the outputs can be written.

    This happens before torch is loaded, so that a wrong path does not cost hours of work.

    Raises:
        CPCError: For data that do not exist, and for an output that cannot be written.
    """
    given = vars(arguments)
    for root in (*(given.get("data") or ()), *(given.get("test_data") or ())):
        # Path.exists raises an error for an impossible name, where os.path.exists returns False.
        if not os.path.exists(root):
            raise CPCError(f"{root} does not exist. Check the path.")
    if (out := given.get("out")) is not None:
        if given.get("suffixes"):
            check_suffix(out, arguments.suffixes)
        check_writable(out / "config.json" if arguments.command in FOLDERS else out)
    check_writable(given.get("picture"))


def values(arguments: argparse.Namespace, *rows: Option) -> dict[str, Any]:
    """Return the values of the options that `add` declared, under their Python names."""
    names = [name.replace("-", "_") for name, *_ in rows]
    return {name: getattr(arguments, name) for name in names}

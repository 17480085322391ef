"""Options that several commands share, and the names that options had before."""

import argparse
import os
from pathlib import Path
from typing import Any

from torchcpc.atomic import check_suffix, check_writable
from torchcpc.contracts import CPCError

RUN = "run folder, saved model folder, or Hub repository id"

# Old spelling -> what to write now, by command ("" for all).
RENAMED: dict[str, dict[str, str]] = {
    "": {"--also": "--seed-runs", "--choose-by": "--select-by", "--choose-across": "--validate-across"},
    "probe": {"--leave-out": "--test-on", "--each-event": "--per-event"},
    "segment": {"--share": "--peak-quantile"},
    "score": {
        "--rank": "`cpc rank RUN --step`",
        "--context": "`cpc rank RUN --context`",
        "--candidates": "`cpc rank RUN --candidates-file`",
    },
}
# Commands whose -o is a folder.
FOLDERS = ("train", "expand", "demo")
RENAMED_COMMANDS = {"course": "timeline"}


def renamed(argv: list[str]) -> str:
    """The sentence that refuses an old name among the arguments, or nothing."""
    command = next((word for word in argv if not word.startswith("-")), "")
    if command in RENAMED_COMMANDS:
        return f"`cpc {command}` is `cpc {RENAMED_COMMANDS[command]}` now."
    known = RENAMED[""] | RENAMED.get(command, {})
    old = next((word.partition("=")[0] for word in argv if word.partition("=")[0] in known), "")
    return f"{old} is {known[old]} now." if old else ""


# name, type (with how many, as argparse's nargs, where it is a list), default, name of the value, help
Option = tuple[str, type | tuple[type, str], object, str, str]
SEED_RUNS: Option = ("seed-runs", (str, "+"), [], "RUN", "runs of other seeds; their numbers are averaged into the table")
PARTITION: tuple[Option, ...] = (
    ("samples", int, 4096, "M", "marginal samples for log Z"),
    (
        "proposal",
        str,
        None,
        "NAME",
        "all estimates I(x; c), same_group estimates I(x; c | group) (default: as the run was trained)",
    ),
    ("correction", str, "delta", "NAME", "bias correction of log Z: delta, jackknife, none"),
)


FORMAT: Option = ("format", str, "text", "NAME", "of the table: text, csv, markdown, json")


def add(parser: argparse.ArgumentParser, *rows: Option) -> None:
    """Adds --NAME for each row; its help names a default that is not empty."""
    for name, kind, default, metavar, text in rows:
        flag, (kind, nargs) = f"--{name}", kind if isinstance(kind, tuple) else (kind, None)
        if kind is bool:
            parser.add_argument(flag, action="store_true", help=text)
        else:
            text += " (default: %(default)s)" * bool(default)
            parser.add_argument(flag, type=kind, nargs=nargs, default=default, metavar=metavar, help=text)


def run(parser: argparse.ArgumentParser, *, data: str = "what the run held out") -> None:
    """RUN, DATA and --device. data: what stands in for DATA by default."""
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("data", nargs="*", metavar="DATA", help=f"folders or manifests (default: {data})")
    add(parser, ("device", str, "cpu", "NAME", "cpu, cuda, ..."))


def out(
    parser: argparse.ArgumentParser, help: str, *, required: bool = False, metavar: str = "FILE", suffixes: tuple[str, ...] = ()
) -> None:
    """-o. suffixes: those that a file must have, which are checked before torch is loaded."""
    parser.set_defaults(suffixes=suffixes)
    parser.add_argument("-o", "--out", type=Path, required=required, metavar=metavar, help=help)


def check_paths(arguments: argparse.Namespace) -> None:
    """Refuses data that are not there and places that cannot be written, before torch is loaded and hours of work are done."""
    given = vars(arguments)
    for root in (*(given.get("data") or ()), *(given.get("test_data") or ())):
        # os.path and not Path: a name that cannot be is a name of nothing, instead of raised.
        if not os.path.exists(root):
            raise CPCError(f"{root} does not exist. Check the path.")
    if (out := given.get("out")) is not None:
        if given.get("suffixes"):
            check_suffix(out, arguments.suffixes)
        check_writable(out / "config.json" if arguments.command in FOLDERS else out)
    check_writable(given.get("picture"))


def values(arguments: argparse.Namespace, *rows: Option) -> dict[str, Any]:
    """What was given for the options of `add`, by the names of Python."""
    names = [name.replace("-", "_") for name, *_ in rows]
    return {name: getattr(arguments, name) for name in names}

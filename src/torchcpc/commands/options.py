"""Options that several commands share, and the names that options had before."""

import argparse
from pathlib import Path
from typing import Any

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
RENAMED_COMMANDS = {"course": "timeline"}


def renamed(argv: list[str]) -> str:
    """The sentence that refuses an old name among the arguments, or nothing."""
    command = next((word for word in argv if not word.startswith("-")), "")
    if command in RENAMED_COMMANDS:
        return f"`cpc {command}` is `cpc {RENAMED_COMMANDS[command]}` now."
    known = RENAMED[""] | RENAMED.get(command, {})
    old = next((word.partition("=")[0] for word in argv if word.partition("=")[0] in known), "")
    return f"{old} is {known[old]} now." if old else ""


def run(parser: argparse.ArgumentParser, *, data: str = "what the run held out") -> None:
    """RUN, DATA and --device. data: what stands in for DATA by default."""
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("data", nargs="*", metavar="DATA", help=f"folders or manifests (default: {data})")
    device(parser)


def device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: %(default)s)")


def out(parser: argparse.ArgumentParser, help: str, *, required: bool = False, metavar: str = "FILE") -> None:
    parser.add_argument("-o", "--out", type=Path, required=required, metavar=metavar, help=help)


def seed_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed-runs",
        nargs="+",
        default=[],
        metavar="RUN",
        help="runs of other seeds; their numbers are averaged into the table",
    )


def partition(parser: argparse.ArgumentParser, *, samples: int = 4096) -> None:
    """How log Z is estimated."""
    parser.add_argument(
        "--samples", type=int, default=samples, metavar="M", help="marginal samples for log Z (default: %(default)s)"
    )
    parser.add_argument(
        "--proposal", help="all estimates I(x; c), same_group estimates I(x; c | group) (default: as the run was trained)"
    )
    parser.add_argument(
        "--correction", default="delta", help="bias correction of log Z: delta, jackknife, none (default: %(default)s)"
    )


def partition_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of `partition` by name."""
    return {"samples": arguments.samples, "proposal": arguments.proposal, "correction": arguments.correction}

"""The command line. Each command is a module whose heavy imports wait until it runs, so `cpc --help` answers at once."""

import argparse
import os
import re
import signal
import sys
import threading
from importlib import import_module

from torchcpc import __version__
from torchcpc.contracts import CPCError, printable
from torchcpc.progress import TERMINAL
from torchcpc.signals import Terminated, terminate

COMMANDS = {
    "recipes": "list the recipes to train by, or print one with every setting explained",
    "train": "learn representations from unlabelled sequences",
    "embed": "write the representations of a folder of sources to a file",
    "probe": "measure how well simple models read labels off the representations, compared with baselines",
    "score": "write log p(x | context) / p(x) in nats for every step ahead, calibrated",
    "rank": "measure how often the true future comes first among other candidates, or rank the candidates of one context",
    "timeline": "draw how expected each step of one source is, from its beginning to its end",
    "nearest": "find the sentences, or steps of any kind, that are most similar to a given one",
    "expand": "add words to a text model, taken from given word vectors",
    "anomalies": "score the surprise of every row of sensor series, with alarms above a quantile of normal rows",
    "information": "estimate the mutual information of contexts and the steps ahead, or of two arrays",
    "export": "write the trained encoder and context as one ONNX file",
    "segment": "find boundaries where a step fits badly to what came before, and compare them with known ones",
    "report": "build one self-contained HTML page about a run",
    "demo": "train, embed, probe and report on data that is at hand, in under two minutes",
}

_SETTING = re.compile(r"\w+\.\w+=")


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 done; 1 something the caller can mend (one line says what); 2 wrong usage; 130 interrupted and 143 terminated, with
    the work saved."""
    parser = argparse.ArgumentParser(
        prog="cpc", description="Contrastive Predictive Coding (arXiv:1807.03748): learn from many unlabelled sequences."
    )
    parser.add_argument("--version", action="version", version=f"torchcpc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    argv = sys.argv[1:] if argv is None else argv
    _refuse_old_names(parser, argv)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        # Only the command that was asked for is imported.
        if name in argv:
            import_module(f"torchcpc.commands.{name}").arguments(command)
    # Overrides may stand anywhere, which argparse's own positionals may not: behind an option that takes several words, too.
    takes = any(name in argv and each.get_default("assignments") is not None for name, each in commands.choices.items())
    given = [word for word in argv if takes and _SETTING.match(word) and not os.path.exists(word)]
    arguments, rest = parser.parse_known_args([word for word in argv if word not in given])
    if wrong := [word for word in rest if "=" not in word or word.startswith("-") or "assignments" not in arguments]:
        commands.choices[arguments.command].error(f"unrecognized arguments: {' '.join(wrong)}")
    arguments.assignments = given + rest
    return _run(arguments)


def _refuse_old_names(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    from torchcpc.commands.options import renamed

    if sentence := renamed(argv):
        parser.error(sentence)


def _run(arguments: argparse.Namespace) -> int:
    from torchcpc.commands.options import check_paths

    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, terminate)
    try:
        check_paths(arguments)
        with TERMINAL.working(f"cpc {arguments.command}"):
            import_module(f"torchcpc.commands.{arguments.command}").run(arguments)
    except CPCError as error:
        return _failed(arguments, "\n  ".join(map(printable, error.lines)))
    except MemoryError:
        return _failed(arguments, "this needs more memory than there is. Use less data at once, or a smaller model.")
    except KeyboardInterrupt:
        print(f"cpc {arguments.command}: interrupted; what was saved is kept", file=sys.stderr)
        return 130
    except Terminated:
        print(f"cpc {arguments.command}: terminated; what was saved is kept", file=sys.stderr)
        return 143
    except BrokenPipeError:
        return 0
    except OSError as error:  # a disk that fails in the middle of the work
        place = f"{error.filename}: " if error.filename else ""
        return _failed(
            arguments, printable(f"{place}{error.strerror or error}. Check the path and the disk, then run the command again.")
        )
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return 0


def _failed(arguments: argparse.Namespace, reason: str) -> int:
    print(f"cpc {arguments.command}: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""The command line `cpc`.

Each command is a module, imported only when it runs. So `cpc --help` answers at once.
"""

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
    "recipes": "list the recipes, or print one with every setting explained",
    "train": "train a model on unlabelled recordings, pictures, series or text",
    "embed": "write the representations of your data to a file",
    "probe": "measure how well labels can be predicted from the representations",
    "score": "score how well each future step fits its context, in nats",
    "rank": "measure how often the model ranks the true future first",
    "timeline": "plot how predictable one recording, series or text is over time",
    "nearest": "find the sentences or steps that are most similar to a given one",
    "expand": "add words to a text model, from a file of word vectors",
    "anomalies": "score how surprising each row of a sensor series is, and raise alarms",
    "information": "estimate mutual information, of past and future or of two arrays",
    "export": "write the encoder and the context network to an ONNX file",
    "segment": "find boundaries in a recording, and compare them with known ones",
    "report": "build the HTML report of a run",
    "demo": "run the whole workflow on small data, in under two minutes",
}

_SETTING = re.compile(r"\w+\.\w+=")


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        argv: The arguments. Default: those of the process.

    Returns:
        0 if the command succeeded. 1 for an error that the user can correct, which one line describes. 2 for wrong
        usage. 130 if interrupted and 143 if terminated, with all work saved.
    """
    parser = argparse.ArgumentParser(
        prog="cpc", description="Contrastive Predictive Coding (arXiv:1807.03748): learn from many unlabelled sequences."
    )
    parser.add_argument("--version", action="version", version=f"torchcpc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    argv = sys.argv[1:] if argv is None else argv
    _refuse_old_names(parser, argv)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        # Import only the command that runs.
        if name in argv:
            import_module(f"torchcpc.commands.{name}").arguments(command)
    # Overrides may follow any argument, even an option that takes several words. argparse does not allow that for positionals.
    takes = any(name in argv and each.get_default("assignments") is not None for name, each in commands.choices.items())
    given = [word for word in argv if takes and _SETTING.match(word) and not os.path.exists(word)]
    arguments, rest = parser.parse_known_args([word for word in argv if word not in given])
    if wrong := [word for word in rest if "=" not in word or word.startswith("-") or "assignments" not in arguments]:
        commands.choices[arguments.command].error(f"unrecognized arguments: {' '.join(wrong)}")
    arguments.assignments = given + rest
    return _run(arguments)


def _refuse_old_names(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Exit with a message if an argument has an old name."""
    from torchcpc.commands.options import renamed

    if sentence := renamed(argv):
        parser.error(sentence)


def _run(arguments: argparse.Namespace) -> int:
    """Run the command and turn its exceptions into messages and exit codes."""
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
    except OSError as error:  # a disk that fails during the work
        place = f"{error.filename}: " if error.filename else ""
        return _failed(
            arguments, printable(f"{place}{error.strerror or error}. Check the path and the disk, then run the command again.")
        )
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return 0


def _failed(arguments: argparse.Namespace, reason: str) -> int:
    """Print why the command failed, and return 1."""
    print(f"cpc {arguments.command}: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

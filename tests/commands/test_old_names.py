"""Commands and options that bore other names before: each is refused with the name it has now."""

from __future__ import annotations

import argparse
from importlib import import_module

import pytest

from torchcpc.cli import COMMANDS, main
from torchcpc.commands.options import RENAMED, RENAMED_COMMANDS

# What every release before this one was called; the table in the package must hold all of it.
OLD = {
    ("probe", "--also"): "--seed-runs",
    ("rank", "--also"): "--seed-runs",
    ("segment", "--also"): "--seed-runs",
    ("probe", "--choose-by"): "--select-by",
    ("probe", "--choose-across"): "--validate-across",
    ("probe", "--leave-out"): "--test-on",
    ("probe", "--each-event"): "--per-event",
    ("segment", "--share"): "--peak-quantile",
    ("score", "--proposal"): "--marginal",
    ("information", "--proposal"): "--marginal",
    ("timeline", "--proposal"): "--marginal",
    ("anomalies", "--proposal"): "--marginal",
    ("score", "--rank"): "cpc rank RUN --step",
    ("score", "--context"): "cpc rank RUN --context",
    ("score", "--candidates"): "cpc rank RUN --candidates-file",
}
OLD_COMMANDS = {"course": "timeline"}


def options_of(command: str) -> set[str]:
    parser = argparse.ArgumentParser()
    import_module(f"torchcpc.commands.{command}").arguments(parser)
    return set(parser._option_string_actions)


def refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what wrong usage says."""
    with pytest.raises(SystemExit) as caught:
        main(argv)
    out, err = capsys.readouterr()
    assert caught.value.code == 2 and out == "" and "usage: cpc" in err
    return err.splitlines()[-1]


def test_the_table_of_old_names_is_whole() -> None:
    table = {(command, old): new for command, names in RENAMED.items() for old, new in names.items()}
    for (command, old), new in OLD.items():
        assert new in (table.get((command, old)) or table["", old])
    assert set(table) <= {*OLD, *(("", old) for _, old in OLD)}
    assert RENAMED_COMMANDS == OLD_COMMANDS


@pytest.mark.parametrize(("command", "old"), OLD)
@pytest.mark.parametrize("joined", [False, True])
def test_an_old_option_is_refused_and_names_the_new_one(
    command: str, old: str, joined: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [command, "run", "data", *([f"{old}=x"] if joined else [old, "x"])]
    said = refused(argv, capsys)
    assert f"{old} is" in said and OLD[command, old] in said and said.endswith(" now.")
    assert old not in options_of(command), "it is still there"
    new = OLD[command, old].split()
    taker, option = (new[1], new[-1]) if new[0] == "cpc" else (command, new[-1])
    assert option in options_of(taker), "the new one is not there"


@pytest.mark.parametrize("old", OLD_COMMANDS)
def test_an_old_command_is_refused_and_names_the_new_one(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused([old, "run", "-o", "x.svg"], capsys)
    assert f"`cpc {old}`" in said and f"`cpc {OLD_COMMANDS[old]}`" in said
    assert old not in COMMANDS and OLD_COMMANDS[old] in COMMANDS


def test_an_option_that_kept_its_name_in_another_command_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """`cpc score --candidates` is `cpc rank --candidates-file` now, and `cpc rank --candidates` is what it was."""
    seen: list[argparse.Namespace] = []
    monkeypatch.setattr(import_module("torchcpc.commands.rank"), "run", seen.append)
    assert main(["rank", "run", "--candidates", "7"]) == 0
    assert main(["rank", "run", "--context", "a.txt", "--candidates-file", "b.txt"]) == 0
    assert seen[0].candidates == 7 and str(seen[1].candidates_file) == "b.txt"

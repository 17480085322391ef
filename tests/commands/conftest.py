"""Recordings, a trained run and refusals for the tests of every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import bigrams
from tests.commands.tiny import make_recordings, train
from torchcpc.cli import main


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps the scans of these tests out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, recordings: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a"
    assert train(folder, recordings) == 0
    return folder


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of a world of known bigrams."""
    return bigrams.write(tmp_path_factory.mktemp("world") / "documents")


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory, walks: Path) -> Path:
    """A run on them."""
    folder = tmp_path_factory.mktemp("runs") / "bigrams"
    assert bigrams.train(folder, walks) == 0
    return folder


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]):
    """Runs a command that must fail with exit code 1, nothing on standard output and no traceback; returns what it said."""

    def run(*argv: str | Path) -> str:
        capsys.readouterr()
        assert main([str(word) for word in argv]) == 1
        out, err = capsys.readouterr()
        # What is worth a note may have been said before; the fault is what ends it.
        begin = max(("\n" + err).rfind(f"\ncpc {argv[0]}: "), 0)
        assert out == "" and "Traceback" not in err and err[begin:].startswith(f"cpc {argv[0]}: ") and err.endswith("\n")
        return err[begin:]

    return run

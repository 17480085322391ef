"""Names of data that no file system has."""

from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.runs.open_sources import named_roots


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_is_no_path_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(CPCError, match="cannot be the names of data: .*Correct them"):
        named_roots([name])


def test_roots_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named_roots("a") == [str(tmp_path.resolve() / "a")] and named_roots(None) == []

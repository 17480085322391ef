"""Fixtures that every room's tests may use."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conformance.worlds import WORLDS, World


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings kept beside a checkout by developers; the project does without them elsewhere."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared development data is not beside this checkout")
    return folder


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """A world by the name of its reader, made when it is first asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield cache(lambda name: WORLDS[name](tmp_path_factory.mktemp(name)))

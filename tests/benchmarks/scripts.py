"""The scripts of benchmarks/, imported as they run: their folder is first on the path."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(*names: str) -> list[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return [importlib.import_module(name) for name in names]

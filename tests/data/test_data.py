"""The names that the package `data` offers, each loaded when it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from torchcpc import data


def test_every_name_is_offered_and_no_other() -> None:
    for name in dir(data):
        assert getattr(data, name).__name__ == name
    assert {"scan", "scan_images", "scan_series", "scan_texts", "cases", "digits", "simulate"} <= set(dir(data))
    with pytest.raises(AttributeError, match="no attribute 'skan'"):
        _ = data.skan


@pytest.mark.parametrize(("name", "heavy"), [("scan", {"soundfile", "soxr"}), ("scan_images", {"PIL"}), ("scan_series", set())])
def test_a_reader_loads_only_the_libraries_that_it_needs(name: str, heavy: set[str]) -> None:
    watched = "'soundfile', 'soxr', 'PIL', 'pyarrow', 'sklearn', 'scipy', 'tokenizers', 'torch'"
    code = f"import sys; from torchcpc.data import {name}; print(*(m for m in [{watched}] if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(loaded.split()) == heavy

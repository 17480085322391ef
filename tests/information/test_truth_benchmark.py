"""The figures of benchmarks/truth.py on scores whose faults are planted."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def truth():
    path = Path(__file__).parents[2] / "benchmarks" / "truth.py"
    spec = importlib.util.spec_from_file_location("truth_benchmark", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_verdict_names_what_is_off(truth):
    good = {"bounds": {2: (0.5, 0.5, 0.001)}, "slope": 1.0, "r2": 0.99, "rmse": 0.1, "mi": 0.5, "truth": 0.52}
    assert truth.verdict(good) == []
    bad = {"bounds": {2: (0.5, 0.6, 0.001)}, "slope": 0.9, "r2": 0.9, "rmse": 0.2, "mi": 0.5, "truth": 0.6}
    assert truth.verdict(bad) == ["N=2", "slope", "R2", "RMSE", "MI"]

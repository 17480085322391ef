"""The page for readers of the paper: its numbers are those that were measured, its figures are there, and what it says holds."""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

DOCS = Path(__file__).parents[1] / "docs"
SMALL = {"updates": 80, "samples": 512, "oracle": 2000, "rows": 20_011, "repeats": 20}


@pytest.fixture(scope="module")
def make():
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("make_figures")
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture(scope="module")
def small(make):
    return make.rounded(make.measure(**SMALL))


@pytest.fixture(scope="module")
def committed():
    return json.loads((DOCS / "figures" / "numbers.json").read_text(encoding="utf8"))


def test_the_page_holds_the_measured_numbers(make, committed):
    assert make.PAGE.read_text(encoding="utf8") == make.words(committed)


def test_the_page_links_to_what_exists(make):
    text = make.PAGE.read_text(encoding="utf8")
    for link in re.findall(r"\]\(((?!https?:)[^)#]+)", text):
        assert (DOCS / link).is_file(), link
    assert set(re.findall(r"figures/(\w+)\.svg", text)) == set(make.FIGURES)
    assert "for-readers-of-the-paper.md" in (DOCS.parent / "README.md").read_text(encoding="utf8")


def test_the_figures_are_drawn_and_the_same_twice(make, small, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        make.draw(folder, small)
    for name in make.FIGURES:
        drawn = (tmp_path / "a" / f"{name}.svg").read_bytes()
        assert drawn == (tmp_path / "b" / f"{name}.svg").read_bytes()
        ElementTree.fromstring(drawn)
        ElementTree.parse(DOCS / "figures" / f"{name}.svg")


def test_each_softmax_leaves_its_own_freedom(small, committed):
    """Over targets: flat along x only. Over contexts: flat along c only. Both: flat along either. Even after a few updates."""
    for found in (small["gauge"], committed["gauge"]):
        assert found["targets"]["along x"] < 0.5 * found["targets"]["along c"]
        assert found["contexts"]["along c"] < 0.5 * found["contexts"]["along x"]
        assert max(found["both"]["along x"], found["both"]["along c"]) < 0.5 * found["targets"]["along c"]
        assert found["targets"]["rmse"] < 0.3 * found["contexts"]["rmse"]


def test_the_oracle_on_the_page_is_below_both_of_its_limits(small, committed):
    for found in (small["cap"], committed["cap"]):
        for pairs, name in ((1, "1 pair"), (4, "4 pairs"), (10, "10 pairs")):
            own, information = found[name], -0.5 * pairs * math.log(1 - 0.81)
            assert own["information"] == pytest.approx(information, abs=1e-4)
            for N, value, error in zip(found["candidates"], own["value"], own["error"], strict=True):
                assert value < math.log(N) and value < information + 4 * error
    # The published simulation of four pairs at N = 8 and N = 128.
    assert committed["cap"]["4 pairs"]["value"][1::2] == pytest.approx([1.775, 3.018], abs=0.05)


def test_false_negatives_bend_the_ratio_as_the_formula_says(make, small, committed):
    for found in (small["false"], committed["false"]):
        for share, points in found.items():
            for true, learned in points:
                assert learned == pytest.approx(make.demonstrations.diluted(true, float(share)), abs=0.25)
                assert learned < -math.log(float(share)) + 0.25
    assert make.demonstrations.diluted(math.log(100), 0.01) == pytest.approx(math.log(100 / 1.99))


def test_the_logarithm_is_too_low_by_half_the_chi_square(committed):
    found = committed["partition"]
    grid = np.linspace(-12, 12, 40_001)
    for c in (0.0, 1.5):
        own = found[f"{c:g}"]
        log_p = -0.5 * grid**2 - 0.5 * math.log(2 * math.pi)
        log_pc = -0.5 * (grid - 0.9 * c) ** 2 / 0.19 - 0.5 * math.log(2 * math.pi * 0.19)
        chi2 = np.exp(2 * log_pc - log_p).sum() * (grid[1] - grid[0]) - 1
        assert own["chi2"] == pytest.approx(chi2, rel=1e-3)
        # First order, so where it is small.
        assert own["none"][-1] == pytest.approx(-chi2 / (2 * found["sizes"][-1]), abs=4 * own["error"][-1])
        assert abs(own["delta"][1]) < abs(own["none"][1])


def test_damage_to_targets_costs_what_it_must(committed):
    found = committed["processing"]
    assert found["everything"]["known"] == pytest.approx(-0.5 * math.log(0.19), abs=1e-4)
    rng = np.random.default_rng(0)
    c = rng.standard_normal(400_000)
    sign = np.sign(0.9 * c + math.sqrt(0.19) * rng.standard_normal(len(c)))
    # Second route to the sign: how often it agrees with that of c, in bins of c.
    edges = np.quantile(c, np.linspace(0, 1, 201)[1:-1])
    up = np.bincount(np.searchsorted(edges, c), sign > 0) / np.bincount(np.searchsorted(edges, c))
    inner = up[(up > 0) & (up < 1)]
    entropy = -(inner * np.log(inner) + (1 - inner) * np.log(1 - inner)).sum() / len(up)
    assert found["the sign of x"]["known"] == pytest.approx(math.log(2) - entropy, abs=0.01)
    for name in ("everything", "x with noise of variance 1", "the sign of x"):
        assert found[name]["pmi"] == pytest.approx(found[name]["known"], abs=3 * found[name]["error"] + 0.03)
        assert found[name]["bound"] < found[name]["known"] + 0.03


def test_one_matrix_cannot_serve_all_steps(committed):
    found = committed["steps"]
    for own, shared, oracle in zip(found["own"], found["shared"], found["oracle"], strict=True):
        assert shared < own - 0.1 and abs(own - oracle) < 0.1

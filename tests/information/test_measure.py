"""The information table, the pairs behind it and the profiles of scores, on AR(1) sources with the exact model and a gauge."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.information.trained import trained
from tests.truth.gaussian import exact_model
from tests.truth.gaussian import information as truth
from torchcpc.contracts import CPCError, silent
from torchcpc.data.arrays import Arrays, Item
from torchcpc.information.candidates import score_profiles
from torchcpc.information.measure import measure, measure_horizons
from torchcpc.information.result import InformationTable
from torchcpc.information.scoring import SampleSpec, marginal, score_pairs
from torchcpc.model import CPCModel
from torchcpc.representations.embed import steps_of
from torchcpc.results import Interval
from torchcpc.runs.run import PartitionSplit

PHI, HORIZONS, STEPS = 0.8, 3, 29


def process(count: int, seed: int) -> Arrays:
    """`count` sources of `STEPS` steps of a stationary AR(1) process, in two groups."""
    noise = np.random.default_rng(seed).normal(size=(count, STEPS))
    x = noise.copy()
    for t in range(1, STEPS):
        x[:, t] = PHI * x[:, t - 1] + math.sqrt(1 - PHI**2) * noise[:, t]
    return Arrays([row[:, None].astype(np.float32) for row in x], [Item(f"s{i}", "ab"[i % 2]) for i in range(count)])


@pytest.fixture(scope="module")
def model() -> CPCModel:
    made = exact_model(PHI, horizons=HORIZONS)
    made.predictor.weight.data[:, 0, 1] += 2.5  # a gauge that depends on c
    return made.eval()


@pytest.fixture(scope="module")
def sources() -> Arrays:
    return process(401, seed=0)


@pytest.fixture(scope="module")
def measured(model: CPCModel, sources: Arrays) -> InformationTable:
    sample = marginal(model, sources, list(range(201)), SampleSpec(3001))
    split = PartitionSplit(list(range(201)), list(range(201, 401)), "the sources named")
    return measure(trained(model), sources, split, sample)


def standard_error(result: Interval) -> float:
    return (result.high - result.low) / (2 * 1.96)


def slope_error(k: int, contexts: int, candidates: int, n: int = 701) -> float:
    """Standard error of the logistic slope of exact ratios: the sandwich of its estimating equations, on n fresh pairs; what
    varies is the contexts, each with its true future and all candidates, and the candidates, which all contexts share."""
    rng, rho = np.random.default_rng(k), PHI**k

    def ratio(x: np.ndarray, c: np.ndarray) -> np.ndarray:
        return truth(PHI, k) - (x - rho * c) ** 2 / (2 * (1 - rho**2)) + x**2 / 2

    c, noise, x = rng.standard_normal((3, n))
    joint_A, product_AM = ratio(rho * c + math.sqrt(1 - rho**2) * noise, c), ratio(x, c[:, None])
    j_A2, p_AM2 = (np.stack([values, np.ones_like(values)], axis=-1) for values in (joint_A, product_AM))
    said_A, said_AM = 1 / (1 + np.exp(-joint_A)), 1 / (1 + np.exp(-product_AM))
    curvature = np.einsum("a,ai,aj->ij", said_A * (1 - said_A), j_A2, j_A2) / n
    curvature += np.einsum("am,ami,amj->ij", said_AM * (1 - said_AM), p_AM2, p_AM2) / n**2
    pull_A2, pull_AM2 = (1 - said_A)[:, None] * j_A2, -said_AM[..., None] * p_AM2
    spread = np.cov((pull_A2 + pull_AM2.mean(1)).T) / contexts + np.cov(pull_AM2.mean(0).T) / candidates
    inverse = np.linalg.inv(curvature)
    return math.sqrt((inverse @ spread @ inverse)[0, 0])


def test_both_estimates_against_the_closed_form(measured: InformationTable) -> None:
    """Within 3 standard errors: at one in twenty, the 95 % interval itself would fail some horizon of every seventh seed."""
    for row in measured.rows:
        known = truth(PHI, row.k)
        assert abs(row.pmi.mean - known) < 3 * standard_error(row.pmi) and standard_error(row.pmi) < 0.08
        assert row.infonce.mean < known + 3 * standard_error(row.infonce)
        assert row.infonce.mean < row.ceiling == pytest.approx(math.log(3002))
        assert row.candidates == 3002
        assert row.n == 200 * (STEPS - row.k) and row.sources == 200 and row.dominated == 0
        assert row.checks is not None and row.checks.normalisation == pytest.approx(1, abs=0.1)
        # The checks take 512 contexts and 256 candidates: an error of 0.07 at k = 1, 0.1 at k = 3.
        assert row.checks.slope == pytest.approx(1, abs=3 * slope_error(row.k, 512, 256))
    assert (measured.estimand.name, measured.estimand.samples, measured.estimand.sources) == ("I(x; c)", 3001, 201)


def test_every_pair_against_a_loop(model: CPCModel, sources: Arrays) -> None:
    """PMI and InfoNCE pair by pair, the sample being of the very sources that are scored: each leaves its own source out."""
    few = sources.select(range(7))
    sample = marginal(model, few, list(range(7)), SampleSpec(97, correction="none"))
    for steps in steps_of(model, few, progress=silent):
        made = score_pairs(model, sample, steps)
        assert [each.horizon for each in made] == [0, 1, 2]
        np.testing.assert_array_equal(score_pairs(model, sample, steps, [1])[0].pmi, made[1].pmi)
        for each in made:
            k = each.horizon + 1
            assert each.step.tolist() == list(range(STEPS - k))
            others = sample.z_MD[sample.source_M != steps.source]
            for t in (0, 11, STEPS - k - 1):
                p = (model.predictor.weight[each.horizon] @ steps.c_TC[t]).detach()
                scores, own = others @ p, float(steps.z_TD[t + k] @ p)
                assert each.pmi[t] == pytest.approx(own - math.log(float(torch.exp(scores).mean())), abs=1e-4)
                total = float(torch.exp(scores).sum()) + math.exp(own)
                assert each.infonce[t] == pytest.approx(math.log(1 + len(others)) + own - math.log(total), abs=1e-4)
                assert each.candidates[t] == 1 + len(others)


def test_intervals_own_up_to_the_error_of_the_partition(
    model: CPCModel, sources: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few samples of few sources, the evaluated ones fixed: the estimate varies as much as the interval is wider than that of the
    bound, which holds evaluated sources only."""
    monkeypatch.setattr("torchcpc.information.measure._checks", lambda *given: None)
    estimates, stated = [], []
    for part in range(25):
        sample = marginal(model, sources, list(range(10 * part, 10 * part + 10)), SampleSpec(61, seed=part))
        row = measure_horizons(trained(model), sample, sources, list(range(300, 401, 5)))[0][0]
        estimates.append(row.pmi.mean)
        stated.append((row.pmi.high - row.pmi.low) ** 2 - (row.infonce.high - row.infonce.low) ** 2)
    assert 0.4 < math.sqrt(max(np.mean(stated), 0)) / 2 / 1.96 / np.std(estimates) < 2.5


def test_profiles_go_from_the_most_to_the_least_informative(model: CPCModel, sources: Arrays) -> None:
    """KL(N(phi c, 1 - phi^2) || N(0, 1)) in closed form for each context that is drawn; true futures hold their rank."""
    sample = marginal(model, sources, list(range(401)), SampleSpec(4001))
    kept = list(steps_of(model, sources.select(range(31)), progress=silent))
    keys = [item.key for item in sources.items]
    drawn = score_profiles(model, sample, kept, sources, index=0)
    assert [p.information for p in drawn] == sorted((p.information for p in drawn), reverse=True)
    for profile in drawn:
        x_T1 = sources.items[keys.index(profile.source)].values
        c, x = float(x_T1[profile.step, 0]), float(x_T1[profile.step + 1, 0])
        known = 0.5 * (-math.log(1 - PHI**2) - PHI**2 + PHI**2 * c**2)
        assert profile.information == pytest.approx(known, abs=0.15 + 0.1 * known)
        assert profile.rank[0] == 1 and profile.rank[-1] == profile.candidates <= 4001
        assert list(profile.pmi) == sorted(profile.pmi, reverse=True)
        exact = -0.5 * math.log(1 - PHI**2) - (x - PHI * c) ** 2 / (2 * (1 - PHI**2)) + x * x / 2
        assert profile.true_pmi == pytest.approx(exact, abs=0.2)


def test_what_cannot_be_measured_is_refused(model: CPCModel, sources: Arrays) -> None:
    sample = marginal(model, sources, list(range(11)), SampleSpec(101))
    with pytest.raises(CPCError, match="1 sources are both in the partition sample and evaluated"):
        measure_horizons(trained(model), sample, sources, [10, 11])
    short = Arrays([np.zeros((1, 1), np.float32)] * 20, [Item(f"t{i}", "a") for i in range(20)])
    held = marginal(model, short, list(range(10)), SampleSpec(10))
    with pytest.raises(CPCError, match="no evaluated source is longer than k = 1 steps"):
        measure_horizons(trained(model), held, short, [11, 12])
    with pytest.raises(CPCError, match="no source is longer than k = 1 steps"):
        score_profiles(model, held, list(steps_of(model, short, progress=silent)), short, index=0)
    with pytest.raises(CPCError, match="no step to draw marginal samples from"):
        marginal(model, sources, [], SampleSpec(10))
    with pytest.raises(CPCError, match="5 marginal samples: log Z needs at least 8"):
        marginal(model, sources, [0, 1], SampleSpec(5))
    alone = replace_groups(sources)
    within = marginal(model, alone, list(range(9)), SampleSpec(101, marginal="same_group"))
    with pytest.raises(CPCError, match="fewer than 8 marginal samples of group 1 from other sources"):
        measure_horizons(trained(model), within, alone, [9])


def replace_groups(sources: Arrays) -> Arrays:
    """Ten sources of which the last is alone in its group."""
    items = [replace(item, group="b" if i == 9 else "a") for i, item in enumerate(sources.items[:10])]
    return Arrays([item.values for item in items], items)

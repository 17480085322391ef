"""What is said beside calibrated scores of which training drew other candidates than calibration does."""

from __future__ import annotations

import pytest

from torchcpc.contracts import Estimand
from torchcpc.information.measure import FEW_EFFECTIVE, cautions
from torchcpc.scores import STRATEGIES

# The marginal that each strategy was trained for; None where no marginal draws its candidates.
MATCHES = {
    "mixed": "all",
    "mixed_excluding": "all",
    "mixed_excluding_stretch": None,
    "same_group": "same_group",
    "same_group_excluding": "same_group",
    "current_only": None,
}


def test_every_strategy_is_in_the_table() -> None:
    assert MATCHES.keys() == STRATEGIES.keys()


@pytest.mark.parametrize("strategy", MATCHES)
@pytest.mark.parametrize("marginal", ["all", "same_group"])
def test_another_marginal_than_training_is_said(strategy: str, marginal: str) -> None:
    said = cautions(Estimand("I(x; c)", marginal, 101, FEW_EFFECTIVE, "delta"), [], strategy)
    if MATCHES[strategy] == marginal:
        assert said == ()
    else:
        assert len(said) == 1 and f"candidates '{strategy}' and calibrated against '{marginal}'" in said[0]


def test_too_few_sources_are_said() -> None:
    (said,) = cautions(Estimand("I(x; c)", "all", 101, FEW_EFFECTIVE - 1, "delta"), [])
    assert f"{FEW_EFFECTIVE - 1} sources" in said

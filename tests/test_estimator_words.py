"""What an estimator says names its own parameters, and no setting of a recipe."""

from __future__ import annotations

import inspect
import math
import re

import pytest

import torchcpc
from torchcpc.contracts import CPCError
from torchcpc.estimator.words import PARAMETERS, REMEDIES, best_of, doubts, own_error, warning_of
from torchcpc.training.health import warnings

# A setting (section.name) or an option of a command.
FOREIGN = re.compile(r"\b(encoder|context|predictor|candidates|windows|split|training|data)\.\w+|--\w+|normalisation|warm-up")


def entry(step: int, bound: float, **more: float) -> dict:
    return {"step": step, "bound": bound, "ceiling_per_k": [5.0, math.nan], "rank_z": 9.0, "rank_c": 9.0, **more}


HISTORIES = {
    "chance-level plateau": [entry(n, 0.01) for n in range(3)],
    "collapse": [entry(3, 1.0, rank_z=1.3)],
    "saturation": [entry(3, 4.9)],
}


def test_every_parameter_that_is_named_exists() -> None:
    names = set(inspect.signature(torchcpc.CPC).parameters)
    assert set(PARAMETERS.values()) <= names and REMEDIES.keys() == HISTORIES.keys()
    for text in REMEDIES.values():
        assert not FOREIGN.search(text) and any(name in text for name in names)


@pytest.mark.parametrize("kind", HISTORIES)
def test_warnings_keep_their_fact_and_name_what_can_be_changed_here(kind: str) -> None:
    (reason,) = warnings(HISTORIES[kind])
    text = warning_of(reason, HISTORIES[kind])
    assert (
        text is not None
        and text.startswith(f"iteration {HISTORIES[kind][-1]['step']}: {kind}: ")
        and text.endswith(f". {REMEDIES[kind]}")
    )
    assert not FOREIGN.search(text) and re.findall(r"\d\.\d+", text) == re.findall(r"\d\.\d+", reason)
    assert FOREIGN.search(reason) or kind == "saturation"  # the check can fail


def test_a_network_that_fell_back_to_chance_is_told_of_once_and_at_the_end() -> None:
    history = [entry(0, 0.0), entry(40, 0.9), *(entry(n, 0.05) for n in (80, 120, 160))]
    (reason,) = warnings(history)
    assert reason.startswith("chance-level plateau") and warning_of(reason, history) is None
    assert len(list(doubts(history, 160))) == 1
    assert warning_of("untrained: no update beat it", history) is None


def test_refusals_name_the_parameters() -> None:
    diverged = (
        "diverged: the loss is nan and its gradient has norm nan at update 3; the last checkpoint is as it was. Lower "
        "training.learning_rate, set training.clip, or use --precision 32-true."
    )
    said = str(own_error(CPCError(diverged)))
    assert said == "diverged: the loss is nan and its gradient has norm nan at update 3. Lower learning_rate."
    for setting, name in PARAMETERS.items():
        assert str(own_error(CPCError(f"{setting} = 'x': no.", [f"lower {setting}"]))) == f"{name} = 'x': no.\n  lower {name}"


def test_a_training_is_judged_beside_the_untrained_network() -> None:
    def said(*bounds: float) -> str:
        return " ".join(doubts([entry(100 * n, bound) for n, bound in enumerate(bounds)], 100 * (len(bounds) - 1)))

    assert said(-0.02, 0.8, 1.1, 1.05) == ""
    assert "fell from 1.100 nats at iteration 200 to -1.480 at the end" in said(-0.02, 0.8, 1.1, 0.7, -1.48)
    assert "lower max_iter to about 200" in said(-0.02, 0.8, 1.1, 0.7, -1.48)
    assert "its bound is 0.100 nats, and -0.500 after 200 iterations" in said(0.1, 0.05, -0.5)
    assert "untrained weights are kept" in said(math.nan, math.nan)
    assert best_of([entry(0, math.nan), entry(1, -3.0), entry(2, -3.0)])["step"] == 1

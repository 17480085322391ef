"""Impossible settings are refused in one line that names them, before data are looked for; what is left can be trained with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from torchcpc.contracts import CPCError
from torchcpc.runs.build import schema
from torchcpc.runs.check_settings import check_seed, check_settings
from torchcpc.settings import Settings, load_recipe, override, resolve

# One recipe of each kind of data and of each encoder, small enough to be built a thousand times.
SMALL = {
    "speech": ["encoder.channels=7", "context.dim=5"],
    "speech-waveform": ["encoder.channels=7", "context.dim=5"],
    "pictures": ["encoder.width=8", "encoder.channels=[5, 7]", "encoder.inner=[3, 3]", "context.dim=5", "context.hidden=3"],
    "series": ["encoder.dim=7", "context.dim=5"],
    "series-ecg": ["encoder.dim=7", "context.dim=5"],
    "text": ["encoder.embedding=7", "encoder.dim=7", "context.dim=5", "encoder.vocabulary=11", "windows.length=6"],
    "digits": ["encoder.dim=7", "context.dim=5"],
    "synthetic-ar1": [],
}
HUGE = 10**9
VALUES = (-3, 0, 1, 2, HUGE, math.nan, math.inf, 0.5, "x", True, [], [0], [HUGE])


@cache
def settings_of(name: str) -> Settings:
    return resolve(override(load_recipe(name), SMALL[name]), schema())


def refused(recipe: dict[str, Any]) -> str:
    """Why these settings are refused; nothing where they are not."""
    try:
        check_settings(resolve(recipe, schema()))
    except CPCError as error:
        assert len(error.lines) == 1, error.lines
        return str(error)
    return ""


def changes(name: str) -> Iterator[tuple[str, str, object]]:
    for section, own in settings_of(name).items():
        for setting in own.keys() - {"name"}:
            yield from ((section, setting, value) for value in VALUES)


@pytest.mark.parametrize("name", SMALL)
def test_every_value_of_every_setting_is_taken_or_refused_by_name(name: str) -> None:
    base = settings_of(name)
    assert refused(base) == ""
    for section, setting, value in changes(name):
        said = refused({**base, section: {**base[section], setting: value}})
        assert not said or setting in said, f"{section}.{setting} = {value!r}: {said}"


@pytest.mark.parametrize("name", SMALL)
def test_no_number_below_its_range_is_taken(name: str) -> None:
    """Counts and sizes are none of them negative, endless, or words."""
    base = settings_of(name)
    for section, own in base.items():
        for setting, value in own.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                for wrong in (math.nan, math.inf, "x", [1], *([] if setting == "identity_scale" else [-3])):
                    said = refused({**base, section: {**own, setting: wrong}})
                    assert said.startswith(f"{section}.{setting} = "), (section, setting, wrong, said)


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (
            "speech",
            ["predictor.count=200"],
            "predictions reach 200 steps ahead, and a window (windows.length = 10,240) holds 64 steps",
        ),
        ("speech", ["predictor.count=200"], "Lower predictor.count to 63"),
        ("speech", ["predictor.first=64"], "Lower predictor.first"),
        ("pictures", ["predictor.count=7"], "Lower predictor.count to 5"),
        ("digits", ["predictor.count=8"], "Lower predictor.count to 7"),
        ("synthetic-ar1", ["windows.length=64", "predictor.count=40"], "holds 32 steps"),  # its sources have no more
        ("speech", ["windows.batch=12"], "windows.batch = 12 cannot be split into groups"),
        ("speech", ["windows.length=159"], "shorter than one step"),
        ("speech", ["split.validation=0"], "split.validation = 0: number, above 0 and below 1"),
        ("speech", ["split.validation=1"], "split.validation = 1"),
        ("speech", ['split.exclude=["speaker"]'], "expected column=value"),
        ("speech", ["data.sample_rate=8000"], "encoder.sample_rate = 16000, data.sample_rate = 8000"),
        ("speech", ["encoder.high=9000"], "half of sample_rate"),
        ("speech", ["candidates.count=2"], "candidates.count = 2: a pool so small"),
        ("speech", ["candidates.strategy=same_group_excluding", "windows.windows_per_group=1", "windows.batch=1"], "no other"),
        ("synthetic-ar1", ["windows.batch=1"], "candidates.strategy = 'mixed_excluding', windows.batch = 1"),
        ("synthetic-ar1", ["data.bits=3"], "data.bits = 3: positions of [4] values, and this encoder takes [1]"),
        ("digits", ["encoder.features=9"], "positions of [8] values, and this encoder takes [9] values (encoder.features = 9)"),
        ("digits", ["data.name=audio"], "data.name = 'audio': positions of one value"),
        ("pictures", ["data.size=16"], "data.size"),
        ("pictures", ["data.grey=true"], "data.grey = True: positions of [32, 1] values"),
        ("pictures", ["windows.length=16"], "windows.length = data.size"),
        ("pictures", ["encoder.blocks=[1]"], "blocks (1,), channels"),
        ("series", ["encoder.mean=[0.0]"], "one of each per channel"),
        ("speech", ["windows.batch=8000000"], "an update would take at least"),
        ("speech", ["context.dim=300000"], "the largest is context.dim = 300,000"),
        ("speech", ["predictor.identity_scale=1"], "identity_scale = 1.0"),
        ("text", ["data.width=0"], "data.width = 0"),
        (
            "speech",
            ["candidates.name=sampled", "candidates.count=65536", "windows.batch=8000"],
            "candidates.count = 65,536: the draws",
        ),
    ],
)
def test_settings_that_do_not_fit_each_other(name: str, changed: list[str], said: str) -> None:
    assert said in refused(override(settings_of(name), changed))


@pytest.mark.parametrize("seed", [-1, 1 << 63, 0.5, "x", True])
def test_seeds(seed: Any) -> None:
    with pytest.raises(CPCError, match="seed = "):
        check_seed(seed)


def test_a_check_neither_draws_from_torch_nor_changes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    state, before = torch.get_rng_state(), repr(settings_of("pictures"))
    check_settings(settings_of("pictures"))
    assert torch.equal(torch.get_rng_state(), state) and repr(settings_of("pictures")) == before

"""Sensor encoders: what is missing is masked and tells nothing, what is scaled is scaled as written down."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from torchcpc.contexts import NoContext
from torchcpc.contracts import CPCError, Window
from torchcpc.data.series.series import cases
from torchcpc.encoders import ENCODERS
from torchcpc.encoders.sensors import Observed
from torchcpc.model import CPCModel
from torchcpc.representations.embed import embed_all
from torchcpc.scores import Bilinear

SCALE = {"mean": [2.0, -3.0, 5.0], "scale": [0.5, 4.0, 10.0]}
BUILD = {
    "sensor_rows": lambda: ENCODERS["sensor_rows"](dim=7, hidden=11, **SCALE),
    "sensor_frames": lambda: ENCODERS["sensor_frames"](dim=7, kernels=(5, 3), strides=(3, 2), **SCALE),
}


def window(x: torch.Tensor) -> Window:
    number = torch.arange(len(x))
    return Window(x, number, number, torch.zeros_like(number), torch.full_like(number, x.shape[1]))


def test_observed_is_scaled_value_then_mask() -> None:
    x = torch.tensor([[[2.5, float("nan"), 5.0], [float("nan")] * 3]])
    expected = torch.tensor([[[1.0, 0.0, 0.0, 1, 0, 1], [0, 0, 0, 0, 0, 0]]])
    torch.testing.assert_close(Observed(**SCALE)(x), expected)


@pytest.mark.parametrize(("mean", "scale"), [([1.0], []), ([1.0], [-1.0]), ([1.0], [float("nan")])])
def test_scales_that_cannot_be_divided_by_are_refused(mean: list[float], scale: list[float]) -> None:
    with pytest.raises(CPCError, match=r"encoder\.mean of 1"):
        Observed(mean, scale)


@pytest.mark.parametrize("name", BUILD)
def test_rows_of_another_width_are_refused(name: str) -> None:
    with pytest.raises(CPCError, match=r"expected \[batch, rows, 3\]"):
        BUILD[name]()(torch.zeros(2, 13, 5))


@pytest.mark.parametrize("name", BUILD)
def test_a_missing_value_is_not_the_mean_and_gives_no_gradient(name: str) -> None:
    torch.manual_seed(0)
    encoder, x = BUILD[name](), torch.randn(2, 13, 3)
    gap, mean = x.clone(), x.clone()
    gap[0, 4, 1], mean[0, 4, 1] = float("nan"), SCALE["mean"][1]
    gap.requires_grad_()
    z = encoder(gap)
    assert z.isfinite().all() and not torch.equal(z[0], encoder(mean)[0]) and torch.equal(z[1], encoder(mean)[1])
    z.square().sum().backward()
    assert gap.grad.isfinite().all() and gap.grad[0, 4, 1] == 0
    assert all(p.grad.isfinite().all() for p in encoder.parameters())


@pytest.mark.parametrize(("name", "dead"), [("sensor_rows", [3, 4, 5]), ("sensor_frames", [])])
def test_steps_without_an_observation_are_no_targets(name: str, dead: list[int]) -> None:
    encoder, x = BUILD[name](), torch.zeros(2, 13, 3)
    x[0, 3:6] = float("nan")  # half of a frame of six rows
    valid = encoder.steps(window(x)).valid
    assert (~valid[0]).nonzero().flatten().tolist() == dead and valid[1].all()
    x[0, :6] = float("nan")
    assert (~encoder.steps(window(x)).valid[0]).nonzero().flatten().tolist() == list(range(6 // encoder.stride))


@pytest.mark.parametrize("name", BUILD)
def test_gaps_keep_their_place_in_embeddings(name: str) -> None:
    """Steps are counted by rows, whatever was observed in them, so that labels and times stay beside them."""
    encoder = BUILD[name]()
    model = CPCModel(encoder, NoContext(7), Bilinear(7, 7, count=2)).eval()
    rows = np.random.default_rng(0).normal(size=(2, 24, 3))
    rows[0, :7] = rows[0, 12:19] = rows[0, -1] = np.nan
    rows[0, -1, 0] = 0
    found = {e.source: e.z_TD for e in embed_all(model, cases([rows[0], rows[1, :13]]))}
    assert [len(found[i]) for i in range(2)] == [24 // encoder.stride, 13 // encoder.stride]
    pieces = torch.cat([torch.from_numpy(e.z_TD) for e in embed_all(model, cases([rows[0]]), positions_per_batch=12)])
    torch.testing.assert_close(pieces, torch.from_numpy(found[0]))
    assert np.isfinite(found[0]).all()

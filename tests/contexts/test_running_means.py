"""Running means and a GRU over standardised steps, against one step after another; what standardising may know and what not."""

from __future__ import annotations

import pytest
import torch

from torchcpc.contexts import RunningMeans
from torchcpc.contexts.running_means import Standardised, running_mean
from torchcpc.contracts import CPCError


@pytest.mark.parametrize("span", [1, 1.5, 7, 300])
def test_a_running_mean_step_by_step(span: float) -> None:
    torch.manual_seed(0)
    # Longer than what is averaged at once, and no multiple of it.
    x, mean = torch.randn(3, 149, 5, dtype=torch.float64), torch.randn(3, 5, dtype=torch.float64)
    got = running_mean(x, mean, span)
    for t in range(149):
        mean = mean + (x[:, t] - mean) / span
        torch.testing.assert_close(got[:, t], mean)


def test_it_is_a_gru_and_means_of_standardised_steps() -> None:
    torch.manual_seed(1)
    context = RunningMeans(5, dim=7, layers=2, spans=(1, 3)).train()
    for _ in range(11):
        context(3 + 2 * torch.randn(13, 17, 5))
    z = 3 + 2 * torch.randn(3, 11, 5)
    c, state = context.eval()(z)
    assert c.shape == (3, 11, 7 + 2 * 5) and context.dim == 17 and state.shape == (1, 3, 2 * 7 + 2 * 5)
    x = (z - context.standardised.mean_D / context.standardised.seen) / deviation(context.standardised)
    torch.testing.assert_close(c[..., :7], context.recurrent(x)[0])
    torch.testing.assert_close(c[..., 7:12], 0.1 * x)
    torch.testing.assert_close(c[..., 12:], 0.1 * running_mean(x, torch.zeros(3, 5), 3))


def deviation(module: Standardised) -> torch.Tensor:
    mean_D, square_D = module.mean_D / module.seen, module.square_D / module.seen
    return (square_D - mean_D.square() + 1e-5).sqrt()


def test_long_training_finds_mean_and_spread() -> None:
    generator = torch.Generator().manual_seed(2)
    module, mean, spread = Standardised(5).train(), torch.tensor([0.0, 3, -2, 1, 7]), torch.tensor([1.0, 0.1, 5, 2, 0.5])
    for _ in range(300):
        module(mean + spread * torch.randn(53, 11, 5, generator=generator))
    x = module.eval()(mean + spread * torch.randn(997, 11, 5, generator=generator))
    # The statistics are those of about a hundred batches of 583 rows, those of x of 10,967: standard errors 0.004 and 0.01.
    assert (x.mean(dim=(0, 1)).abs() < 0.04).all() and ((x.std(dim=(0, 1)) - 1).abs() < 0.03).all()


def test_early_statistics_are_not_drawn_to_where_they_began() -> None:
    module = Standardised(3).train()
    z = 5 + torch.randn(97, 3, generator=torch.Generator().manual_seed(3))
    assert torch.equal(module(z), z), "nothing is known before the first batch"
    x = module.eval()(z)
    torch.testing.assert_close(x.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(x.std(dim=0, correction=0), torch.ones(3), rtol=0, atol=1e-4)


def test_steps_of_a_batch_tell_each_other_nothing_about_its_statistics() -> None:
    """Before and after the first batch, the first sequence comes out the same whatever stands beside it."""
    for warm in (0, 5):
        outs = []
        for beside in (0.0, 1000.0):
            torch.manual_seed(4)
            module = Standardised(3).train()
            for _ in range(warm):
                module(torch.randn(7, 11, 3))
            z = torch.randn(2, 11, 3)
            z[1] += beside
            outs.append(module(z)[0])
        assert torch.equal(*outs)


def test_padding_is_not_counted() -> None:
    torch.manual_seed(6)
    module, z = Standardised(3).train(), 5 + torch.randn(7, 11, 3)
    other = Standardised(3).train()
    module(z)
    other(torch.cat([z, torch.zeros(7, 29, 3)], dim=1))
    other(torch.zeros(2, 5, 3))  # nothing real at all
    assert module.mean_D.any()
    torch.testing.assert_close(other.state_dict(), module.state_dict())


def test_evaluation_learns_nothing_and_weights_carry_the_statistics() -> None:
    torch.manual_seed(5)
    module = RunningMeans(3, dim=5).train()
    module(torch.randn(7, 11, 3) + 2)
    saved = {name: value.clone() for name, value in module.state_dict().items()}
    assert {"standardised.mean_D", "standardised.square_D", "standardised.seen"} <= saved.keys()
    module.eval()(torch.randn(7, 11, 3) - 9)
    assert all(torch.equal(value, saved[name]) for name, value in module.state_dict().items())
    other = RunningMeans(3, dim=5).eval()
    other.load_state_dict(saved)
    z = torch.randn(2, 11, 3)
    assert torch.equal(other(z)[0], module(z)[0])


def test_a_column_that_was_silent_in_training_wakes_as_no_giant() -> None:
    module = Standardised(3).train()
    for _ in range(3):
        module(torch.zeros(7, 11, 3))
    x = module.eval()(torch.full((2, 5, 3), 0.1))
    assert (x > 0).all() and (x < 100).all()


@pytest.mark.parametrize("spans", [(), (5, 0.5)])
def test_impossible_spans_are_refused(spans: tuple) -> None:
    with pytest.raises(CPCError, match="each at least 1"):
        RunningMeans(3, spans=spans)

"""Contexts against an independent recurrence; what every context must satisfy is in tests/conformance."""

import torch

from tests.conformance.leaks import influences
from torchcpc.contexts import NoContext, RecurrentContext
from torchcpc.encoders import WaveformEncoder


def test_the_gru_is_its_equations_started_at_zero():
    torch.manual_seed(0)
    context = RecurrentContext(5, dim=7).double()
    p = {name.removesuffix("_l0"): value for name, value in context.gru.named_parameters()}
    z = torch.randn(3, 11, 5)
    c, end = context.float()(z)
    h = torch.zeros(3, 7)
    for t in range(11):
        x_r, x_u, x_n = (z[:, t] @ p["weight_ih"].t() + p["bias_ih"]).chunk(3, dim=1)
        h_r, h_u, h_n = (h @ p["weight_hh"].t() + p["bias_hh"]).chunk(3, dim=1)
        update = torch.sigmoid(x_u + h_u)
        h = update * h + (1 - update) * torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        torch.testing.assert_close(c[:, t], h, rtol=0, atol=1e-6)
    torch.testing.assert_close(end[0], h, rtol=0, atol=1e-6)


def test_layers_are_stacked_and_resumable():
    torch.manual_seed(0)
    context, z = RecurrentContext(5, dim=7, layers=2), torch.randn(3, 11, 5)
    whole, _ = context(z)
    first, state = context(z[:, :4])
    torch.testing.assert_close(torch.cat([first, context(z[:, 4:], state)[0]], dim=1), whole, rtol=0, atol=1e-6)
    assert state.shape == (2, 3, 7)


def test_every_earlier_step_matters_and_none_after():
    torch.manual_seed(0)
    context, z = RecurrentContext(5, dim=7), torch.randn(2, 11, 5)
    for t in range(11):
        seen = influences(lambda z: context(z)[0], z, 1, t)
        assert seen[1].tolist() == [True] * (t + 1) + [False] * (10 - t)
        assert not seen[0].any()


def test_behind_an_encoder_the_future_begins_at_the_next_sample():
    """dc_t/dx is exactly zero after sample (t+1)*160 - 1, in training mode, for every t."""
    torch.manual_seed(0)
    encoder, context = WaveformEncoder(channels=31).train(), RecurrentContext(31, dim=7).train()
    x = torch.randn(2, 7 * 160 + 53)
    for t in range(7):
        seen = influences(lambda x: context(encoder(x))[0], x, 0, t)
        assert int(seen[0].nonzero().max()) == (t + 1) * 160 - 1
        assert not seen[1].any()


def test_the_recurrence_is_float32_under_autocast():
    torch.manual_seed(0)
    context, z = RecurrentContext(5, dim=7), torch.randn(3, 11, 5)
    with torch.autocast("cpu", torch.bfloat16):
        c, state = context(z)
        from_half, _ = context(z.bfloat16())
    assert c.dtype == state.dtype == from_half.dtype == torch.float32
    torch.testing.assert_close(c, context(z)[0])


def test_no_context_is_the_present_step():
    z = torch.randn(3, 11, 5)
    assert NoContext(5).dim == 5
    assert torch.equal(NoContext(5)(z)[0], z)
    assert list(NoContext(5).parameters()) == []

"""The row-causal context: by autograd it sees its row and those above, across as many columns as its blocks reach, and no others."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from torchcpc.contexts import MaskedConvolutions
from torchcpc.contracts import CPCError, Layout

BATCH, ROWS, COLUMNS, VIEWS = 2, 7, 5, 3


def context(views: int = 1, blocks: int = 2) -> MaskedConvolutions:
    torch.manual_seed(0)
    return MaskedConvolutions(3, Layout(views, COLUMNS), dim=11, hidden=13, blocks=blocks).train()


def ends(module: MaskedConvolutions) -> tuple[Any, Any]:
    """The entrance and the blocks of the first view."""
    return module.enter[0], module.stacks[0]


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_c_sees_no_row_below_and_reaches_as_far_as_it_says(blocks):
    module = context(blocks=blocks)
    for row in range(ROWS):
        for column in range(COLUMNS):
            seen = torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
            # Several inputs: a rectifier at rest must not hide a dependence.
            for seed in range(8):
                z = torch.randn(BATCH * COLUMNS, ROWS, 3, generator=torch.Generator().manual_seed(seed), requires_grad=True)
                c = module(z)[0].unflatten(0, (BATCH, COLUMNS))
                (grad,) = torch.autograd.grad(c[1, column, row].square().sum(), z)
                influence = (grad != 0).any(dim=2).unflatten(0, (BATCH, COLUMNS))
                assert not influence[0].any()  # another picture
                seen |= influence[1].t()
            assert not seen[row + 1 :].any()
            reach = torch.zeros(ROWS, COLUMNS, dtype=torch.bool)
            reach[max(0, row - blocks) : row + 1, max(0, column - blocks) : column + blocks + 1] = True
            assert torch.equal(seen, reach)


def test_it_is_its_equations_pixel_by_pixel():
    module = context()
    z = torch.randn(BATCH * COLUMNS, ROWS, 3)
    entrance, stack = ends(module)
    x = z.unflatten(0, (BATCH, COLUMNS)).transpose(1, 2) @ entrance.weight.t() + entrance.bias
    for block in stack:
        y = F.relu(x @ block.enter.weight.t() + block.enter.bias)
        across = torch.zeros(BATCH, ROWS, COLUMNS, 13)
        for c in range(COLUMNS):
            across[:, :, c] = block.across.bias
            for tap, other in enumerate((c - 1, c, c + 1)):
                if 0 <= other < COLUMNS:
                    across[:, :, c] += y[:, :, other] @ block.across.weight[:, tap * 13 : (tap + 1) * 13].t()
        above = torch.cat([torch.zeros(BATCH, 1, COLUMNS, 13), across[:, :-1]], dim=1)
        down = above @ block.down.weight[:, :13].t() + across @ block.down.weight[:, 13:].t() + block.down.bias
        x = x + F.relu(down) @ block.leave.weight.t() + block.leave.bias
    torch.testing.assert_close(module(z)[0].unflatten(0, (BATCH, COLUMNS)), F.relu(x).transpose(1, 2), rtol=0, atol=1e-5)


def test_it_is_a_stack_of_convolutions():
    module = context(blocks=3)
    z = torch.randn(BATCH * COLUMNS, ROWS, 3)

    def convolved(x_BCTn, linear, taps, padding=(0, 0)):
        """linear's weight [out, taps side by side] as the kernel of a convolution."""
        weight = linear.weight.unflatten(1, (taps[0] * taps[1], -1)).transpose(1, 2).unflatten(2, taps)
        return F.conv2d(x_BCTn, weight, linear.bias, padding=padding)

    entrance, stack = ends(module)
    x = convolved(z.unflatten(0, (BATCH, COLUMNS)).permute(0, 3, 2, 1), entrance, (1, 1))
    for block in stack:
        y = convolved(F.relu(convolved(x, block.enter, (1, 1))), block.across, (1, 3), padding=(0, 1))
        y = convolved(F.pad(y, (0, 0, 1, 0)), block.down, (2, 1))
        x = x + convolved(F.relu(y), block.leave, (1, 1))
    torch.testing.assert_close(module(z)[0].unflatten(0, (BATCH, COLUMNS)), F.relu(x).permute(0, 3, 2, 1), rtol=0, atol=1e-5)


def test_views_have_stacks_of_their_own_and_never_mix():
    module = context(VIEWS)
    z = torch.randn(BATCH, VIEWS, COLUMNS, ROWS, 3, requires_grad=True)
    c = module(z.flatten(0, 2))[0].unflatten(0, (BATCH, VIEWS, COLUMNS))
    (grad,) = torch.autograd.grad(c[0, 1].square().sum(), z)
    assert grad[0, 1].any() and not grad[0, ::2].any() and not grad[1].any()
    same = module(z[:, :1].expand(-1, VIEWS, -1, -1, -1).flatten(0, 2))[0].unflatten(0, (BATCH, VIEWS, COLUMNS))
    assert not torch.allclose(same[:, 0], same[:, 1])


@pytest.mark.parametrize("cut", [1, 4])
def test_it_goes_on_below_where_it_stopped(cut):
    module, z = context(VIEWS), torch.randn(BATCH * VIEWS * COLUMNS, ROWS, 3)
    whole, end = module(z)
    first, state = module(z[:, :cut])
    second, end_of_parts = module(z[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(end_of_parts, end, rtol=0, atol=1e-5)


def test_parts_of_a_picture_are_refused():
    with pytest.raises(CPCError, match="7 sequences are not a whole number of pictures of 1 x 5"):
        context()(torch.randn(7, ROWS, 3))
    with pytest.raises(CPCError, match="all must be at least 1"):
        MaskedConvolutions(3, dim=0)

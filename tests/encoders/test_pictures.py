"""The picture encoder against slow loops: grid, variation of patches, directions of reading and what each step is said to be."""

import pytest
import torch

from tests.scores.competitors import competitors
from torchcpc.contracts import CPCError, Window
from torchcpc.encoders.patches import DIRECTIONS, flipped, grid, sequences, shifted_crops, single_colour
from torchcpc.encoders.pictures import PictureEncoder
from torchcpc.encoders.residual import Pointwise
from torchcpc.objectives import anchors
from torchcpc.scores.candidates import codes


def small(**settings) -> PictureEncoder:
    torch.manual_seed(0)
    defaults = {"patch": 6, "stride": 3, "columns": 3, "stem": "small", "width": 5, "blocks": (1, 1), "channels": (5, 7)}
    return PictureEncoder(**{**defaults, "inner": (3, 5), "margin": 0, **settings})


def window(x: torch.Tensor, start: int = 0) -> Window:
    n = torch.arange(len(x))
    return Window(x, n + 11, n + 5, torch.full_like(n, start), torch.full_like(n, x.shape[1]))


def test_the_grid_is_the_patches_of_a_slow_loop():
    x = torch.randn(2, 13, 17, 3)
    patches = grid(x, patch=5, stride=3)
    assert patches.shape == (2, 3, 5, 3, 5, 5)
    for r in range(3):
        for c in range(5):
            expected = x[:, 3 * r : 3 * r + 5, 3 * c : 3 * c + 5].permute(0, 3, 1, 2)
            assert torch.equal(patches[:, r, c], expected)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_pointwise_convolution_is_the_librarys(bias, layout):
    torch.manual_seed(0)
    ours = Pointwise(5, 7, bias=bias)
    library = torch.nn.Conv2d(5, 7, 1, bias=bias)
    library.load_state_dict(ours.state_dict())
    leaves = [torch.randn(11, 5, 3, 2).contiguous(memory_format=layout).requires_grad_() for _ in range(2)]
    leaves[1].data.copy_(leaves[0].data)
    made = [layer(leaf) for layer, leaf in zip((ours, library), leaves, strict=True)]
    torch.testing.assert_close(*made)
    for each in made:
        each.square().sum().backward()
    torch.testing.assert_close(leaves[0].grad, leaves[1].grad)
    torch.testing.assert_close(ours.weight.grad, library.weight.grad)


def test_a_shifted_crop_is_a_part_of_its_patch_in_the_middle_of_zeros():
    torch.manual_seed(0)
    x = torch.randn(101, 2, 7, 7) + 10
    made = shifted_crops(x, 3, training=True)
    assert not made[:, :, :1].any() and not made[:, :, 5:].any() and not made[..., :1].any() and not made[..., 5:].any()
    places = set()
    for patch, crop in zip(x, made[:, :, 1:5, 1:5], strict=True):
        found = [(r, c) for r in range(4) for c in range(4) if torch.equal(patch[:, r : r + 4, c : c + 4], crop)]
        assert len(found) == 1
        places.add(found[0])
    assert len(places) == 16  # every place occurs
    assert torch.equal(shifted_crops(x, 3, training=False)[:, :, 1:5, 1:5], x[:, :, 1:5, 1:5])


def test_flips_and_single_colours_vary_patches_one_by_one():
    torch.manual_seed(0)
    x = torch.randn(997, 3, 2, 5)
    mirrored = (flipped(x, 0.3) == x.flip(3)).flatten(1).all(dim=1)
    assert torch.equal(flipped(x, 0.0), x) and torch.equal(flipped(x, 1.0), x.flip(3))
    assert abs(mirrored.float().mean() - 0.3) < 0.05
    made = single_colour(x, 0.4)
    alone = torch.stack([(made == x[:, c : c + 1]).flatten(1).all(dim=1) for c in range(3)], dim=1)
    untouched = (made == x).flatten(1).all(dim=1)
    assert bool((alone.sum(dim=1) + untouched == 1).all())
    assert abs(alone.float().mean(dim=0) - 0.4 / 3).max() < 0.04


def test_nothing_varies_out_of_training_and_everything_in_it():
    encoder = small(margin=2, flip=0.5, colour_drop=0.5, colours=3)
    x = torch.randn(2, 12, 12, 3)
    assert torch.equal(encoder.eval()(x), encoder(x))
    assert not torch.equal(encoder.train()(x), encoder(x))


def test_z_is_the_net_on_each_patch_alone():
    encoder = small().eval()
    x = torch.randn(2, 12, 12, 1)
    z = encoder(x).unflatten(0, (2, 3))
    assert z.shape == (2, 3, 4, 7) and not z[:, :, 0].any()
    for r in range(3):
        for c in range(3):
            patch = x[:, 3 * r : 3 * r + 6, 3 * c : 3 * c + 6].permute(0, 3, 1, 2)
            torch.testing.assert_close(z[:, c, r + 1], encoder.layers(patch).mean(dim=(2, 3)), rtol=0, atol=1e-5)


def test_directions_read_the_grid_from_its_four_sides():
    place = torch.stack(torch.meshgrid(torch.arange(3), torch.arange(3), indexing="ij"), dim=-1)[None]  # [1, R, C, (r, c)]
    read = sequences([place + 1] * 4, tuple(DIRECTIONS), lead=2).unflatten(0, (4, 3)) - 1
    assert (read[:, :, :2] == -1).all()
    for s in range(3):
        for t in range(3):
            assert read[:, s, 2 + t].tolist() == [[t, s], [2 - t, s], [s, t], [s, 2 - t]]


def test_a_step_is_named_after_its_patch_in_every_direction():
    """Pairs that count are k rows (columns) apart in the direction of reading, within one column (row)."""
    encoder = small(directions=("down", "up", "right", "left"))
    x = torch.randn(2, 12, 12, 1)
    steps = encoder.steps(window(x))
    assert steps.valid.shape == (2 * 4 * 3, 4) == encoder(x).shape[:2]
    assert not steps.valid[:, 0].any() and steps.valid[:, 1:].all()
    found = anchors(steps, (1, 2))
    assert len(found.anchor_M) == 2 * 4 * 3 * (2 + 1)
    view = steps.view.unflatten(0, (2, 4, 3))
    assert all((view[:, v, :, 1:] == v).all() for v in range(4))
    time, segment = (column.unflatten(0, (2, 4, 3))[0, :, :, 1:] for column in (steps.time, steps.segment))
    for s in range(3):
        assert time[:, s].tolist() == [[0, 1, 2], [0, -1, -2][::-1], [0, 1, 2], [0, -1, -2][::-1]]
        assert (segment[:, s] == s).all()


def test_patches_of_another_direction_never_compete():
    encoder = small(directions=("down", "right"))
    steps = encoder.steps(window(torch.randn(2, 12, 12, 1)))
    allowed = competitors("mixed", codes(steps.flat()))
    view = steps.view.flatten()
    assert not allowed[view[:, None] != view].any()
    # Every patch of the batch but the positive itself, once: the zeros before the first row are kept out by `valid`.
    valid = steps.valid.flatten()
    assert (allowed[valid][:, valid].sum(dim=1) == 2 * 9 - 1).all()


def test_later_rows_of_a_picture_keep_their_row_numbers():
    encoder, x = small(), torch.randn(1, 15, 12, 1)
    whole, part = encoder.steps(window(x)), encoder.steps(window(x[:, 6:], start=6))
    assert whole.time[0, 3:5].tolist() == part.time[0, 1:3].tolist() == [2, 3]


@pytest.mark.parametrize("normalisation", ["none", "layer"])
def test_no_patch_hears_of_another(normalisation):
    encoder = small(normalisation=normalisation).train()
    x = torch.randn(2, 12, 12, 1, requires_grad=True)
    encoder(x).unflatten(0, (2, 3))[0, 1, 2].square().sum().backward()
    seen = x.grad.abs().sum(dim=3) > 0
    assert not seen[1].any() and not seen[0, :3].any() and not seen[0, 9:].any()
    assert not seen[0, :, :3].any() and not seen[0, :, 9:].any() and seen[0, 3:9, 3:9].all()


def test_depth_does_not_change_the_scale_of_z_without_a_norm():
    x = torch.randn(3, 12, 12, 1)
    for blocks in (1, 31):
        z = small(blocks=(blocks,), channels=(64,), inner=(32,), width=64).eval()(x)[:, 1:]
        assert 0.1 < z.std() < 10, blocks


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stride": 7}, "stride = 7.*at most the patch"),
        ({"margin": 6}, "a margin smaller than the patch"),
        ({"colour_drop": 1.5}, "two probabilities"),
        ({"directions": ("down", "down")}, "each once"),
        ({"stem": "tall"}, "stem = 'tall' is unknown. Choose one of large, half, small"),
        ({"blocks": (1,)}, "one positive number per stack"),
        ({"normalisation": "batch"}, "Choose one of layer, none"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(CPCError, match=words):
        small(**settings)


@pytest.mark.parametrize("shape", [(2, 12, 11, 1), (2, 12, 15, 1), (2, 5, 12, 1), (2, 12, 12, 3), (2, 12, 12)])
def test_pictures_that_do_not_make_the_grid_are_refused(shape):
    with pytest.raises(CPCError, match="expected .batch, rows, width, 1. with 3 patches of 6 pixels, 3 apart"):
        small()(torch.randn(shape))


def test_several_directions_need_a_square_grid():
    with pytest.raises(CPCError, match="grid of 2 x 3 .*square one is needed"):
        small(directions=("down", "up"))(torch.randn(1, 9, 12, 1))

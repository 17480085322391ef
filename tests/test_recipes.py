"""Every shipped recipe binds to the constructors; the paper's has the paper's sizes."""

import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.runs.build import build, schema
from torchcpc.settings import RENAMED, load_recipe, override, recipes, resolve


@pytest.mark.parametrize("name", recipes())
def test_binds(name):
    recipe = load_recipe(name)
    settings = resolve(recipe, schema())
    with torch.device("meta"):  # sizes without the memory: the largest has 320 million parameters
        build(settings)
    assert {"title", "about", "command", "cost", "expect"} <= recipe.keys()


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_name_is_refused_with_the_new_one(old):
    assert RENAMED[old] in recipes()
    with pytest.raises(CPCError, match=f"recipe '{old}' is '{RENAMED[old]}' now"):
        load_recipe(old)


def test_speech_paper_is_the_paper():
    settings = resolve(load_recipe("speech-paper"), schema())
    model = build(settings)
    assert sum(p.numel() for p in model.parameters()) == 7_419_904  # 7.41 M and the gains of the norm
    assert model.encoder.stride == 160 and model.encoder.receptive_field == 465 and model.encoder.dim == 512
    assert model.context.dim == 256 and model.predictor.horizons == tuple(range(1, 13))
    assert settings["windows"]["length"] == 20480 and settings["windows"]["batch"] == 8
    assert settings["training"]["learning_rate"] == 2e-4 and settings["training"]["steps"] == 300_000


def residual_parameters(colours: int, blocks: list[int], channels: list[int], inner: list[int]) -> int:
    """The first stacks of a ResNet-v2 by hand: 7x7 stem with a bias; blocks of 1x1, 3x3, 1x1, of which the last has one."""
    count, inputs = 49 * colours * 64 + 64, 64
    for number, outputs, width in zip(blocks, channels, inner, strict=True):
        for block in range(number):
            count += inputs * width + 9 * width * width + width * outputs + outputs
            count += inputs * outputs if block == 0 else 0
            inputs = outputs
    return count


def pictures(name: str):
    settings = resolve(load_recipe(name), schema())
    with torch.device("meta"):
        model = build(settings)
        size, colours = settings["data"]["size"], settings["encoder"]["colours"]
        shapes = [tuple(made.shape) for made in model(torch.zeros(2, size, size, colours))]
    return settings, model, shapes, sum(p.numel() for p in model.encoder.parameters())


def test_image_paper_is_the_paper():
    settings, model, shapes, parameters = pictures("pictures-paper")
    assert settings["data"] | {"size": 256, "margin": 300 - 256, "grey": True, "flip": True} == settings["data"]
    assert (model.encoder.patch, model.encoder.stride, model.encoder.margin) == (64, 32, 64 - 60)
    assert parameters == residual_parameters(1, [3, 4, 23], [256, 512, 1024], [64, 128, 256])
    # 2 pictures x 7 columns; 7 rows and the first half row, which no patch ends in.
    assert shapes == [(14, 8, 1024), (14, 8, 1024), (14, 8, 5, 1024)]
    assert model.predictor.horizons == (2, 3, 4, 5, 6) and model.encoder.first_new_step == 2
    assert settings["training"]["learning_rate"] == 2e-4 and settings["windows"]["batch"] == 16
    assert not any(isinstance(module, torch.nn.modules.batchnorm._BatchNorm) for module in model.modules())


def test_image_v2_is_wider_and_reads_from_four_sides():
    settings, model, shapes, parameters = pictures("pictures-v2")
    gains = parameters - residual_parameters(3, [3, 4, 46], [256, 512, 4096], [64, 128, 512])
    norms = [module for module in model.encoder.modules() if isinstance(module, torch.nn.GroupNorm)]
    assert gains == sum(2 * norm.num_channels for norm in norms) and {norm.num_groups for norm in norms} == {1}
    assert 303e6 < parameters < 306e6  # "ResNet-161, 305M"
    assert shapes == [(2 * 4 * 6, 8, 4096), (2 * 4 * 6, 8, 256), (2 * 4 * 6, 8, 3, 4096)]
    assert model.predictor.horizons == (3, 4, 5) and model.encoder.first_new_step == 3


@pytest.mark.parametrize(("size", "patch", "stride"), [(64, 16, 8), (32, 8, 4)])
def test_image_small_takes_two_sizes(size, patch, stride):
    settings = resolve(override(load_recipe("pictures"), [f"encoder.patch={patch}", f"encoder.stride={stride}"]), schema())
    model = build(settings)
    z, *_ = model(torch.zeros(2, size, size, 3))
    assert z.shape == (2 * model.encoder.layout.sequences, 8, model.encoder.dim)
    assert model.predictor.horizons[0] == model.encoder.first_new_step == 2


def test_text_paper_is_the_paper():
    settings = resolve(load_recipe("text-paper"), schema())
    with torch.device("meta"):
        model = build(settings)
    assert settings["data"] | {"tokens": "words", "vocabulary": 20_000, "width": 32} == settings["data"]
    gru, pairs = 3 * 2400 * (2400 + 2400 + 2), 3 * 2400 * 2400
    assert sum(p.numel() for p in model.parameters()) == 20_000 * 620 + (620 + 1) * 2400 + gru + pairs
    assert model.encoder.dim == model.context.dim == 2400 and model.predictor.horizons == (1, 2, 3)
    # Six sentences in and three to predict, as many stretches a device; candidates are all sentences of the batch.
    assert settings["windows"] | {"length": 9, "batch": 64} == settings["windows"]
    assert settings["candidates"] == {"name": "full", "strategy": "mixed"} and settings["training"]["learning_rate"] == 2e-4

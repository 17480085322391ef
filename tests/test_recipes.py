"""Every shipped recipe binds to the constructors; the paper's has the paper's sizes."""

import pytest

from torchcpc.config import load_recipe, recipes, resolve
from torchcpc.pretrained import build
from torchcpc.pretraining import SCHEMA


@pytest.mark.parametrize("name", recipes())
def test_binds(name):
    recipe = load_recipe(name)
    settings = resolve(recipe, SCHEMA)
    build(settings)
    assert {"title", "about", "command", "cost", "expect"} <= recipe.keys()


def test_speech_paper_is_the_paper():
    settings = resolve(load_recipe("speech-paper"), SCHEMA)
    model = build(settings)
    assert sum(p.numel() for p in model.parameters()) == 7_419_904  # 7.41 M and the gains of the norm
    assert model.encoder.stride == 160 and model.encoder.receptive_field == 465 and model.encoder.dim == 512
    assert model.context.dim == 256 and model.predictor.horizons == tuple(range(1, 13))
    assert settings["windows"]["length"] == 20480 and settings["windows"]["batch"] == 8
    assert settings["training"]["learning_rate"] == 2e-4 and settings["training"]["steps"] == 300_000

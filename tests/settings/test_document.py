"""Every setting is explained by the code that declares it, and what is printed is the recipe itself."""

import tomllib
from collections.abc import Callable, Iterator, Mapping

import pytest

from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, meanings, parameters, recipes, resolve, rule, written

SCHEMA = schema()


def targets() -> Iterator[tuple[str, Callable[..., object]]]:
    for section, choices in SCHEMA.items():
        for name, target in choices.items() if isinstance(choices, Mapping) else [("", choices)]:
            yield f"{section}.{name}", target


@pytest.mark.parametrize("target", [target for _, target in targets()], ids=[name for name, _ in targets()])
def test_every_setting_has_a_meaning_and_a_rule(target: Callable[..., object]) -> None:
    for name, parameter in parameters(target).items():
        said = meanings(target).get(name, "")
        assert said.endswith(".") and said[0] == said[0].upper(), f"{name}: no sentence under `Args:`"
        assert rule(parameter.annotation), f"{name}: no type"


def test_a_setting_without_a_meaning_is_seen() -> None:
    def silent(*, width: int = 3, depth: int = 5) -> None:
        """Does nothing.

        Args:
            width: Of it,
                in metres.

        Raises:
            depth: Not this.
        """

    assert meanings(silent) == {"width": "Of it, in metres."}
    assert list(parameters(silent)) == ["width", "depth"]


@pytest.mark.parametrize("name", recipes())
def test_what_is_printed_resolves_to_the_same_settings(name: str) -> None:
    recipe = load_recipe(name)
    settings = resolve(recipe, SCHEMA)
    text = written(settings, SCHEMA, {key: value for key, value in recipe.items() if isinstance(value, str)})
    again = tomllib.loads(text)
    assert resolve(again, SCHEMA) == settings
    assert {key: again[key] for key in again if isinstance(again[key], str)} == {
        key: recipe[key] for key in recipe if isinstance(recipe[key], str)
    }
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#") and number > lines.index("[data]"):
            assert lines[number - 1].startswith("# ") and len(lines[number - 1]) > 10, line


def test_odd_texts_and_numbers_are_written_as_they_are() -> None:
    odd = {"group": 'a "quoted" \\ name\n\x7f\u202e €', "gain": 1e-05, "channels": ["ü", ""], "rate": 100.0}
    settings = resolve({**load_recipe("series"), "data": {"name": "series", **odd}}, SCHEMA)
    assert resolve(tomllib.loads(written(settings, SCHEMA, {})), SCHEMA) == settings
    assert settings["data"] | odd == settings["data"]

"""Settings are what constructors declare: keyword-only parameters, or keyword-only fields of a dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

import pytest

from torchcpc.contracts import CPCError
from torchcpc.settings import construct, override, resolve

if TYPE_CHECKING:
    from fractions import Fraction  # what is not a setting may be of a type that is not imported at run time


class Box:
    def __init__(self, inside: int, *, width: int, lid: bool = True) -> None:
        self.inside, self.width, self.lid = inside, width, lid


@dataclass
class Bag:
    inside: int
    _: KW_ONLY
    handles: Sequence[int] = (1, 2)
    colours: list[str] = field(default_factory=lambda: ["red"])


def carry(what: Fraction, *, steps: int = 3) -> None: ...


SCHEMA = {"holder": {"box": Box, "bag": Bag}, "walk": carry}


def test_defaults_and_types() -> None:
    found = resolve({"title": "T", "holder": {"name": "box", "width": "7"}}, SCHEMA)
    assert found == {"holder": {"name": "box", "width": 7, "lid": True}, "walk": {"steps": 3}}
    made = construct(SCHEMA["holder"], found["holder"], 5)
    assert (made.inside, made.width, made.lid) == (5, 7, True)


def test_fields_of_a_dataclass() -> None:
    found = resolve({"holder": {"name": "bag", "handles": [3]}}, SCHEMA)
    assert found["holder"] == {"name": "bag", "handles": [3], "colours": ["red"]}
    assert construct(SCHEMA["holder"], found["holder"], 5) == Bag(5, handles=[3])
    found["holder"]["colours"].append("blue")
    assert resolve({"holder": {"name": "bag"}}, SCHEMA)["holder"]["colours"] == ["red"]


def test_all_faults_at_once() -> None:
    recipe = {"holder": {"name": "box", "lidd": 1, "lid": "x"}, "walk": {"steps": 1.5}, "wlak": {"steps": 1}}
    with pytest.raises(CPCError) as error:
        resolve(recipe, SCHEMA)
    for said in ("[wlak] is not a section. Did you mean 'walk'", "holder.lidd is not a setting. Did you mean 'lid'"):
        assert said in str(error.value)
    for said in ("holder.lid = 'x'", "walk.steps = 1.5", "holder.width is required"):
        assert said in str(error.value)
    with pytest.raises(CPCError, match="holder.name = 'bax' is unknown"):
        resolve({"holder": {"name": "bax"}}, SCHEMA)
    with pytest.raises(CPCError, match=r"\[walk\] is not a section"):
        resolve({"holder": {"name": "box", "width": 1}, "walk": 3}, SCHEMA)


def test_overrides() -> None:
    recipe = {"title": "T", "walk": {"steps": 1}}
    assert override(recipe, ["walk.steps=2e-4", "holder.name=box", "holder.width=[1, 2]"]) == {
        "title": "T",
        "walk": {"steps": 2e-4},
        "holder": {"name": "box", "width": [1, 2]},
    }
    assert recipe["walk"] == {"steps": 1}
    for wrong in ("walk", "walk.steps", "=3", ".x=1", "title.x=1"):
        with pytest.raises(CPCError, match="override"):
            override(recipe, [wrong])

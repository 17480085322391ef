"""A new domain is a reader, an encoder, a recipe and a record: with these four it trains, embeds and is probed."""

from pathlib import Path

import numpy as np
import pytest

from tests.domains.toy import TOY, WalkEncoder, write_walks
from torchcpc.contracts import CPCError
from torchcpc.domains import DOMAINS
from torchcpc.encoders import ENCODERS
from torchcpc.probes.compare import compare
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.representations.embed import frames
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.pretrain import pretrain, resume
from torchcpc.runs.run import TrainedRun, load_run
from torchcpc.settings import load_recipe, resolve

RECIPE = str(Path(__file__).with_name("toy.toml"))
CPU = Devices(accelerator="cpu", precision="32-true")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOMAINS, "toy", TOY)
    monkeypatch.setitem(ENCODERS, "toy", WalkEncoder)


@pytest.fixture
def run(tmp_path: Path) -> TrainedRun:
    walks = write_walks(tmp_path / "walks")
    return pretrain(resolve(load_recipe(RECIPE), schema()), walks, tmp_path / "run", recipe=RECIPE, devices=CPU).run


def test_it_trains_loads_and_goes_on(run: TrainedRun) -> None:
    loaded = load_run(run.folder)
    assert loaded.domain is TOY and loaded.config == run.config and loaded.record == run.record
    assert run.require_record().data["trained"] == 19 and len(run.held_out().indices) == 5
    weights = (run.folder / "model.safetensors").read_bytes()
    assert resume(run.folder, devices=CPU).outcome.step == 6
    assert (run.folder / "model.safetensors").read_bytes() == weights


def test_it_embeds_with_its_own_settings(run: TrainedRun, tmp_path: Path) -> None:
    sources = load_run(run.folder).open(write_walks(tmp_path / "others", count=3))
    z, c = frames(run.model, sources)
    assert [(rows.shape, past.shape) for rows, past in zip(z, c, strict=True)] == [((40, 5), (40, 6))] * 3
    assert np.abs(sources.read(0, 0, 40)).max() == pytest.approx(0.5, abs=0.01)  # data.scale_by = 2


def test_it_is_probed_beside_its_own_baseline(run: TrainedRun) -> None:
    spec = ProbeSpec("turn", validation=0.3, test_on="")
    table = compare([run], run.open(), spec, ProbeRows(seeds=1, probes=["linear"], curve=[], supervised_steps=0))
    assert {row.features for row in table.rows} == {"CPC c", "CPC z", "random init c", "random init z", "rows"}
    assert table.classes == 2


def test_its_settings_are_checked_like_all_others() -> None:
    recipe = load_recipe(RECIPE)
    with pytest.raises(CPCError, match="data.scale is not a setting. Did you mean 'scale_by'"):
        resolve(recipe | {"data": {"name": "toy", "scale": 3}}, schema())

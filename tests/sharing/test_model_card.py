"""The model card says what the files of the run say, its code runs, and it names no path of this machine."""

from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from huggingface_hub import ModelCard

import torchcpc
from tests.conformance.worlds import WORLDS, World, library
from torchcpc import __version__
from torchcpc.api import Run, load, train
from torchcpc.cli import main
from torchcpc.probes.result import ProbeTable
from torchcpc.runs.devices import Devices
from torchcpc.settings import load_recipe

CPU = Devices(accelerator="cpu", precision="32-true")
OLD = Path(__file__).parents[1] / "runs/old_run"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is neither that of the run nor that of its data. The library `datasets` is replaced by pictures on the spot."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "datasets", library())
    yield tmp_path


def saved(run: Run, **terms: object) -> str:
    return (run.save_pretrained("shared", **terms) / "README.md").read_text(encoding="utf8")  # pyright: ignore[reportArgumentType]


def section(card: str, title: str) -> str:
    return re.split(r"^## ", card.partition(f"\n## {title}\n")[2], flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the Markdown tables in a text, headers and all."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [row for row in cells if set(row) != {"---"}]


def number(cell: str) -> float:
    return float(cell.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}%", "").replace(",", ""))


@pytest.mark.parametrize("name", WORLDS)
def test_the_code_of_the_card_runs(worlds: Callable[[str], World], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    world = worlds(name)
    run = load(world.run)
    card = saved(run)
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert 'torchcpc.load("shared")' in code
    if world.data:
        assert 'run.embed("data/")' in code
        code = code.replace('"data/"', repr(world.data[0]))
    found: dict[str, Any] = {}
    capsys.readouterr()
    exec(code, found)
    expected = run.embed(world.data or None)
    assert np.array_equal(found["embedding"].z, expected.z) and np.array_equal(found["embedding"].c, expected.c)
    assert capsys.readouterr().out == f"{expected.z.shape} {expected.c.shape}\n"


def test_the_code_of_a_model_of_arrays_takes_arrays() -> None:
    x = np.random.default_rng(0).normal(size=(11, 37, 3))
    recipe = {**load_recipe("series"), "data": {"name": "arrays"}}
    sizes = {"context": {"dim": 7}, "training": {"steps": 2, "warmup": 0}, "windows": {"length": 32}}
    run = train(recipe, data=torchcpc.cases(x), out="run", devices=CPU, **sizes)
    (code,) = re.findall(r"```python\n(.*?)```", saved(run), re.DOTALL)
    found: dict[str, Any] = {"x": x[:5]}
    exec(code, found)
    assert found["embedding"].c.shape[1] == 7 and set(found["embedding"].keys) == {f"case-{n:06d}" for n in range(5)}


def test_the_numbers_are_those_of_the_run(worlds: Callable[[str], World]) -> None:
    """Read from metrics.jsonl and settings.json without the code of the package."""
    run = worlds("digits").run
    card = saved(load(run))
    record = json.loads((run / "settings.json").read_text())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    best = max((line for line in lines if line["event"] == "valid"), key=lambda line: line["bound"])
    said = section(card, "Bound")
    assert f"{best['bound']:.3f} nats, at update {best['step']}" in said.replace("\N{MINUS SIGN}", "-")
    n = math.exp(best["ceiling_per_k"][0])
    assert f"log N = {best['ceiling_per_k'][0]:.3f} nats, with N = {n:.0f} candidates" in said
    _, *steps = rows(said)
    assert len(steps) == len(best["horizons"]) == 4
    for i, (k, bound, ends, ceiling, among, accuracy, chance) in enumerate(steps):
        low, high = map(number, ends.split(" to "))
        assert int(k) == best["horizons"][i] and number(among) == round(n)
        names = ("bound_per_k", "bound_low_per_k", "bound_high_per_k", "ceiling_per_k")
        assert [number(bound), low, high, number(ceiling)] == pytest.approx([best[name][i] for name in names], abs=5e-4)
        assert [number(accuracy), number(chance)] == pytest.approx(
            [100 * best[name][i] for name in ("accuracy_per_k", "chance_per_k")], abs=0.05
        )
    model, data = dict(rows(section(card, "Model"))), dict(rows(section(card, "Training data")))
    assert model["recipe"] == "digits" and model["updates planned"] == str(record["settings"]["training"]["steps"])
    weights = sum(each.numel() for each in load(run).model.parameters())
    assert model["parameters"] == f"{weights:,}" and model["context"] == "gru, 5 numbers a step"
    counts = record["data"]
    assert [number(data[name]) for name in ("pictures", "used for training", "held out for validation")] == [
        *(counts[name] for name in ("recordings", "trained", "validated"))
    ]
    assert f"saved by torchcpc {__version__}" in section(card, "Citation") and "arXiv:1807.03748" in section(card, "Citation")


def test_the_front_matter_is_that_of_the_hub(worlds: Callable[[str], World]) -> None:
    run = load(worlds("digits").run)
    saved(run, license="cc-by-4.0", datasets=["someone/digits"])
    found = ModelCard.load("shared/README.md").data.to_dict()
    head = yaml.safe_load(Path("shared/README.md").read_text(encoding="utf8").split("---\n")[1])
    assert found == head and head["library_name"] == "torchcpc" and head["pipeline_tag"] == "feature-extraction"
    assert head["license"] == "cc-by-4.0" and head["datasets"] == ["someone/digits"]
    Path("shared/README.md").unlink()
    saved(run)
    assert ModelCard.load("shared/README.md").data.to_dict().keys() == {"library_name", "pipeline_tag", "tags"}


def test_the_licence_of_the_data_is_stated_or_missed(worlds: Callable[[str], World]) -> None:
    run = load(worlds("digits").run)
    said = section(saved(run), "Licences")
    assert "licence of the training data is not stated" in said and "licence of the model is not stated" in said
    said = section(saved(run, license="mit", data_license="CC BY 4.0, by Ada"), "Licences")
    assert "Training data: CC BY 4.0, by Ada." in said and "Model: mit." in said and "not stated" not in said


def test_the_stored_probe_and_what_the_untrained_network_reaches(worlds: Callable[[str], World]) -> None:
    world = worlds("digits")
    assert "no probe is stored" in section(saved(load(world.run)), "Probes").lower()
    assert main(["probe", str(world.run), "--label", "digit", "--seeds", "2", "--probes", "linear"]) == 0
    try:
        card = saved(load(world.run))
        (table,) = json.loads((world.run / "probe.json").read_text())["tables"]
        shown = {row[0]: row for row in rows(section(card, "Probes"))[1:]}
        assert shown.keys() >= {"CPC c", "CPC z", "random init c", "random init z"}
        for row in table["rows"]:
            assert number(shown[row["features"]][3]) == pytest.approx(100 * row["accuracy"]["mean"], abs=0.05)
        reached = next(row["accuracy"]["mean"] for row in table["rows"] if row["features"] == "random init c")
        assert f"random init c (linear), reaches {100 * reached:.1f}\N{NO-BREAK SPACE}%" in section(card, "Caveats")
    finally:
        (world.run / "probe.json").unlink()


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.02, 0.08, "CPC is better"),
        (-0.02, 0.08, "**CPC is not shown to beat it**"),
        (-0.08, -0.02, "**CPC does not beat it**"),
    ],
)
def test_a_card_says_where_training_gained_nothing(worlds: Callable[[str], World], low: float, high: float, words: str) -> None:
    world = worlds("digits")
    assert main(["probe", str(world.run), "--label", "digit", "--seeds", "1", "--probes", "linear"]) == 0
    try:
        run = load(world.run)
        content = json.loads((world.run / "probe.json").read_text())["tables"][0]
        for gap in content["differences"]:
            gap["accuracy"] = {"mean": (low + high) / 2, "low": low, "high": high}
        run.keep(ProbeTable.from_json(content))
        said = section(saved(run), "Caveats")
        assert words in said and said.count("**CPC") == words.count("**CPC")
    finally:
        (world.run / "probe.json").unlink()


def test_an_untrained_or_unfinished_model_says_so(worlds: Callable[[str], World]) -> None:
    source = worlds("digits").run
    copy = Path("copy")
    copy.mkdir()
    for name in ("config.json", "model.safetensors", "settings.json", "metrics.jsonl"):
        (copy / name).write_bytes((source / name).read_bytes())
    lines = [json.loads(line) for line in (copy / "metrics.jsonl").read_text().splitlines()]
    first = [line for line in lines if line["step"] == 0]
    (copy / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in first))
    said = section(saved(load(copy)), "Caveats")
    assert (
        "weights are those of the untrained network" in said and "Training is not finished: 0 of 2 updates were done." in said
    )


def test_a_saved_model_without_a_record_has_a_card_of_what_is_known(worlds: Callable[[str], World]) -> None:
    load(worlds("digits").run).save_pretrained("first")
    again = load("first")
    assert again.trained.record is None
    card = saved(again)
    assert "is not known" in section(card, "Bound") and "does not say what it was trained on" in section(card, "Training data")
    assert "encoder" in dict(rows(section(card, "Model"))) and "recipe" not in dict(rows(section(card, "Model")))
    for name in ("config.json", "model.safetensors"):
        assert Path("first", name).read_bytes() == Path("shared", name).read_bytes()
    assert sorted(path.name for path in Path("shared").iterdir()) == ["README.md", "config.json", "model.safetensors"]


@pytest.mark.parametrize("name", WORLDS)
def test_no_path_of_this_machine_is_written(worlds: Callable[[str], World], name: str) -> None:
    run = load(worlds(name).run)
    data = {**run.trained.config["data"], "note": str(Path.home() / "secret" / "list.csv")}
    record = run.trained.record
    assert record is not None
    moved = replace(record, roots=["/secret/data/list.csv"], recipe="/secret/recipes/mine", expanded={"run": "/secret/runs/a"})
    for folder, asked in (("a", run), ("b", Run(replace(run.trained, record=moved)))):
        asked.save_pretrained(folder)
        texts = [path.read_text(encoding="utf8") for path in Path(folder).iterdir() if path.suffix in (".md", ".json")]
        for secret in ("/secret", str(run.folder), str(run.folder.parent), str(Path.home() / "x")[:-1], str(Path.cwd())):
            assert not any(secret in text for text in texts if secret != "/")
    assert "| list.csv |" in Path("b/README.md").read_text() and "| mine |" in Path("b/README.md").read_text()
    if name != "text":  # whose tokenizer is copied
        other = Run(replace(run.trained, config={**run.trained.config, "data": data}))
        other.save_pretrained("c")
        assert json.loads(Path("c/config.json").read_text())["data"]["note"] == "list.csv"


def test_damaged_results_are_counted_and_not_named(worlds: Callable[[str], World]) -> None:
    run = load(worlds("digits").run)
    (run.folder / "probe.json").write_text("{")
    try:
        card = saved(run)
    finally:
        (run.folder / "probe.json").unlink()
    assert "1 file of results could not be read" in section(card, "Caveats") and "probe.json" not in card


def test_a_run_of_an_older_version_has_a_card(elsewhere: Path) -> None:
    """Its validations may hold no interval."""
    assert "nats, at update 16." in section(saved(load(OLD)), "Bound")
    shutil.copytree(OLD, "old")
    lines = [json.loads(line) for line in Path("old/metrics.jsonl").read_text().splitlines()]
    bare = [{key: value for key, value in line.items() if key not in ("bound_low_per_k", "bound_high_per_k")} for line in lines]
    Path("old/metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in bare))
    _, *steps = rows(section(saved(load("old")), "Bound"))
    assert steps and all(ends == "-" for _, _, ends, *_ in steps)

"""The loop against ten plain lines of PyTorch, and against itself when it is stopped, killed and resumed."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training import tiny
from torchcpc.contracts import CPCError
from torchcpc.training.checkpoint import read_tensors
from torchcpc.training.loop import fit, step_generator
from torchcpc.training.record import ignore
from torchcpc.training.schedule import learning_rate
from torchcpc.training.state import read_state

SETTINGS = {"steps": tiny.STEPS, "learning_rate": 0.05, "warmup": 5, "schedule": "cosine", "clip": 0.7}
EVERY = {"log_every": 1, "validate_every": 3, "save_every": 2}


def test_equals_plain_pytorch():
    ours, plain = tiny.model(), tiny.model()
    fit(ours, tiny.loss, tiny.draw, seed=3, **SETTINGS)
    optimizer = torch.optim.Adam(plain.parameters())
    for step in range(tiny.STEPS):
        optimizer.param_groups[0]["lr"] = learning_rate(step, peak=0.05, steps=tiny.STEPS, warmup=5, schedule="cosine")
        with torch.random.fork_rng():
            value, _ = tiny.loss(plain, tiny.draw(step), step_generator(3, step, 0))
        optimizer.zero_grad()
        value.backward()
        norm = math.sqrt(sum(float(p.grad.square().sum()) for p in plain.parameters()))
        for p in plain.parameters():
            p.grad.mul_(min(1.0, 0.7 / (norm + 1e-6)))
        optimizer.step()
    for a, b in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_global_randomness_is_left_alone():
    torch.manual_seed(17)
    expected = torch.rand(3)
    torch.manual_seed(17)
    fit(tiny.model(), tiny.loss, tiny.draw, **SETTINGS)
    assert torch.equal(torch.rand(3), expected)


def same_state(one: Path, other: Path) -> None:
    for name in ("latest.safetensors", "best.safetensors"):
        a, b = load_file(one / name), load_file(other / name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a), name


def events(folder: Path) -> list[dict]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "steps_per_second"} for row in rows]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    fit(tiny.model(), tiny.loss, tiny.draw, tiny.validate, folder, seed=3, **SETTINGS, **EVERY)
    return folder


@pytest.mark.parametrize("stop_after", [1, 7, 20])
def test_a_stop_between_updates_loses_nothing(tmp_path, uninterrupted, stop_after):
    def ask_to_stop(event, step, metrics):
        if event == "step" and step == stop_after:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(tiny.model(), tiny.loss, tiny.draw, tiny.validate, tmp_path, None, ask_to_stop, seed=3, **SETTINGS, **EVERY)
    assert read_tensors(tmp_path / "latest.safetensors")[1].step == stop_after
    fit(tiny.model(), tiny.loss, tiny.draw, tiny.validate, tmp_path, seed=3, **SETTINGS, **EVERY)
    same_state(tmp_path, uninterrupted)
    assert events(tmp_path) == events(uninterrupted)


CHILD = """
import sys, time
from functools import partial
from pathlib import Path
from tests.training import tiny
from torchcpc.training.loop import fit
from torchcpc.training.checkpoint import read_tensors
def slowly(event, step, metrics):
    if event == "step":
        print(step, flush=True)
        time.sleep(0.01)
fit(tiny.model(), tiny.loss, tiny.draw, tiny.validate, Path(sys.argv[1]), None, slowly, seed=3, steps=tiny.STEPS,
    learning_rate=0.05, warmup=5, schedule="cosine", clip=0.7, log_every=1, validate_every=3, save_every=2)
"""


def test_killed_at_any_instant_it_resumes_bit_for_bit(tmp_path, uninterrupted):
    """One run, killed with SIGKILL again and again, each time a little further on, until it comes through."""
    root = Path(__file__).parents[2]
    for number, after in enumerate((3, 8, 13, 18)):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        )
        assert child.stdout is not None
        for line in child.stdout:
            if int(line) >= after:
                # A different fraction of an update each time, so that kills fall into training, logging and saving.
                time.sleep(0.004 * number)
                break
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
    fit(tiny.model(), tiny.loss, tiny.draw, tiny.validate, tmp_path, seed=3, **SETTINGS, **EVERY)
    same_state(tmp_path, uninterrupted)
    assert events(tmp_path) == events(uninterrupted)


def test_a_diverging_run_stops_and_keeps_its_last_checkpoint(tmp_path):
    def explode(model, x, generator):
        value, metrics = tiny.loss(model, x, generator)
        return (value * float("nan") if explode.step == 9 else value), metrics

    explode.step = 0

    def count(event, step, metrics):
        explode.step = step

    with pytest.raises(
        CPCError, match=r"diverged: the loss is nan .* at update 10.*last checkpoint is as it was.*learning_rate"
    ):
        fit(tiny.model(), explode, tiny.draw, tiny.validate, tmp_path, None, count, seed=3, **SETTINGS, **EVERY)
    assert all(torch.isfinite(t).all() for t in load_file(tmp_path / "latest.safetensors").values())
    assert events(tmp_path)[-1]["event"] == "warning"


def test_the_best_is_the_best_validation_not_the_last(tmp_path):
    bounds, kept = iter([0.1, 0.5, 2.0, 1.0, 1.5, 0.1, 0.2, 0.3, 0.4]), []

    def on_event(event, step, metrics):
        if event == "best":
            kept.append((step, read_state(tmp_path / "best.safetensors").step))

    fit(
        tiny.model(),
        tiny.loss,
        tiny.draw,
        lambda model: {"bound": next(bounds)},
        tmp_path,
        None,
        on_event,
        seed=3,
        **SETTINGS,
        **EVERY,
    )
    assert kept == [(0, 0), (3, 3), (6, 6)]
    reference = tiny.model()
    with pytest.raises(KeyboardInterrupt):
        fit(reference, tiny.loss, tiny.draw, seed=3, **SETTINGS | {"steps": tiny.STEPS}, on_event=_stop_at(6))
    best = load_file(tmp_path / "best.safetensors")
    assert torch.equal(best["model.weight"], reference.weight)


def test_out_of_patience_where_it_would_be_without_the_stop(tmp_path):
    """Bounds by update, best at 9, so two stale validations end it at 15; stopped at 13 and resumed, it ends there too, and stays."""
    bounds = {0: 1.5, 3: 0.5, 6: 1.0, 9: 2.0, 12: 0.1, 15: 1.9, 18: 3.0}
    steps = [0]

    def go(folder, stop=None):
        def on_event(event, step, metrics):
            if event == "step":
                steps.append(step)
                if step == stop:
                    os.kill(os.getpid(), signal.SIGINT)

        model = tiny.model()
        steps[-1:] = [0]
        settings = SETTINGS | EVERY | {"seed": 3, "patience": 2}
        outcome = fit(
            model, tiny.loss, tiny.draw, lambda model: {"bound": bounds[steps[-1]]}, folder, on_event=on_event, **settings
        )
        return model, outcome

    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole, outcome = go(tmp_path / "whole")
    assert (outcome.step, outcome.best) == (15, 2.0)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", stop=13)
    assert steps[-1] == 13
    resumed, outcome = go(tmp_path / "cut")
    assert outcome.step == 15 and torch.equal(whole.weight, resumed.weight)
    assert go(tmp_path / "cut")[1].step == 15 and steps[-1] == 0  # not a step longer


def test_the_untrained_network_is_validated_first_and_kept_where_nothing_beats_it(tmp_path, uninterrupted):
    """Its validation changes no update; kept, it is the model, and the run says so once, resumed or not."""
    assert next((row["event"], row["step"]) for row in events(uninterrupted)) == ("valid", 0)
    assert not [row for row in events(uninterrupted) if row["event"] == "warning"]
    for name in ("seen", "whole", "cut"):
        (tmp_path / name).mkdir()
    unseen, seen = tiny.model(), tiny.model()
    fit(unseen, tiny.loss, tiny.draw, seed=3, **SETTINGS)
    fit(seen, tiny.loss, tiny.draw, tiny.validate, tmp_path / "seen", seed=3, **SETTINGS, **EVERY)
    assert torch.equal(seen.weight, unseen.weight)
    for name, stop in (("whole", None), ("cut", 22)):
        bounds = [*[-1.0] * 20, 0.5]
        how = {"on_event": _stop_at(stop), "seed": 3, **SETTINGS, **EVERY}
        with pytest.raises(KeyboardInterrupt) if stop else nullcontext():
            fit(tiny.model(), tiny.loss, tiny.draw, partial(_next_bound, bounds), tmp_path / name, **how)
        fit(tiny.model(), tiny.loss, tiny.draw, lambda model: {"bound": -1.0}, tmp_path / name, **how | {"on_event": ignore})
    warned = [row for row in events(tmp_path / "whole") if row["event"] == "warning"]
    assert len(warned) == 1 and warned[0]["step"] == tiny.STEPS and warned[0]["reason"].startswith("untrained: no update beat")
    assert events(tmp_path / "whole") == events(tmp_path / "cut")
    best = load_file(tmp_path / "cut/best.safetensors")
    assert torch.equal(best["model.weight"], tiny.model().weight)


def test_a_first_bound_that_is_no_number_is_beaten_by_any(tmp_path):
    bounds = iter([math.nan, *[-1.0] * 20])
    outcome = fit(
        tiny.model(), tiny.loss, tiny.draw, lambda model: {"bound": next(bounds)}, tmp_path, seed=3, **SETTINGS, **EVERY
    )
    assert outcome.best == -1.0 and read_state(tmp_path / "best.safetensors").step == 3


def _next_bound(bounds, model):
    return {"bound": bounds.pop()}


def _stop_at(last):
    def stop(event, step, metrics):
        if event == "step" and step == last:
            os.kill(os.getpid(), signal.SIGINT)

    return stop


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "steps = 0"),
        ({"save_every": 0}, "training.save_every = 0: a number of updates, at least 1"),
        ({"schedule": "cosin"}, "cosin.*constant, cosine"),
    ],
)
def test_impossible_settings(setting, message):
    with pytest.raises(CPCError, match=message):
        fit(tiny.model(), tiny.loss, tiny.draw, **SETTINGS | setting)

"""After training with the ordinary loop: how near do scores, bounds and information come to processes whose truth is exact?

    python benchmarks/truth.py [--only NAME ...] [--steps 1000] [--seed 0]

Each process is learned as `cpc train` would learn it. All figures are then taken on new independent sequences, one context each.

- InfoNCE(N) is compared with the value of the exact ratio on the same candidates. It must be within 3 standard errors + 0.03 nats.
- Calibrated PMI is regressed on the exact log ratio of joint pairs. The slope must be 0.95 to 1.05, R2 at least 0.95, RMSE at most 0.15.
- Mean PMI is compared with the exact information. It must be within 5 % or 0.03 nats.

`within` holds these rules.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from torchcpc.data.synthetic.process import Process
from torchcpc.data.synthetic.reader import named
from torchcpc.information.checks import agreement
from torchcpc.model import CPCModel
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.pretrain import pretrain
from torchcpc.runs.run import matching_marginal
from torchcpc.scores.calibration import Sample
from torchcpc.settings import Settings, load_recipe, override, resolve

CANDIDATES = (2, 8, 32, 128)
HISTORY, SOURCES = 32, 20_000
CONTEXTS, MARGINALS = 8_000, 8_192


@dataclass(frozen=True)
class Row:
    """A process and what its recipe changes.

    Attributes:
        sees_past: Whether the context may see the past. Otherwise it sees x_t only, as a test of memory.
        times: How many times the usual number of updates it gets.
    """

    process: str
    bits: int = 0
    warped: bool = False
    sees_past: bool = True
    times: int = 1
    overrides: tuple[str, ...] = field(default=())


MIXED = ("candidates.strategy=mixed_excluding",)
SAME = ("candidates.strategy=same_group_excluding", "windows.windows_per_group=16")
PLAIN = (
    "gaussian-pairs",
    "gaussian-vectors",
    "ar1",
    "ar2-memory",
    "var1",
    "state-space",
    "markov-chain",
    "hmm-symbols",
    "hmm-clouds",
)
# A nonlinear surface in two or three dimensions takes longer to learn than a curve.
TIMES = {"gaussian-vectors": 3, "var1": 5}
ROWS: dict[str, Row] = {
    **{name: Row(name, overrides=MIXED) for name in (*PLAIN, "speakers")},
    "speakers-same-group": Row("speakers-same-group", overrides=SAME),
    "ar1 and 3 coins": Row("ar1", bits=3, overrides=MIXED),
    "hmm-symbols and 3 coins": Row("hmm-symbols", bits=3, overrides=MIXED),
    **{f"{name}, warped": Row(name, warped=True, times=TIMES.get(name, 1), overrides=MIXED) for name in (*PLAIN, "speakers")},
    "ar2-memory, no context": Row("ar2-memory", sees_past=False, overrides=MIXED),
}


def settings_of(row: Row, process: Process, steps: int) -> dict[str, Any]:
    """The recipe synthetic-ar1 with a wider encoder, a recurrent context and two horizons."""
    recipe = load_recipe("synthetic-ar1")
    recipe["context"] = {"name": "gru", "dim": 128} if row.sees_past else {"name": "none"}
    changes = [
        f"data.process={row.process}",
        f"data.sources={SOURCES}",
        f"data.steps={HISTORY}",
        f"data.bits={row.bits}",
        f"data.warped={str(row.warped).lower()}",
        f"encoder.features={process.dim}",
        "encoder.dim=64",
        "encoder.hidden=256",
        "predictor.count=2",
        "candidates.count=512",
        f"windows.length={HISTORY}",
        "split.validation=0.05",
        f"training.steps={row.times * steps}",
        "training.learning_rate=2e-3",
        "training.validate_every=1000",
        "training.save_every=100000",
        "training.clip=1.0",
        *row.overrides,
    ]
    return resolve(override(recipe, changes), schema())


class Drawn(NamedTuple):
    """Fresh contexts: prediction p_AKD, belief_AS, the target x_AD and z_AD per horizon, and the group."""

    p_AKD: Tensor
    belief_AS: np.ndarray
    x_KAD: list[np.ndarray]
    z_KAD: list[Tensor]
    group_A: np.ndarray


@torch.inference_mode()
def draw(model: Any, process: Process, rng: np.random.Generator, count: int, *, sees_past: bool = True) -> Drawn:
    """`count` independent sequences, read up to their step HISTORY - 1; without `sees_past` the belief knows that step alone."""
    horizons = model.predictor.horizons
    x_BTD, group_B = process.sample(count, HISTORY + max(horizons), rng)
    z_BTD = model.encoder(torch.from_numpy(x_BTD))
    c_BTC, _ = model.context(z_BTD[:, :HISTORY])
    at = [HISTORY - 1 + k for k in horizons]
    belief_AS = process.belief(x_BTD[:, 0 if sees_past else HISTORY - 1 : HISTORY])[:, -1]
    return Drawn(model.predictor(c_BTC[:, -1:])[:, 0], belief_AS, [x_BTD[:, t] for t in at], [z_BTD[:, t] for t in at], group_B)


@torch.inference_mode()
def infonce(
    model: Any, process: Process, drawn: Drawn, index: int, N: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """(InfoNCE(N) of the model, of the exact ratio, standard error of their difference), nats, on the same candidates."""
    k = model.predictor.horizons[index]
    ours, exact = [], []
    for start in range(0, len(drawn.x_KAD[index]), 500):
        mine = slice(start, start + 500)
        belief_BS, x_B1D = drawn.belief_AS[mine], drawn.x_KAD[index][mine, None]
        x_BND = np.concatenate([x_B1D, process.propose(belief_BS, N - 1, rng)], axis=1).astype(np.float32)
        ratio_BN = process.log_ratio(x_BND.astype(np.float64), belief_BS[:, None], k)
        exact.append(ratio_BN[:, 0] + math.log(N) - np.logaddexp.reduce(ratio_BN, axis=1))
        score_BN = (model.encoder(torch.from_numpy(x_BND)) @ drawn.p_AKD[mine, index, :, None]).squeeze(-1).double()
        ours.append((score_BN[:, 0] + math.log(N) - score_BN.logsumexp(1)).numpy())
    ours_A, exact_A = np.concatenate(ours), np.concatenate(exact)
    return float(ours_A.mean()), float(exact_A.mean()), float((ours_A - exact_A).std()) / len(ours_A) ** 0.5


@torch.inference_mode()
def calibrated(model: Any, drawn: Drawn, sample: Sample) -> list[np.ndarray]:
    """PMI [A] per horizon of the true futures, in nats."""
    groups = torch.from_numpy(drawn.group_A) if sample.marginal == "same_group" else None
    log_z_AK = sample(drawn.p_AKD, group_A=groups)
    return [((z_AD * drawn.p_AKD[:, i]).sum(1) - log_z_AK[:, i]).double().numpy() for i, z_AD in enumerate(drawn.z_KAD)]


def measure(
    model: Any, process: Process, marginal: str, rng: np.random.Generator, *, sees_past: bool = True
) -> list[dict[str, Any]]:
    """One dictionary of figures per horizon."""
    drawn, others = draw(model, process, rng, CONTEXTS, sees_past=sees_past), draw(model, process, rng, MARGINALS)
    sample = Sample(others.z_KAD[0], torch.arange(MARGINALS), torch.from_numpy(others.group_A), marginal=marginal)
    rows = []
    for index, (k, pmi_A) in enumerate(zip(model.predictor.horizons, calibrated(model, drawn, sample), strict=True)):
        exact_A = process.log_ratio(drawn.x_KAD[index].astype(np.float64), drawn.belief_AS, k)
        bounds = {N: infonce(model, process, drawn, index, N, rng) for N in CANDIDATES}
        slope, r2, rmse = agreement(pmi_A, exact_A)
        truth = process.information(k, past=None if sees_past else 1).value
        rows.append(
            {"k": k, "bounds": bounds, "slope": slope, "r2": r2, "rmse": rmse, "mi": float(pmi_A.mean()), "truth": truth}
        )
    return rows


def verdict(row: Mapping[str, Any]) -> list[str]:
    """The rules that a row of figures breaks, by name."""
    broken = [f"N={N}" for N, (ours, exact, error) in row["bounds"].items() if abs(ours - exact) > 3 * error + 0.03]
    if not math.isnan(row["slope"]):
        broken += ["slope"] * (not 0.95 <= row["slope"] <= 1.05) + ["R2"] * (row["r2"] < 0.95)
    broken += ["RMSE"] * (row["rmse"] > 0.15)
    return broken + ["MI"] * (abs(row["mi"] - row["truth"]) > max(0.03, 0.05 * row["truth"]))


def learn(settings: Settings, *, seed: int) -> CPCModel:
    """The model that the ordinary loop makes."""
    devices = Devices(accelerator="cpu", precision="32-true")
    with tempfile.TemporaryDirectory() as folder:
        return pretrain(settings, None, Path(folder) / "run", recipe="synthetic-ar1", seed=seed, devices=devices).run.model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="NAME")
    parser.add_argument(
        "--steps", type=int, default=1_000, help="updates (default: 1000; some rows take a multiple, see TIMES)"
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| process | k | InfoNCE(2, 8, 32, 128) minus oracle | PMI slope | R2 | RMSE | MI | truth | misses | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.only:
        row, start = ROWS[name], time.perf_counter()
        process = named(row.process, bits=row.bits, warped=row.warped)
        settings = settings_of(row, process, arguments.steps)
        model, marginal = learn(settings, seed=arguments.seed), matching_marginal(settings["candidates"].get("strategy"))
        for found in measure(model, process, marginal, np.random.default_rng([arguments.seed, 1]), sees_past=row.sees_past):
            gaps = ", ".join(f"{ours - exact:+.3f}" for ours, exact, _ in found["bounds"].values())
            print(
                f"| {name} | {found['k']} | {gaps} | {found['slope']:.3f} | {found['r2']:.3f} | {found['rmse']:.3f} "
                f"| {found['mi']:.3f} | {found['truth']:.3f} | {', '.join(verdict(found)) or '-'} | {time.perf_counter() - start:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""How often 95 % intervals of an accuracy, and of a paired difference, hold the truth, by the number of test speakers.

python benchmarks/interval_coverage.py [--worlds 1000]

Every world draws speakers (log odds of a right answer: normal, and about 50 rows each, unequal) and seeds. The truth is the mean over all
speakers and seeds. Methods: the percentile bootstrap over speakers and seeds; the same stretched to the width of the t interval
("expanded", T. Hesterberg 2015), which the probes used before; the jackknife with Student's t; and that on the scale of log odds,
which is `statistics.intervals.share_interval`. In brackets the median width in points.
"""

import argparse

import numpy as np
from scipy import special

from torchcpc.statistics.intervals import Hits, difference_interval, share_interval

SPEAKERS = (2, 3, 5, 11, 23, 60)
# Accuracy at the median speaker, and the spread between speakers in log odds.
LEVELS = ((0.7, 0.6), (0.9, 1.0), (0.97, 1.0))
SEED_SPREAD, RESAMPLES = 0.15, 1000


def hits(rng: np.random.Generator, rows_S: np.ndarray, odds_RS: np.ndarray) -> np.ndarray:
    """[R, S] right answers; a row is as hard under every seed as speakers share it."""
    found = np.zeros(odds_RS.shape)
    for s, rows in enumerate(rows_S.astype(int)):
        hard = 0.8 * rng.normal(size=rows) + 0.6 * rng.normal(size=(len(odds_RS), rows))
        found[:, s] = (special.ndtr(hard) < special.expit(odds_RS[:, s : s + 1])).sum(axis=1)
    return found


def bootstrap(one: Hits, other: Hits | None, *, stretched: bool) -> tuple[float, float]:
    """The percentile bootstrap of an accuracy, or of a difference."""
    rng, (seeds, units) = np.random.default_rng(0), one.hits_RS.shape
    weight_QR, weight_QS = (rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) for n in (seeds, units))
    if stretched:
        weight_QR, weight_QS = (1 + _stretch(n) * (w - 1.0) for n, w in ((seeds, weight_QR), (units, weight_QS)))
    sides = [np.einsum("qr,rs,qs->q", weight_QR / seeds, side.hits_RS, weight_QS) for side in (one, other) if side]
    total = sides[0] - (sides[1] if other else 0.0)
    low, high = np.quantile(total / (weight_QS @ one.rows_S), [0.025, 0.975])
    return float(low), float(high)


def _stretch(count: int) -> float:
    return np.sqrt(count / (count - 1)) * special.stdtrit(count - 1, 0.975) / special.ndtri(0.975) if count > 1 else 1.0


def methods(one: Hits, other: Hits | None) -> dict[str, tuple[float, float]]:
    spread = one.spread().less(other.spread()) if other else one.spread()
    plain, ours = spread.interval(), difference_interval(one, other) if other else share_interval(one)
    return {
        "percentile": bootstrap(one, other, stretched=False),
        "expanded": bootstrap(one, other, stretched=True),
        "jackknife t": (plain.low, plain.high),
        "ours": (ours.low, ours.high),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=1000)
    worlds = parser.parse_args().worlds
    for accuracy, spread in LEVELS:
        for seeds in (1, 3):
            rng = np.random.default_rng(1)

            def odds(speakers: int, seeds: int, rng=rng, accuracy=accuracy, spread=spread) -> np.ndarray:
                return (
                    special.logit(accuracy)
                    + spread * rng.normal(size=speakers)
                    + SEED_SPREAD * rng.normal(size=(seeds, 1)) * (seeds > 1)
                )

            many = odds(500_000, 1) + (SEED_SPREAD * rng.normal(size=500_000) if seeds > 1 else 0)
            truth = float(special.expit(many).mean())
            # The other features are better by a third in odds, by more or less for each speaker.
            gap = float((special.expit(many + 0.3 + 0.3 * rng.normal(size=500_000)) - special.expit(many)).mean())
            for speakers in SPEAKERS:
                held: dict[str, list[tuple[bool, float]]] = {}
                for _ in range(worlds):
                    rows_S = np.maximum(1, (50 * rng.gamma(2, 0.5, speakers)).astype(int)).astype(float)
                    odds_RS = odds(speakers, seeds)
                    one = Hits(hits(rng, rows_S, odds_RS), rows_S)
                    better = Hits(hits(rng, rows_S, odds_RS + 0.3 + 0.3 * rng.normal(size=speakers)), rows_S)
                    for what, other, true in (("accuracy", None, truth), ("difference", one, gap)):
                        for name, (low, high) in methods(better if other else one, other).items():
                            width = min(high, 1.0) - max(low, -1.0 if other else 0.0)
                            held.setdefault(f"{what}, {name}", []).append((low <= true <= high, 100 * width))
                print(f"accuracy {accuracy}, {seeds} seeds, {speakers} speakers", flush=True)
                for name, found in held.items():
                    covered, width = zip(*found, strict=True)
                    print(f"    {name:<24} {100 * np.mean(covered):5.1f} % ({np.median(width):.1f})", flush=True)


if __name__ == "__main__":
    main()

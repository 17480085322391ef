"""From trained runs to boundaries: curves of whole sources, thresholds that no test label has touched, and the table beside baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from torchcpc.baselines.speech import RATE_HZ, log_mel
from torchcpc.contracts import CPCError
from torchcpc.data.alignment import Alignment
from torchcpc.information.scoring import marginal, silent, steps_of
from torchcpc.probes.question import Question, part
from torchcpc.representations.files import Rows
from torchcpc.scores.calibration import Sample
from torchcpc.segmentation.curves import METRICS, Curve, centre_of, dissimilarity, surprise
from torchcpc.segmentation.matching import TOLERANCE_S, Counts, Quality, Truth, count, truth_of
from torchcpc.segmentation.peaks import Peaks, find, threshold_by_labels, threshold_by_quantile, threshold_by_rate
from torchcpc.statistics.intervals import statistic_interval

SURPRISE, FLUX, EVEN = "surprise", "spectral flux", "evenly spaced"
CURVES = (SURPRISE, *METRICS, FLUX)


@dataclass(frozen=True, slots=True)
class Choice:
    """How curves and thresholds are made. k: of the surprise, a horizon of the model; lag: between the steps that the other curves
    compare; share: of local maxima that the threshold without labels leaves out; rate: boundaries per second, None: not asked.
    """

    k: int
    lag: int = 1
    share: float = 0.5
    rate: float | None = None
    tolerance_s: float = TOLERANCE_S
    samples: int = 2048


def curves(
    model: Any,
    sources: Any,
    indices: Sequence[int],
    names: Sequence[str],
    sample: Sample | None,
    choice: Choice,
    **settings: Any,
) -> dict[str, list[Curve]]:
    """Name -> one curve for each source at `indices`, in their order. sample: for the surprise; settings of `steps_of`."""
    found: dict[str, dict[int, Curve]] = {name: {} for name in names}
    seconds, centre_s = model.encoder.stride / sources.rate, centre_of(model.encoder, sources.rate)
    where = {"seconds_per_step": seconds, "centre_s": centre_s}
    if learned := [name for name in names if name != FLUX]:
        for each in steps_of(model, sources.select(list(indices)), **settings):
            number = indices[each.source]
            for name in learned:
                if name == SURPRISE:
                    index = model.predictor.horizons.index(choice.k)
                    assert sample is not None
                    found[name][number] = surprise(model, sample, each, number, index=index, **where)
                else:
                    found[name][number] = dissimilarity(each.z_TD.numpy(), metric=name, lag=choice.lag, **where)
    if FLUX in names:
        for number in indices:
            found[FLUX][number] = flux(sources.read(number, 0, sources.length(number)), sources.rate, lag=choice.lag)
    return {name: [own[number] for number in indices] for name, own in found.items()}


def flux(x_S: np.ndarray, rate: float, *, lag: int = 1) -> Curve:
    """Spectral flux: how far the log-mel frames (40 bands, 25 ms, every 10 ms) t and t + lag lie apart. Raises CPCError unless 16 kHz."""
    if rate != RATE_HZ or x_S.ndim != 1:
        raise CPCError(f"spectral flux of {x_S.shape} at {rate:g} Hz: it takes recordings of one channel at {RATE_HZ} Hz.")
    frame_s = 0.010
    return dissimilarity(log_mel(x_S), metric="euclidean", seconds_per_step=frame_s, centre_s=frame_s / 2, lag=lag)


def baselines(sources: Any) -> list[str]:
    """The baselines that this data allows."""
    return [FLUX] if sources.rate == RATE_HZ else []


def boundary_rows(peaks: Sequence[Peaks], keys: Sequence[str], threshold: float) -> Iterator[Rows]:
    """Rows of a file: `source`, `step` (the one before the boundary), `time_s`, `height` of the curve there, and `prominence`."""
    for key, found in zip(keys, peaks, strict=True):
        kept = found.above(threshold)
        yield {
            "source": [key] * len(kept.place),
            "step": kept.place,
            "time_s": kept.time_s,
            "height": kept.height.astype(np.float32),
            "prominence": kept.prominence.astype(np.float32),
        }


def compare(
    models: Sequence[Any],
    sources: Any,
    alignment: Alignment,
    choice: Choice,
    *,
    names: Sequence[str],
    device: str = "cpu",
    progress: Callable[[int, int], None] = silent,
) -> dict[str, Any]:
    """The table: every curve under every way to choose its threshold, on the test sources; one model per pre-training seed.

    Thresholds are chosen on validation sources (as `cpc probe` splits: 15 % of those outside the test), each seed its own; log Z is
    drawn from the sources in neither part.
    """
    parted = part(sources, Question(label="", alignment=alignment))
    at = {name: [i for i, p in enumerate(parted.part) if p == name] for name in ("train", "validation", "test")}
    truths = {name: [truth_of(alignment, sources.items[i].path.stem) for i in at[name]] for name in ("validation", "test")}
    both = at["validation"] + at["test"]
    found: dict[str, list[dict[str, list[Peaks]]]] = {}
    for number, model in enumerate(models):
        sample = None
        if SURPRISE in names:
            sample = marginal(model, sources, at["train"] or at["validation"], count=choice.samples, device=device)
        # A handmade curve is the same under every seed.
        wanted = [name for name in names if number == 0 or name != FLUX]
        made = curves(model, sources, both, wanted, sample, choice, device=device, progress=progress)
        for name, own in made.items():
            peaks = [find(curve) for curve in own]
            split = len(at["validation"])
            found.setdefault(name, []).append({"validation": peaks[:split], "test": peaks[split:]})
    seconds = sum(sources.length(i) for i in at["validation"]) / sources.rate
    rows = []
    for name, seeds in found.items():
        for how, threshold in ways(truths["validation"], seconds, choice).items():
            thresholds = [threshold(own["validation"]) for own in seeds]
            times = [[p.above(t).time_s for p in own["test"]] for own, t in zip(seeds, thresholds, strict=True)]
            rows.append(row(name, how, times, truths["test"], choice) | {"thresholds": thresholds})
    period = sum(t.seconds for t in truths["validation"]) / sum(len(t.true_s) for t in truths["validation"])
    even = [np.arange(0, sources.length(i) / sources.rate, period) for i in at["test"]]
    rows.append(row(EVEN, "validation labels", [even], truths["test"], choice) | {"thresholds": [period]})
    return {
        "tolerance_s": choice.tolerance_s,
        "k": choice.k,
        "lag": choice.lag,
        "validation": len(at["validation"]),
        "test": len(at["test"]),
        "boundaries": sum(len(truth.true_s) for truth in truths["test"]),
        "split": parted.how,
        "rows": rows,
    }


def threshold_of(peaks: Sequence[Peaks], seconds: float, choice: Choice) -> float:
    """Without labels: by rate where one was asked for, else by share. seconds: the length of all sources."""
    if choice.rate is None:
        return threshold_by_quantile(peaks, choice.share)
    return threshold_by_rate(peaks, seconds, choice.rate)


def ways(truths: Sequence[Truth], seconds: float, choice: Choice) -> dict[str, Callable[[Sequence[Peaks]], float]]:
    """Name -> the threshold that validation peaks get; only the first looks at labels, and those are of validation sources."""
    made: dict[str, Callable[[Sequence[Peaks]], float]] = {
        "validation labels": lambda peaks: threshold_by_labels(peaks, truths, tolerance_s=choice.tolerance_s),
        f"no labels, {1 - choice.share:.0%} of peaks": lambda peaks: threshold_by_quantile(peaks, choice.share),
    }
    if (rate := choice.rate) is not None:
        made[f"no labels, {rate:g} per second"] = lambda peaks: threshold_by_rate(peaks, seconds, rate)
    return made


def row(name: str, how: str, times: Sequence[Sequence[np.ndarray]], truths: Sequence[Truth], choice: Choice) -> dict[str, Any]:
    """One curve under one threshold, over seeds; F1 and R-value with their intervals over seeds and test sources."""
    counts_RSF = np.array(
        [[count(t, truth, choice.tolerance_s) for t, truth in zip(own, truths, strict=True)] for own in times]
    )
    made: dict[str, Any] = {"curve": name, "threshold": how, "seeds": len(times)}
    for key, lenient in (("one_to_one", False), ("lenient", True)):
        means = [asdict(Quality.of(Counts(*sums_F), lenient=lenient)) for sums_F in counts_RSF.sum(axis=1)]
        made[key] = {what: float(np.mean([mean[what] for mean in means])) for what in means[0]}
        for what in ("f1", "r_value"):
            interval = statistic_interval(
                counts_RSF, lambda s, w=what, f=lenient: getattr(Quality.of(Counts(*s), lenient=f), w)
            )
            made[key] |= {f"{what}_low": interval.low, f"{what}_high": interval.high}
    return made


def text(entry: Mapping[str, Any]) -> str:
    """The table for a terminal, in percent, best one-to-one R-value first."""
    lines: list[tuple[str, ...]] = [
        ("curve", "threshold", "seeds", "P", "R", "F1", "interval", "OS", "R-value", "interval", "lenient F1", "R-value")
    ]
    for row in sorted(entry["rows"], key=lambda row: -row["one_to_one"]["r_value"]):
        one = {what: f"{100 * value:.1f}" for what, value in row["one_to_one"].items()}
        lines.append(
            (
                *(row["curve"], row["threshold"], str(row["seeds"]), one["precision"], one["recall"], one["f1"]),
                *(
                    f"{one['f1_low']} to {one['f1_high']}",
                    f"{100 * row['one_to_one']['over_segmentation']:+.1f}",
                    one["r_value"],
                ),
                f"{one['r_value_low']} to {one['r_value_high']}",
                *(f"{100 * row['lenient'][what]:.1f}" for what in ("f1", "r_value")),
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    head = (
        f"{entry['boundaries']} boundaries in {entry['test']} test sources, tolerance {1000 * entry['tolerance_s']:g} ms, surprise at "
        f"k = {entry['k']}, others at lag {entry['lag']}; thresholds from {entry['validation']} validation sources; {entry['split']}"
    )
    body = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
    return "\n".join([head, *body])

"""The timeline of one source: how expected each step was given all before it, and what shuffling a stretch costs."""

from dataclasses import dataclass

import numpy as np

from torchcpc.contracts import CPCError, Written, check_rules, provides
from torchcpc.data.clips import Shuffled
from torchcpc.data.text.sentences import is_heading
from torchcpc.information.one_source import OneSource, find_source, source_pmi
from torchcpc.information.result import ShuffledStretch, Timeline
from torchcpc.information.scoring import SampleSpec
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import TrainedRun


@dataclass(frozen=True, slots=True)
class TimelineSpec:
    """Which source is shown, and how.

    Args:
        source: The key of the source. None: the longest.
        smooth: The number of steps to average. None: a hundredth of the source.
        shuffle: A stretch to shuffle and compare, as two shares of the source, such as (0.4, 0.6).
        seed: Seed of the shuffle.
        samples: The number of samples for log Z.
        marginal: The marginal distribution of the samples, see `SampleSpec`.
        correction: The correction of log Z, see `SampleSpec`.
    """

    source: str | None = None
    smooth: int | None = None
    shuffle: tuple[float, float] | None = None
    seed: int = 0
    samples: int = 4096
    marginal: str | None = None
    correction: str = "delta"

    def __post_init__(self) -> None:
        check_rules(self, smooth=(self.smooth is None or self.smooth >= 1, "at least 1 step"))
        if self.shuffle is not None and not 0 <= self.shuffle[0] < self.shuffle[1] <= 1:
            first, last = self.shuffle
            raise CPCError(f"shuffle = {first:g}:{last:g}: expected two shares of the source, for instance 0.4:0.6.")

    def find(self, run: TrainedRun, data: Data | None) -> OneSource:
        """Return the source, and samples for its log Z."""
        return find_source(run, data, SampleSpec(self.samples, self.marginal, self.correction), self.source)


def pmi_timeline(run: TrainedRun, data: Data | None, spec: TimelineSpec) -> Timeline:
    """Return the timeline of one source.

    Args:
        run: The run.
        data: The data that hold the source. Default: the held-out sources.
        spec: Which source, and how.

    Raises:
        CPCError: If the source is not found or too short, or there is no other source for log Z.
    """
    one = spec.find(run, data)
    return timeline_of(run, one, source_pmi(run, one), spec)


def timeline_of(run: TrainedRun, one: OneSource, pmi_KT: np.ndarray, spec: TimelineSpec) -> Timeline:
    """Return the timeline from PMI [K, T] that `source_pmi` computed."""
    stride, shuffled = run.model.encoder.stride, None
    width = max(1, one.length // stride // 100) if spec.smooth is None else spec.smooth
    if spec.shuffle is not None:
        first, last = (round(share * pmi_KT.shape[1]) for share in spec.shuffle)
        again_KT = source_pmi(run, one, Shuffled(one.sources, 0, first, last, stride=stride, seed=spec.seed))
        shuffled = compare_stretch(pmi_KT, again_KT, first, last, width)
    sentences = one.sources.text(0) if provides(one.sources, Written) else ()
    headings = tuple((step, sentence) for step, sentence in enumerate(sentences) if is_heading(sentence))
    mean, curve_KT = tuple(np.nanmean(pmi_KT, axis=1).tolist()), moving_mean(pmi_KT, width).round(4)
    horizons = tuple(run.model.predictor.horizons)
    return Timeline(one.item.key, run.domain.step, width, horizons, mean, curve_KT, headings, shuffled)


def moving_mean(value_KT: np.ndarray, width: int) -> np.ndarray:
    """Return the mean of the `width` values around each step, [K, T]. Missing values are left out, and NaN means that
    there is none.
    """
    known_KT = np.isfinite(value_KT)
    t_T = np.arange(value_KT.shape[1])
    low_T, high_T = np.maximum(t_T - (width - 1) // 2, 0), np.minimum(t_T + width // 2 + 1, len(t_T))
    running = (np.pad(terms.cumsum(axis=1), ((0, 0), (1, 0))) for terms in (np.where(known_KT, value_KT, 0.0), known_KT))
    sum_KT, count_KT = (terms[:, high_T] - terms[:, low_T] for terms in running)
    return np.where(count_KT > 0, sum_KT / np.maximum(count_KT, 1), np.nan)


def compare_stretch(ordered_KT: np.ndarray, shuffled_KT: np.ndarray, first: int, last: int, width: int) -> ShuffledStretch:
    """Return what shuffling the steps first .. last - 1 costs.

    Both means are over the same steps. The standard error of their difference comes from 20 blocks of neighbouring
    steps.

    Args:
        ordered_KT: PMI in the original order.
        shuffled_KT: PMI with the stretch shuffled.
        first: The first step of the stretch.
        last: One past its last step.
        width: The number of steps that the curve averages.
    """
    pair_KT = np.stack([pmi_KT[:, first:last] for pmi_KT in (ordered_KT, shuffled_KT)])
    parts = np.array_split(pair_KT[0] - pair_KT[1], min(20, last - first), axis=1)
    means_KG = np.stack([np.nanmean(part, axis=1) for part in parts], axis=1)
    error_K = means_KG.std(axis=1, ddof=1) / np.sqrt(means_KG.shape[1])
    numbers = (tuple(each_K.tolist()) for each_K in (*np.nanmean(pair_KT, axis=2), error_K))
    return ShuffledStretch(first, last, moving_mean(shuffled_KT, width).round(4), *numbers)

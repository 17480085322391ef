"""How expected each step of one source was by what came before it, and what a shuffled stretch of it costs."""

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError, Sources, Written, provides
from torchcpc.data.clips import Shuffled
from torchcpc.data.keys import Keys
from torchcpc.data.text.sentences import is_heading
from torchcpc.information.result import ShuffledStretch, Timeline
from torchcpc.information.scoring import SampleSpec, draw_sample, pmi_by_target, score_pairs, steps_in
from torchcpc.representations.rows import refuse_pictures
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample


def pmi_timeline(
    run: TrainedRun,
    sources: Sources,
    indices: Sequence[int],
    spec: SampleSpec,
    *,
    source: str | None = None,
    smooth: int | None = None,
    shuffle: tuple[float, float] | None = None,
    seed: int = 0,
) -> Timeline:
    """PMI along the source at `indices` whose key is `source` (None: the longest); log Z is drawn from the others. smooth: steps that are
    averaged, a hundredth of the source by default; shuffle: a stretch to put in another order and compare, as shares of the source; seed:
    of that order. Raises CPCError for an unknown source, one that is too short, or one without others."""
    keys, stride, horizons = Keys.of(sources.items[i] for i in indices), run.model.encoder.stride, run.model.predictor.horizons
    place = None if source is None else keys.one(source)
    if source is not None and place is None:
        raise CPCError(f"source {source!r} is none of {len(indices)} sources, for instance {', '.join(keys.keys[:5])}.")
    number = max(indices, key=sources.length) if place is None else indices[place]
    width = max(1, sources.length(number) // stride // 100) if smooth is None else smooth
    if width < 1:
        raise CPCError(f"smooth = {width}: at least 1 step.")
    if shuffle is not None and not 0 <= shuffle[0] < shuffle[1] <= 1:
        raise CPCError(f"shuffle = {shuffle[0]:g}:{shuffle[1]:g}: expected two shares of the source, for instance 0.4:0.6.")
    if not (others := [i for i in indices if i != number]):
        raise CPCError("log Z needs other sources than the one drawn: name more DATA.")
    sample, shuffled = draw_sample(run, sources, others, spec), None
    pmi_KT = source_pmi(run, sample, sources.select([number]), number)
    if shuffle is not None:
        first, last = (round(share * pmi_KT.shape[1]) for share in shuffle)
        again_KT = source_pmi(run, sample, Shuffled(sources, number, first, last, stride=stride, seed=seed), number)
        shuffled = compare_stretch(pmi_KT, again_KT, first, last, width)
    key = sources.items[number].key
    sentences = sources.text(number) if provides(sources, Written) else ()
    headings = tuple((step, sentence) for step, sentence in enumerate(sentences) if is_heading(sentence))
    mean, curve_KT = tuple(np.nanmean(pmi_KT, axis=1).tolist()), moving_mean(pmi_KT, width).round(4)
    return Timeline(key, run.domain.step, width, tuple(horizons), mean, curve_KT, headings, shuffled)


def source_pmi(run: TrainedRun, sample: Sample, source: Sources, number: int) -> np.ndarray:
    """[K, T] PMI in nats of step t as it was predicted k steps before, NaN where nothing predicts it. source: one source alone; number:
    its own in the numbers of the sample. Raises CPCError for one that is too short, or that has several sequences, such as a picture."""
    refuse_pictures(run.model, f"({source.items[0].key}) has no single timeline")
    found, horizons = list(steps_in(run, source, None, "scoring")), run.model.predictor.horizons
    total = len(found[0].z_TD) if found else 0
    if total <= min(horizons):
        raise CPCError(f"{total} steps: too few to predict {min(horizons)} ahead. Name a longer source.")
    return pmi_by_target(score_pairs(run.model, sample, found[0]._replace(source=number)), horizons, total)


def moving_mean(value_KT: np.ndarray, width: int) -> np.ndarray:
    """[K, T] mean of the `width` steps around each, of those that are there; NaN where there is none."""
    known_KT = np.isfinite(value_KT)
    t_T = np.arange(value_KT.shape[1])
    low_T, high_T = np.maximum(t_T - (width - 1) // 2, 0), np.minimum(t_T + width // 2 + 1, len(t_T))
    running = (np.pad(terms.cumsum(axis=1), ((0, 0), (1, 0))) for terms in (np.where(known_KT, value_KT, 0.0), known_KT))
    sum_KT, count_KT = (terms[:, high_T] - terms[:, low_T] for terms in running)
    return np.where(count_KT > 0, sum_KT / np.maximum(count_KT, 1), np.nan)


def compare_stretch(ordered_KT: np.ndarray, shuffled_KT: np.ndarray, first: int, last: int, width: int) -> ShuffledStretch:
    """What the shuffled stretch first .. last - 1 costs. The means in both orders hold the same steps. The standard error of their
    difference is that of 20 blocks of neighbouring steps; width: steps that are averaged in the curve."""
    pair_KT = np.stack([pmi_KT[:, first:last] for pmi_KT in (ordered_KT, shuffled_KT)])
    parts = np.array_split(pair_KT[0] - pair_KT[1], min(20, last - first), axis=1)
    means_KG = np.stack([np.nanmean(part, axis=1) for part in parts], axis=1)
    error_K = means_KG.std(axis=1, ddof=1) / np.sqrt(means_KG.shape[1])
    numbers = (tuple(each_K.tolist()) for each_K in (*np.nanmean(pair_KT, axis=2), error_K))
    return ShuffledStretch(first, last, moving_mean(shuffled_KT, width).round(4), *numbers)

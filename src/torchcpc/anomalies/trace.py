"""Scored series as small pictures: the range of each channel, the surprise, the alarms and the known anomalies, by bin."""

from collections.abc import Sequence

import numpy as np

from torchcpc.anomalies.result import SeriesTrace
from torchcpc.contracts import Channelled, Sources, provides

MOST_SOURCES, MOST_BINS, MOST_CHANNELS = 3, 500, 8
_DIGITS = 5


def traces(
    sources: Sources,
    times: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    threshold: float,
    truth: Sequence[np.ndarray | None] | None,
) -> tuple[SeriesTrace, ...]:
    """Return the sources with the most alarms, at most MOST_SOURCES. Sources without an alarm are included only if none
    has one.

    Args:
        sources: The sources.
        times: The time of each row of each source, in seconds.
        scores: The score of each row. NaN where there is none.
        threshold: A score above it is an alarm.
        truth: Above 0 where a row is known to be anomalous. None for a source, or for all, without labels.
    """
    alarms = [int((score_S > threshold).sum()) for score_S in scores]
    chosen = sorted(range(len(scores)), key=lambda index: -alarms[index])[:MOST_SOURCES]
    chosen = [index for index in chosen if alarms[index]] or chosen[:1]
    return tuple(
        trace(sources, index, times[index], scores[index], threshold, truth[index] if truth else None) for index in chosen
    )


def trace(
    sources: Sources, index: int, time_S: np.ndarray, score_S: np.ndarray, threshold: float, truth_S: np.ndarray | None
) -> SeriesTrace:
    """Return one source in at most MOST_BINS bins of equally many rows. The last bin may be shorter."""
    x_SF = sources.read(index, 0, sources.length(index))
    every = max(1, -(-len(x_SF) // MOST_BINS))
    starts = np.arange(0, len(x_SF), every)
    names = _names(sources, x_SF.shape[1])
    x_SF = x_SF[:, :MOST_CHANNELS].astype(np.float64)
    low_BF, high_BF = (reduce.reduceat(x_SF, starts, axis=0) for reduce in (np.fmin, np.fmax))
    known = np.zeros(0) if truth_S is None else np.maximum.reduceat((truth_S > 0).astype(np.int8), starts)
    return SeriesTrace(
        source=sources.items[index].key,
        every=every,
        rows=len(x_SF),
        time_s=time_S[starts].round(3),
        channels=tuple(names[:MOST_CHANNELS]),
        channels_left_out=max(0, len(names) - MOST_CHANNELS),
        low=_rounded(low_BF.T),
        high=_rounded(high_BF.T),
        surprise=np.fmax.reduceat(score_S, starts).round(4),
        alarms=np.add.reduceat((score_S > threshold).astype(np.int64), starts),
        known=known,
    )


def _names(sources: object, channels: int) -> tuple[str, ...]:
    """Return the names of the channels, or their numbers."""
    return sources.channels if provides(sources, Channelled) else tuple(str(n) for n in range(channels))


def _rounded(values: np.ndarray) -> np.ndarray:
    """Return the values with few digits, so that the file is small."""
    size = np.max(np.abs(values), initial=0.0, where=np.isfinite(values))
    return values.round(max(0, _DIGITS - 1 - int(np.floor(np.log10(size))))) if size else values

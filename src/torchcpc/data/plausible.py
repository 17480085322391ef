"""Find implausible values: so far from all others that they must be codes or faults."""

from collections.abc import Iterator

import numpy as np

from torchcpc.contracts import Skipped, Sources

# Distance in robust standard deviations. The heavy tails of rain, prices or movement do not reach so far.
FAR = 1_000
# The range between the quartiles of a normal distribution, and between its percentiles 1 and 99, in standard deviations.
_QUARTILES, _PERCENTILES = 1.349, 4.653
# Number of values from which medians are taken, and of values that are compared with them: one or two seconds of work.
_SAMPLED, _COMPARED = 1 << 22, 1 << 25
# From this many equal values on, an end of a channel counts as a code, a limit or a state of rest.
_REPEATED = 3
# Rows read at a time if not all are read.
_BLOCK = 256


def far_values(sources: Sources) -> list[Skipped]:
    """Return a note about each source with a value far from the median of its channel in all sources.

    "Far" means a thousand standard deviations. Every row counts, up to about ten million.

    Args:
        sources: The sources.
    """
    width = sources.read(0, 0, 1).shape[1:]
    if len(width) != 1:
        return []
    sampled = np.concatenate([x_SF for _, x_SF in _blocks(sources, _SAMPLED // width[0])]).astype(np.float64)
    channel_F = np.flatnonzero(np.isfinite(sampled).any(axis=0))
    median_F, spread_F = _middle(sampled[:, channel_F])
    farthest: dict[int, tuple[float, int, float]] = {}
    for index, x_SF in _blocks(sources, _COMPARED // width[0]):
        x_SF = x_SF[:, channel_F].astype(np.float64)
        away_SF = np.nan_to_num(np.abs(x_SF - median_F) / spread_F)
        row, channel = np.unravel_index(away_SF.argmax(), away_SF.shape)
        if (away := float(away_SF[row, channel])) > max(FAR, farthest.get(index, (0.0,))[0]):
            farthest[index] = (away, int(channel), float(x_SF[row, channel]))
    return [
        Skipped(
            str(sources.items[index].path or sources.items[index].key),
            f"channel {channel_F[channel]} (from 0) holds {value:g}, {away:.1e} standard deviations from its median {median_F[channel]:g}: "
            "leave it empty if it means missing, or take logarithms if such values are real",
        )
        for index, (away, channel, value) in farthest.items()
    ]


def _middle(x_SF: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (median, standard deviation) of each channel, robust to far values and to a frequent code.

    The deviation is infinite if a channel has only its lowest and its highest value.
    """
    median_F = np.nanmedian(x_SF, axis=0)
    for end_F in (np.nanmin(x_SF, axis=0), np.nanmax(x_SF, axis=0)):
        at_end_SF = x_SF == end_F
        x_SF = np.where(at_end_SF & (at_end_SF.sum(axis=0) >= _REPEATED), np.nan, x_SF)
    spread_F = np.full(len(median_F), np.inf)
    if (varied_F := np.isfinite(x_SF).any(axis=0)).any():
        low_F, first_F, third_F, high_F = np.nanpercentile(x_SF[:, varied_F], [1, 25, 75, 99], axis=0)
        # Take the wider of the two. Machines are at rest most of the time, so rare movement is no reason for doubt.
        spread_F[varied_F] = np.maximum((third_F - first_F) / _QUARTILES, (high_F - low_F) / _PERCENTILES)
    return median_F, np.where(spread_F > 0, spread_F, np.inf)


def _blocks(sources: Sources, rows: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield rows of sources by index: all rows, or about `rows` of them in evenly spread blocks."""
    indices = range(0, len(sources), -(-len(sources) * _BLOCK // max(rows, _BLOCK)))
    total = sum(sources.length(index) for index in indices)
    size = _BLOCK if total > rows else 1 << 16
    for index in indices:
        for start in range(0, sources.length(index), size * -(-total // max(rows, 1))):
            yield index, sources.read(index, start, size)

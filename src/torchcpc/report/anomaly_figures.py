"""The figure of a scored series: its channels, its surprise with the threshold, its alarms, and the known anomalies."""

from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from torchcpc.anomalies.result import AnomalyTable, SeriesTrace
from torchcpc.report import format
from torchcpc.report.fitted_axis import range_of
from torchcpc.report.palette import light
from torchcpc.report.panel import DASHES, WIDE
from torchcpc.report.svg import PageFigure

# Later times are dates (this is 1973), and earlier ones are durations.
_DATES = 1e8
_UNITS = ((2 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
_TRACK = 0.36


def series(trace: SeriesTrace, index: int, table: AnomalyTable) -> PageFigure:
    """Draw one series: a track for each channel, then the score with its threshold and alarms.

    Args:
        trace: The series.
        index: Its number on the page.
        table: The results of all series.
    """
    tracks, threshold = len(trace.channels), table.rows[0].threshold if table.rows else np.nan
    figure = Figure(figsize=(WIDE, 1.7 + _TRACK * tracks), layout=ConstrainedLayoutEngine(h_pad=0.01, hspace=0.0))
    axes: list[Axes] = figure.subplots(tracks + 1, 1, sharex=True, squeeze=False, height_ratios=[1.0] * tracks + [3.0])[
        :, 0
    ].tolist()
    x, unit, begin = _time(trace.time_s)
    step = float(np.median(np.diff(x))) if len(x) > 1 else 1.0
    edges = np.append(x, x[-1] + step)
    for place, (track, name) in enumerate(zip(axes, trace.channels, strict=False)):
        _channel(track, x, trace.low[place], trace.high[place], f"series-{index}-{place}")
        track.set_ylabel(format.lines(name, 22, 2), rotation=0, ha="right", va="center", fontsize=8.5)
    score = axes[-1]
    for place, track in enumerate(axes):
        for first, last in _stretches(trace.known > 0):
            track.axvspan(
                edges[first], edges[last], color=light("orange"), alpha=0.16, linewidth=0, gid=f"known-{place}-{first}"
            )
    score.plot(x, trace.surprise, color=light("blue"), linewidth=1.0, gid=f"surprise-{index}", drawstyle="steps-post")
    score.axhline(threshold, color=light("ink"), linestyle=DASHES, linewidth=1.2, gid=f"threshold-{index}")
    known = trace.surprise[np.isfinite(trace.surprise)]
    # A very low surprise is not an alarm, and it must not flatten the alarms.
    usual = float(np.quantile(known, 0.02)) if len(known) else threshold
    low, high = range_of([*known[known >= usual].tolist(), threshold], least=1e-6)
    score.set_ylim(low - 0.16 * (high - low), high + 0.06 * (high - low))
    alarmed = trace.alarms > 0
    marks = np.full(alarmed.sum(), low - 0.09 * (high - low))
    score.plot(x[alarmed] + step / 2, marks, "|", color=light("orange"), markersize=7, gid=f"alarms-{index}")
    score.set(xlabel=f"{unit}{begin}", ylabel="surprise\n(nats)" if table.rows[:1] else "surprise", xlim=(edges[0], edges[-1]))
    score.xaxis.set_major_locator(MaxNLocator(8))
    score.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at:,g}"))
    figure.align_ylabels(axes)
    parts = [
        f"Strokes at the bottom mark {format.plural(int(trace.alarms.sum()), 'row')} of {format.count(trace.rows)} with an alarm.",
        "The dashed line is the threshold.",
    ]
    if (trace.known > 0).any():
        parts.append("Shaded parts are labelled as anomalous.")
    if trace.every > 1:
        parts.append(f"Each point covers {trace.every} rows and shows the range of a channel and the highest surprise.")
    if trace.channels_left_out:
        parts.append(f"Not shown: {format.plural(trace.channels_left_out, 'more channel')}.")
    return PageFigure(f"series-{index}", f"Series {format.printable(trace.source)}", " ".join(parts), figure, wide=True)


def _channel(axes: Axes, x: np.ndarray, low: np.ndarray, high: np.ndarray, gid: str) -> None:
    if np.array_equal(low, high, equal_nan=True):
        axes.plot(x, low, color=light("slate"), linewidth=0.9, gid=gid)
    else:
        axes.fill_between(x, low, high, color=light("slate"), linewidth=0.5, gid=gid, step="post")
    axes.set(yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _stretches(which: np.ndarray) -> list[tuple[int, int]]:
    """Return the runs of true entries as (first, last + 1)."""
    changes = np.flatnonzero(np.diff(np.r_[0, which.astype(np.int8), 0]))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _time(time_s: np.ndarray) -> tuple[np.ndarray, str, str]:
    """Return the times in a suitable unit, the name of the unit, and for dates the moment from which they count."""
    span = float(time_s[-1] - time_s[0])
    _, size, unit = next(entry for entry in _UNITS if span >= entry[0] or entry[0] == 0)
    begin = ""
    if _DATES < time_s[0] < 1e11:
        begin = f" since {datetime.fromtimestamp(float(time_s[0]), UTC):%Y-%m-%d %H:%M:%S}"
        return (time_s - time_s[0]) / size, unit, begin
    return time_s / size, unit, begin

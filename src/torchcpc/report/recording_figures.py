"""The panels of the page of one source, on one common x axis: the signal, PMI and surprise."""

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from bokeh.layouts import gridplot
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    BoxZoomTool,
    ColumnDataSource,
    DatetimeTickFormatter,
    GlyphRenderer,
    GridPlot,
    Image,
    Legend,
    LegendItem,
    LinearColorMapper,
    PanTool,
    PlainText,
    Range1d,
    ResetTool,
    Span,
    Title,
    VSpan,
    VStrip,
    WheelZoomTool,
)
from bokeh.plotting import figure

from torchcpc.contracts import printable
from torchcpc.recording.result import Axis, CurvePair, RecordingView, Spectrogram, Trace
from torchcpc.report.palette import along, horizon, light

# Pixels.
TALL, LOW, LEFT, FOOT = 170, 100, 58, 44
# A source with more channels is drawn as one picture. Each channel is a row of colour.
MOST_PANELS, MOST_ROWS = 10, 200
# The columns of one picture. Browsers do not draw pictures that are wider than 32,767 pixels.
_TILE = 4096
_LABELS = {"second": "seconds", "row": "row", "sentence": "sentence"}
# Clock times are complete: 15:44, not :44.
_CLOCK = {"seconds": "%H:%M:%S", "minsec": "%H:%M:%S", "minutes": "%H:%M", "hourmin": "%H:%M", "hours": "%H:%M"}
_CLOCK |= {"days": "%d %b", "months": "%b %Y", "years": "%Y"}
_SHADES = [along((light("card"), light("blue"), light("ink")), n / 255) for n in range(256)]


def panels(view: RecordingView) -> GridPlot:
    """Return all panels, with one row of tools above them."""
    bounds = _x(view.axis, np.array([view.axis.first, view.axis.last])).tolist()
    x_range = Range1d(start=bounds[0], end=bounds[1], bounds=(bounds[0], bounds[1]), name="range")
    drawn = [*_signals(view, x_range), _pmi(view, x_range), _surprise(view, x_range)]
    marks = _marks(view)
    for panel in drawn:
        for glyph, source in marks:
            panel.add_glyph(source, glyph, level="underlay")
        panel.add_layout(
            Span(
                dimension="height",
                location=bounds[0],
                level="overlay",
                line_color=light("orange"),
                line_width=2,
                tags=["cursor"],
            )
        )
    for panel in drawn[:-1]:
        panel.xaxis.visible = False
    begin = np.datetime64(round(bounds[0]), "ms").item() if view.axis.name == "date" else None
    drawn[-1].xaxis.axis_label = f"time from {begin:%Y-%m-%d %H:%M:%S}" if begin else _LABELS[view.axis.name]
    drawn[-1].height = (drawn[-1].height or 0) + FOOT
    return gridplot(
        [[panel] for panel in drawn], sizing_mode="stretch_width", toolbar_location="above", toolbar_options={"logo": None}
    )


def _x(axis: Axis, x_P: np.ndarray) -> np.ndarray:
    """Return x as the page counts it. Dates are in milliseconds."""
    return x_P * 1000.0 if axis.name == "date" else x_P.astype(np.float64)


def _panel(view: RecordingView, x_range: Range1d, title: str, unit: str, height: int, low: float, high: float) -> figure:
    box = BoxZoomTool(dimensions="width")
    made = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=x_range,
        y_range=Range1d(start=low, end=high),
        x_axis_type="datetime" if view.axis.name == "date" else "linear",
        tools=[box, PanTool(dimensions="width"), WheelZoomTool(dimensions="width"), ResetTool()],
        active_drag=box,
        min_border_left=LEFT,
        min_border_right=12,
        background_fill_color=light("card"),
        border_fill_color=light("card"),
        outline_line_color=light("rule"),
    )
    heading = Title(text=PlainText(text=title))
    heading.update(text_font_size="13px", text_color=light("ink"), text_font="system-ui, sans-serif")
    made.add_layout(heading, "above")
    made.yaxis.axis_label = PlainText(text=unit)
    made.yaxis.ticker = BasicTicker(desired_num_ticks=3 if height < TALL else 5)
    for axis in (*made.xaxis, *made.yaxis):
        axis.update(
            axis_label_text_font_style="normal", axis_label_text_color=light("muted"), major_label_text_color=light("muted")
        )
        axis.update(axis_line_color=light("rule"), major_tick_line_color=light("rule"), minor_tick_line_color=None)
    made.grid.grid_line_color = light("rule")
    dates = DatetimeTickFormatter()
    dates.update(**_CLOCK)
    made.xaxis.formatter = dates if view.axis.name == "date" else BasicTickFormatter(use_scientific=False)
    return made


def _line(panel: figure, axis: Axis, trace: Trace, colour: str, name: str, width: float = 1.2) -> GlyphRenderer:
    """Draw a curve. The script of the page finds its data by `name`."""
    x_P = _x(axis, trace.x_P)
    columns = {"x": x_P if axis.name == "date" else x_P.astype(np.float32), "y": trace.y_P.astype(np.float32)}
    return panel.line("x", "y", source=ColumnDataSource(columns, name=name), line_color=colour, line_width=width)


def _pair(panel: figure, axis: Axis, pair: CurvePair, colours: tuple[str, str], name: str) -> list[GlyphRenderer]:
    """Draw a curve and its moving average. If there is an average, the curve is pale.

    Args:
        panel: The panel.
        axis: The x axis.
        pair: The curve and its moving average.
        colours: The colour of the curve, and of its average.
        name: The name of the data.

    Returns:
        What was drawn, the last first.
    """
    raw = _line(panel, axis, pair.raw, colours[0], name)
    if pair.smooth is None:
        return [raw]
    raw.glyph.update(line_alpha=0.4)
    return [_line(panel, axis, pair.smooth, colours[1], f"smooth-{name}", 2), raw]


def _span(traces: Sequence[Trace], *more: float) -> tuple[float, float]:
    """Return the ends of the y axis, a little beyond all known values."""
    known = np.concatenate([np.asarray(more, np.float64), *(trace.y_P[np.isfinite(trace.y_P)] for trace in traces)])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _signals(view: RecordingView, x_range: Range1d) -> Iterator[figure]:
    """Yield the waveform and its spectrogram, or the channels."""
    if view.sound is not None:
        (wave,) = view.signal
        reach = max(1e-6, 1.05 * float(np.abs(wave.y_P).max(initial=0)))
        panel = _panel(view, x_range, "Waveform", "amplitude", LOW, -reach, reach)
        _line(panel, view.axis, wave, light("blue"), "signal-0", 1)
        yield panel
        if view.spectrogram is not None:
            yield _spectrogram(view, view.spectrogram, x_range)
    elif len(view.signal) > MOST_PANELS:
        yield _heat(view, x_range)
    else:
        for number, trace in enumerate(view.signal):
            panel = _panel(view, x_range, printable(trace.name), "", LOW, *_span([trace]))
            _line(panel, view.axis, trace, light("blue"), f"signal-{number}")
            yield panel


def _spectrogram(view: RecordingView, picture: Spectrogram, x_range: Range1d) -> figure:
    top = picture.top_hz / 1000
    title = f"Spectrogram, the loudest {picture.floor_db:.0f} dB"
    panel = _panel(view, x_range, title, "kHz", TALL, 0, top)
    tiles = [picture.level_FT[:, first : first + _TILE] for first in range(0, picture.level_FT.shape[1], _TILE)]
    width = [tile.shape[1] * picture.step_s for tile in tiles]
    begin = view.axis.first + np.arange(len(tiles)) * _TILE * picture.step_s
    _image(panel, tiles, begin.tolist(), width, top)
    return panel


def _heat(view: RecordingView, x_range: Range1d) -> figure:
    """Draw many channels as rows of colour, each from its lowest to its highest value."""
    shown = view.signal[:MOST_ROWS]
    known_FP = np.stack([trace.y_P[: min(len(each.y_P) for each in shown)] for trace in shown])
    low_F1, high_F1 = (np.nan_to_num(reduce(known_FP, axis=1, keepdims=True)) for reduce in (np.nanmin, np.nanmax))
    level_FP = np.nan_to_num(255 * (known_FP - low_F1) / np.where(high_F1 > low_F1, high_F1 - low_F1, 1)).astype(np.uint8)
    rest = f", the first {MOST_ROWS} of them" if len(view.signal) > MOST_ROWS else ""
    title = f"{len(view.signal)} channels{rest}, from the lowest value (light) to the highest (dark) of each"
    panel = _panel(view, x_range, title, "channel", 2 * TALL, 0, len(shown))
    first, last = _x(view.axis, np.array([view.axis.first, view.axis.last])).tolist()
    tiles = [level_FP[:, begin : begin + _TILE] for begin in range(0, level_FP.shape[1], _TILE)]
    each = (last - first) / level_FP.shape[1]
    _image(
        panel,
        tiles,
        [first + n * _TILE * each for n in range(len(tiles))],
        [tile.shape[1] * each for tile in tiles],
        len(shown),
    )
    return panel


def _image(panel: figure, tiles: Sequence[np.ndarray], x: Sequence[float], width: Sequence[float], height: float) -> None:
    columns = {"image": list(tiles), "x": list(x), "dw": list(width)}
    mapper = LinearColorMapper(palette=_SHADES, low=0, high=255)
    panel.add_glyph(ColumnDataSource(columns), Image(image="image", x="x", y=0, dw="dw", dh=height, color_mapper=mapper))
    panel.grid.visible = False


def _pmi(view: RecordingView, x_range: Range1d) -> figure:
    unit = printable(view.timeline.unit)
    panel = _panel(
        view, x_range, f"PMI, predicted k {unit}s earlier", "nats", TALL + 24, *_span([pair.raw for pair in view.pmi], 0.0)
    )
    panel.add_layout(Span(dimension="width", location=0, line_color=light("ink"), line_dash="dashed", line_width=1))
    items = []
    for number, pair in enumerate(view.pmi):
        colour = horizon(number, len(view.pmi))
        drawn = _pair(panel, view.axis, pair, (colour, colour), f"pmi-{number}")
        items.append(LegendItem(label=pair.raw.name, renderers=drawn))
    legend = Legend(items=items, location="left", orientation="horizontal", click_policy="hide")
    legend.update(border_line_color=None, background_fill_alpha=0)
    legend.update(glyph_width=14, spacing=6, padding=0, margin=2, label_standoff=4)
    legend.update(label_text_font_size="12px", label_text_color=light("ink"))
    panel.add_layout(legend, "above")
    return panel


def _surprise(view: RecordingView, x_range: Range1d) -> figure:
    panel = _panel(
        view, x_range, f"Surprise, {view.surprise.raw.name}", "nats", TALL, *_span([view.surprise.raw], 0.0, view.threshold)
    )
    _pair(panel, view.axis, view.surprise, (light("violet"), light("ink")), "surprise")
    dash: Literal["dashed"] = "dashed"
    if np.isfinite(view.threshold):
        panel.add_layout(
            Span(dimension="width", location=view.threshold, line_color=light("orange"), line_dash=dash, line_width=1.5)
        )
    return panel


def _marks(view: RecordingView) -> list[tuple[VSpan | VStrip, ColumnDataSource]]:
    """Return boundaries as vertical lines and alarms as strips, with the same data for every panel."""
    made: list[tuple[VSpan | VStrip, ColumnDataSource]] = []
    if view.alarms:
        begin_P, end_P = _x(view.axis, np.array(view.alarms)).T
        strips = VStrip(
            x0="x0", x1="x1", fill_color=light("orange"), fill_alpha=0.25, line_color=light("orange"), line_alpha=0.5
        )
        made.append((strips, ColumnDataSource({"x0": begin_P, "x1": end_P}, name="alarms")))
    if view.boundaries:
        lines = VSpan(x="x", line_color=light("green"), line_width=1, line_alpha=0.6, tags=["boundary"])
        made.append((lines, ColumnDataSource({"x": _x(view.axis, np.array(view.boundaries))}, name="boundaries")))
    return made

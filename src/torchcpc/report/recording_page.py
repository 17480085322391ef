"""The page of one source: its panels, its sound and a common cursor, in one file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from torchcpc.contracts import counted, printable
from torchcpc.recording.result import RecordingView
from torchcpc.report import format
from torchcpc.report.palette import light
from torchcpc.report.style import stylesheet

HERE = Path(__file__).parent


def render(view: RecordingView) -> str:
    """Return the page as HTML."""
    from bokeh.embed import json_item
    from bokeh.resources import Resources

    from torchcpc.report.recording_figures import panels
    from torchcpc.report.sound import as_uri

    loader = FileSystemLoader(HERE)
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    uri, encoding = as_uri(view.sound) if view.sound else ("", "")
    return environment.get_template("recording.html.jinja").render(
        view=view,
        title=printable(view.timeline.source),
        style=Markup(stylesheet()),
        sound=uri,
        facts=_facts(view, encoding),
        chips=_chips(view),
        notes=[printable(note) for note in view.notes],
        sentences=list(_sentences(view)),
        table=Markup("".join(table.html() for table in view.timeline.tables())),
        library=Markup(Resources(mode="inline", components=["bokeh"]).render_js()),
        panels=_script(json_item(panels(view))),
        settings=_script(_settings(view)),
        script=Markup((HERE / "recording.js").read_text(encoding="utf8")),
    )


def _script(content: object) -> Markup:
    """Return JSON for a script element. No text inside can end the element."""
    return Markup(json.dumps(content).replace("<", "\\u003c"))


def _settings(view: RecordingView) -> dict[str, object]:
    """Return what the script of the page needs: the axis, and the names of the curves whose values are shown."""
    scale = 1000 if view.axis.name == "date" else 1
    read_out = [("pmi-0", f"PMI {view.pmi[0].raw.name}")] if view.pmi else []
    if not view.sound and len(view.signal) <= 10:
        read_out = [*((f"signal-{n}", printable(trace.name)) for n, trace in enumerate(view.signal)), *read_out]
    return {
        "axis": view.axis.name,
        "first": view.axis.first * scale,
        "last": view.axis.last * scale,
        "curves": [*read_out, ("surprise", "surprise")],
        "sentence": round(view.axis.first + 0.5) if view.sentences else None,
    }


def _facts(view: RecordingView, encoding: str) -> str:
    axis = view.axis
    size = axis.last - axis.first
    long = {
        "second": f"{format.number(size)} seconds",
        "date": f"{format.duration(size / 3600)}",
        "row": f"{format.count(round(size))} rows",
        "sentence": f"{format.count(round(size))} sentences",
    }[axis.name]
    heard = f" The sound is one channel at {view.sound.rate:,} Hz, as the model hears it ({encoding})." if view.sound else ""
    return f"{long}, scored by the run {printable(view.run)}.{heard}"


def _chips(view: RecordingView) -> list[tuple[str, str, str]]:
    """Return the legend of the marks as (style, colour, words)."""
    chips = [("line", light("orange"), "cursor")]
    if view.boundaries:
        chips.append(
            ("line", light("green"), f"{format.plural(len(view.boundaries), 'boundary').replace('boundarys', 'boundaries')}")
        )
    if np.isfinite(view.threshold):
        alarms = counted(len(view.alarms), "alarm") if view.alarms else "no alarm"
        chips.append(("strip", light("orange"), f"{alarms}: surprise above {format.nats(view.threshold)} nats (dashed)"))
    return chips


def _sentences(view: RecordingView) -> Iterator[tuple[int, str, str, str]]:
    """Yield the number, the text, the surprise in words, and a shade from 0 to 1 of each sentence."""
    surprise_S = np.array([surprise for _, surprise in view.sentences], np.float64)
    known_S = surprise_S[np.isfinite(surprise_S)]
    low, high = np.quantile(known_S, (0.05, 0.95)) if len(known_S) else (0.0, 1.0)
    first = round(view.axis.first + 0.5)
    for number, (text, surprise) in enumerate(view.sentences):
        shade = float(np.clip((surprise - low) / max(high - low, 1e-9), 0, 1)) if np.isfinite(surprise) else 0.0
        said = format.nats(surprise) if np.isfinite(surprise) else "\N{EN DASH}"
        yield first + number, printable(text), said, f"{shade:.2f}"

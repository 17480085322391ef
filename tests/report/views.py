"""Views of sources that nobody recorded, for the tests of the page."""

from __future__ import annotations

import numpy as np

from torchcpc.information.result import Timeline
from torchcpc.recording.result import Axis, CurvePair, RecordingView, Sound, Spectrogram, Trace

RATE = 8000


def curve(name: str, x_P: np.ndarray, seed: int) -> CurvePair:
    y_P = np.random.default_rng(seed).normal(size=len(x_P))
    return CurvePair(Trace(name, x_P, np.where(np.arange(len(x_P)) < 3, np.nan, y_P)), Trace(name, x_P, y_P / 3))


def timeline(source: str, unit: str, steps: int) -> Timeline:
    return Timeline(source, unit, 3, (1, 2), (0.5, 0.25), np.zeros((2, steps)))


def speech(seconds: float = 7.0, source: str = "a/b.wav") -> RecordingView:
    """A tone that rises, with two curves at 100 steps per second."""
    count = round(seconds * RATE)
    t_S = np.arange(count) / RATE
    x_T = np.arange(round(100 * seconds)) / 100
    sample_S = (0.5 * np.sin(2 * np.pi * (200 + 50 * t_S) * t_S)).astype(np.float32)
    level_FT = np.random.default_rng(0).integers(0, 256, (65, len(x_T)), dtype=np.uint8)
    return RecordingView(
        timeline(source, "step", len(x_T)),
        "run",
        Axis("second", 0.0, seconds),
        (Trace("amplitude", t_S[::97], sample_S[::97]),),
        (curve("k = 3", x_T, 1), curve("k = 5", x_T, 2)),
        curve("k = 3", x_T, 3),
        3,
        sound=Sound(sample_S, RATE),
        spectrogram=Spectrogram(level_FT, RATE / 2, 70.0, 0.01),
        boundaries=(0.53, 1.97, 3.01),
        notes=("log Z is drawn from others.",),
    )


def series(channels: int = 3, rows: int = 211, name: str = "pressure") -> RecordingView:
    """Rows a second apart on 13 November 2026, with two alarms."""
    x_P = 1.7946e9 + np.arange(rows)
    return RecordingView(
        timeline("valve.csv", "step", rows),
        "run",
        Axis("date", float(x_P[0]), float(x_P[-1])),
        tuple(curve(f"{name} {n}", x_P, n).raw for n in range(channels)),
        (curve("k = 1", x_P, 1),),
        curve("mean over all k", x_P, 3),
        3,
        threshold=1.5,
        alarms=((x_P[31], x_P[37]), (x_P[101], x_P[103])),
    )


def text(sentences: int = 53, words: str = "It was a dark night") -> RecordingView:
    x_P = np.arange(1.0, sentences + 1)
    surprise = curve("k = 1", x_P, 3)
    return RecordingView(
        timeline("emma.txt", "sentence", sentences),
        "run",
        Axis("sentence", 0.5, sentences + 0.5),
        (),
        (curve("k = 1", x_P, 1),),
        surprise,
        3,
        sentences=tuple((f"{words} {n}.", float(y)) for n, y in enumerate(surprise.raw.y_P)),
        boundaries=(11.5,),
    )

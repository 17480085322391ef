"""The page of one source as a file: what it holds, that nothing in it points outside, its size, and what is said without the library."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.report import views
from torchcpc.contracts import CPCError
from torchcpc.recording.result import Sound, Trace
from torchcpc.report import library, sound, write_recording_page
from torchcpc.report.recording_page import render

HOSTILE = '</script><script>alert("x")</script>'


def settings(text: str) -> dict:
    return json.loads(re.findall(r'<script type="application/json" id="settings">(.*?)</script>', text, re.DOTALL)[0])


def test_it_holds_all_and_points_nowhere(tmp_path: Path) -> None:
    path = write_recording_page(tmp_path / "page.html", views.speech())
    text = path.read_text(encoding="utf8")
    assert list(tmp_path.iterdir()) == [path]
    # What is ours, without the library: no address but those of data.
    ours = text[: text.index("<script")] + text[text.index('<script type="application/json" id="item">') :]
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", ours) and "default-src 'none'" in ours
    assert settings(text)["curves"] == [["pmi-0", "PMI k = 3"], ["surprise", "surprise"]]
    for words in ("7.00 seconds", "8,000 Hz", "(FLAC)", "3 boundaries", "log Z is drawn from others.", "k = 5"):
        assert words in text, words


def test_the_sound_is_that_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = views.speech().sound
    assert heard is not None
    for most, name, error in ((1 << 20, "FLAC", 1e-4), (1, "MP3", 0.05)):
        monkeypatch.setattr(sound, "_MOST_LOSSLESS", most)
        uri, encoding = sound.as_uri(heard)
        assert encoding == name
        sample_S, rate = soundfile.read(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))
        assert (rate, len(sample_S)) == (heard.rate, len(heard.sample_S))
        assert np.sqrt(np.mean((sample_S - heard.sample_S) ** 2)) < error
    # MP3 has no such rate.
    assert sound.as_uri(Sound(np.zeros(700, np.float32), 7_000))[1] == "FLAC"


@pytest.mark.parametrize("view", [views.speech(), views.series(), views.text()], ids=["speech", "series", "text"])
def test_names_are_text_and_nothing_else(view: views.RecordingView) -> None:
    named = replace(
        view,
        timeline=replace(view.timeline, source=HOSTILE, unit=HOSTILE),
        run=HOSTILE,
        signal=tuple(trace._replace(name=HOSTILE) for trace in view.signal),
        sentences=tuple((HOSTILE, surprise) for _, surprise in view.sentences),
        notes=(HOSTILE,),
    )
    text = render(named)
    assert HOSTILE not in text and "alert(" in text


def test_ten_minutes_make_a_page_below_ten_megabytes() -> None:
    rng = np.random.default_rng(0)
    noise_S = (0.1 * rng.normal(size=600 * 16_000)).astype(np.float32)
    view = views.speech()
    x_P = np.linspace(0, 600, 120_000)
    view = replace(
        view,
        axis=view.axis._replace(last=600.0),
        signal=(Trace("amplitude", x_P, rng.normal(size=120_000)),),
        pmi=tuple(views.curve(f"k = {k}", np.arange(16_666) * 0.036, k) for k in range(6)),
        surprise=views.curve("k = 3", np.arange(60_000) / 100, 7),
        spectrogram=view.spectrogram._replace(level_FT=rng.integers(0, 256, (86, 16_000), dtype=np.uint8))
        if view.spectrogram
        else None,
        sound=Sound(noise_S, 16_000),
    )
    # Noise is what compresses worst.
    assert len(render(view)) < 12e6


def test_many_channels_are_one_picture_and_one_sentence_is_enough() -> None:
    assert "37 channels" in render(views.series(channels=37))
    assert "dark night 0." in render(views.text(sentences=1))


def test_without_the_library_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(CPCError, match=r"pip install 'torchcpc\[pages\]'"):
        write_recording_page(tmp_path / "page.html", views.text())
    assert list(tmp_path.iterdir()) == [] and "torchcpc" in sys.modules

"""The domains by the name of their data. To add a domain, add a record here."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from torchcpc.baselines.raw import PIXELS, RAW_ROWS, RAW_WINDOWS
from torchcpc.baselines.speech import HANDMADE
from torchcpc.contracts import CPCError, Progress, Sources, silent
from torchcpc.data.arrays import digits
from torchcpc.data.audio.recordings import scan
from torchcpc.data.pictures.hub_images import hub_images
from torchcpc.data.pictures.images import scan_images
from torchcpc.data.series.series import scan_series
from torchcpc.data.synthetic import Process, named, simulate
from torchcpc.domains.record import DataSettings as DataSettings
from torchcpc.domains.record import Domain as Domain
from torchcpc.domains.record import Shape as Shape
from torchcpc.domains.record import Unit as Unit
from torchcpc.domains.record import doubts_of_channels
from torchcpc.domains.text import TEXT
from torchcpc.settings import Settings

_SPEAKERS = {"all": "speakers", "same_group": "speakers-same-group"}


def given(roots: Sequence[str | Path] = (), cache: Path | None = None, progress: Progress = silent) -> Sources:
    """Refuse to look for data: arrays in memory cannot be found in folders.

    Raises:
        CPCError: Always.
    """
    raise CPCError("this model was trained on arrays in memory, which no folder holds: give it sources (data.Arrays).")


def process_of(data: DataSettings, marginal: str) -> Process:
    """Return the process that made synthetic data. The ratio depends on the marginal only for speakers, the one process
    with groups.
    """
    name = data["process"]
    name = _SPEAKERS[marginal] if name.startswith("speakers") else name
    return named(name, bits=data["bits"], warped=data["warped"])


def _seconds(settings: Settings, sources: Sources) -> Unit:
    """Count training speed in seconds of audio."""
    return Unit("seconds of audio", sources.rate)


def _pictures(settings: Settings, sources: Sources) -> Unit:
    """Count training speed in pictures. A window holds one picture."""
    return Unit("pictures", settings["windows"]["length"])


def _rows_of_digits(data: DataSettings) -> Shape:
    """Return the shape of digits, 8 rows of 8 pixels."""
    return Shape((8,), 8)


def _square(data: DataSettings) -> Shape:
    """Return the shape of pictures: rows of pixels with one or three colours."""
    return Shape((data["size"], 1 if data["grey"] else 3), data["size"], ("size", "grey"))


def _rows_of_process(data: DataSettings) -> Shape:
    """Return the shape of a sequence of a synthetic process."""
    sample = process_of(data, "all").sample(2, 2, np.random.default_rng(0))
    return Shape(sample.x_BTD.shape[2:], data["steps"], ("process", "bits"))


_PATCHES = {"source": "picture", "step": "patch", "handmade": PIXELS, "unit": _pictures, "shape": _square}
_DIGITS = {"source": "picture", "step": "row", "handmade": RAW_ROWS, "unit": _pictures, "shape": _rows_of_digits}
_PROCESS = {"source": "sequence", "handmade": RAW_ROWS, "truth": process_of, "shape": _rows_of_process}
_RECORDS = (
    # Continuous speech has 8 to 13 phones per second.
    Domain(
        name="audio",
        reader=scan,
        sound=True,
        handmade=HANDMADE,
        boundary_rate=10.0,
        unit=_seconds,
        shape=lambda data: Shape(()),
    ),
    Domain(name="digits", reader=digits, needs_data=False, **_DIGITS),
    Domain(name="hub_images", reader=hub_images, needs_data=False, **_PATCHES),
    Domain(name="images", reader=scan_images, **_PATCHES),
    Domain(name="series", reader=scan_series, source="series", handmade=RAW_WINDOWS, doubts=doubts_of_channels),
    Domain(name="synthetic", reader=simulate, needs_data=False, **_PROCESS),
    TEXT,
    Domain(name="arrays", reader=given, needs_data=False, source="sequence", doubts=doubts_of_channels),
)
DOMAINS = {domain.name: domain for domain in _RECORDS}

"""Names of the columns of an alignment: the recording, the start and the end, or the sample."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from torchcpc.contracts import CPCError, nearest_name

_RECORDINGS = ("recording", "record", "path", "file_name", "filename", "file")
# Start and end in seconds, the plainest pair first, since a table may have several.
_INTERVALS = (
    *(("start_s", "end_s"), ("start", "end"), ("start_time", "end_time"), ("start_sec", "end_sec")),
    *(("start_seconds", "end_seconds"), ("begin_s", "end_s"), ("begin", "end"), ("begin_time", "end_time")),
    *(("onset_s", "offset_s"), ("onset", "offset"), ("start", "stop"), ("start_s", "stop_s"), ("begin", "stop")),
    *(("tmin", "tmax"), ("xmin", "xmax")),
)
# Start and duration in seconds, as in tables of events and in those of speech recognition.
_LASTING = tuple(
    (start, duration)
    for start in ("start_s", "start", "begin_s", "begin", "onset_s", "onset", "start_time", "begin_time")
    for duration in ("duration_s", "duration", "dur")
)
_SAMPLE = "sample"
KNOWN = frozenset((*_RECORDINGS, _SAMPLE, *(name for pair in (*_INTERVALS, *_LASTING) for name in pair)))
EXPECTED = "the columns recording, start, end (seconds) and the label, or recording, sample and the label"


class Form(NamedTuple):
    """The columns of a table of labels.

    Attributes:
        recording: Column of the recording.
        start: Column of the start.
        end: Column of the end.
        lasts: Whether `end` is a duration.
        events: Whether `start` and `end` are both the sample.
    """

    recording: str
    start: str
    end: str
    lasts: bool = False
    events: bool = False


def form_of(path: Path, names: Sequence[str], label: str) -> Form:
    """Return the columns of a table of labels.

    The column of the labels has no other meaning.

    Args:
        path: The table, for the error message.
        names: Names of its columns.
        label: Column of the labels.

    Raises:
        CPCError: If a column is missing.
    """
    own = [name for name in names if name != label]
    recording = next((name for name in _RECORDINGS if name in own), "")
    ends = [(pair, lasts) for pairs, lasts in ((_INTERVALS, False), (_LASTING, True)) for pair in pairs if {*pair} <= {*own}]
    missing = [] if recording else ["recording"]
    if not ends and _SAMPLE not in own:
        missing.append("start and end in seconds")
    if label not in names:
        missing.append(label)
    if missing:
        near = nearest_name(label, names) if label not in names else ""
        close = f" Did you mean {near!r}?" if near else ""
        raise CPCError(f"{path}: no column {', '.join(missing)} among {', '.join(names)}. It needs {EXPECTED}.{close}")
    if not ends:
        return Form(recording, _SAMPLE, _SAMPLE, events=True)
    (start, end), lasts = ends[0]
    return Form(recording, start, end, lasts)

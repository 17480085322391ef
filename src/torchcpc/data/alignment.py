"""Read frame labels from files: one class number for every step, -1 outside all labels.

Three formats are read:

- a table with one line per interval: recording, start, end, label;
- a table with one line per event, such as a heartbeat or a fault: recording, sample, label;
- the text files of the CPC paper: one line per recording, with its name and one integer for each 10 ms.

`data.alignment_columns` knows the names of columns. A table names a recording by its path, or by its file name if that is
unique (`data.keys`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from torchcpc.contracts import CPCError, Item, Skipped, Sources, counted
from torchcpc.data.alignment_columns import EXPECTED, KNOWN, Form, form_of
from torchcpc.data.files.rows import known_columns
from torchcpc.data.keys import Keys
from torchcpc.data.names import same_names

FRAME_S = 0.010
# Most digits of a position; no recording has more samples.
_LONGEST_NUMBER = 15
# If labels end at more than this many times the duration of most recordings, they are not in seconds. A frame of 10 ms is a
# hundredth of a second.
_FAR_BEHIND = 20

Spans = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Labelled intervals of recordings.

    An event ends where it starts, and labels one step.

    Attributes:
        names: Names of the classes, by number.
        spans: Arrays of start_s, end_s and class number for each recording. Times are in seconds, in order and without
            overlap.
        known: Recordings that the file names, if `spans` are those of sources.
        notes: Doubts about the file.
    """

    names: tuple[str, ...]
    spans: Mapping[str, Spans]
    known: tuple[str, ...] = ()
    notes: tuple[Skipped, ...] = ()

    def frames(
        self, recording: str, count: int, *, step_s: float = FRAME_S, begin_s: float = 0.0, delay_s: float = 0.0
    ) -> np.ndarray:
        """Return the class at the centre of each frame, -1 outside all intervals.

        The centre of frame t is at begin_s + (t + 1/2) * step_s - delay_s. An event labels the first frame whose centre is
        at or after it.

        Args:
            recording: Name of the recording.
            count: Number of frames.
            step_s: Duration of a frame in seconds.
            begin_s: Begin of the first frame within the recording, in seconds.
            delay_s: Seconds by which the labels precede the frames. A positive delay asks a causal context about its past.
                Choose it before you see results.

        Returns:
            Class numbers, int64 [count].

        Raises:
            CPCError: If the recording has no labels.
        """
        self.require([recording])
        start_s, end_s, label = self.spans[recording]
        end_s = np.where(end_s > start_s, end_s, start_s + step_s)
        centre_T = begin_s + (np.arange(count) + 0.5) * step_s - delay_s
        place_T = np.searchsorted(start_s, centre_T, side="right") - 1  # the last interval that starts at or before the centre
        inside_T = (place_T >= 0) & (centre_T < end_s[place_T])
        return np.where(inside_T, label[place_T], -1).astype(np.int64)

    def matched(self, sources: Sources) -> "Alignment":
        """Return the same labels by the keys of sources.

        Labels of other recordings are left out. For a source that is a stretch of a recording, times count from its begin.

        Args:
            sources: The sources.

        Raises:
            CPCError: If a recording may be any of several sources, or a source has several names.
        """
        items = sources.items
        files: dict[str, list[Item]] = {}
        for item in items:
            files.setdefault(item.part_of or item.key, []).append(item)
        whole, parts = Keys(list(files), [of_file[0].path for of_file in files.values()]), {item.key: item for item in items}
        spans: dict[str, Spans] = {}
        origin: dict[str, str] = {}
        for name, own in self.spans.items():
            number = None if (part := parts.get(name)) else whole.one(name)
            meant = [part] if part else [] if number is None else files[whole.keys[number]]
            for item in meant:
                if item.key in origin:
                    raise CPCError(
                        f"recordings {origin[item.key]!r} and {name!r} of the labels are both {item.key}; write one name."
                    )
                origin[item.key] = name
                spans[item.key] = own if part else _stretch(own, item) if item.part_of else own
        _check_unit(spans, {item.key: item.seconds for item in items})
        return replace(self, spans=spans, known=tuple(self.spans))

    def require(self, recordings: Iterable[str]) -> None:
        """Check that all recordings have labels.

        Args:
            recordings: Names of the recordings.

        Raises:
            CPCError: If some have none. The message names them.
        """
        if missing := [recording for recording in recordings if recording not in self.spans]:
            known, have = self.known or tuple(self.spans), counted(len(missing), "recording has", "recordings have")
            raise CPCError(
                f"{have} no labels ({_few(missing)}), while the labels name {len(known)} ({_few(known)}); name each by its path, or by "
                "its file name if that is unique; rename them, or leave them out."
            )


def _check_unit(spans: Mapping[str, Spans], seconds: Mapping[str, float]) -> None:
    """Check that the labels of most sources do not end long after the sources do.

    Labels of an excerpt of a longer recording also end after it, but not so long after.
    """
    ends = {key: float(end_s.max()) for key, (_, end_s, _) in spans.items() if len(end_s) and seconds[key] > 0}
    far = [key for key, end_s in ends.items() if end_s > _FAR_BEHIND * seconds[key]]
    if 2 * len(far) > len(ends):
        key = far[0]
        raise CPCError(
            f"the labels of {key} end at {ends[key]:g} s, and it lasts {seconds[key]:g} s: times seem to be in another unit, such as "
            "milliseconds or samples. Write seconds."
        )


def read_alignment(path: Path, *, column: str, rate: float = 1.0) -> Alignment:
    """Read a file of labels in the format that its suffix indicates.

    Args:
        path: The file. A .txt file is read by `read_steps`, any other by `read_table`.
        column: Column of the labels.
        rate: Samples per second, for events.

    Raises:
        CPCError: If the file does not have that format.
    """
    return read_steps(path) if path.suffix == ".txt" else read_table(path, column=column, rate=rate)


def read_table(path: Path, *, column: str, rate: float = 1.0) -> Alignment:
    """Read a table of intervals or of events.

    Classes are numbered in alphabetical order. An interval has a recording, a start and an end in seconds. An event has a
    recording and a sample.

    Args:
        path: The table.
        column: Column of the labels.
        rate: Samples per second, for events.

    Raises:
        CPCError: If a column is missing, a time is not a number, an interval does not end after it starts, or two overlap.
            The message names the line.
    """
    if not path.is_file():
        raise CPCError(f"{path}: cannot be read; labels are a CSV file with {EXPECTED}.")
    from torchcpc.data.tables import read

    table = read.read_table(path)
    names, notes = known_columns(path, table.columns, {*KNOWN, column})
    column = next(iter(same_names(column, names)), column)
    notes += [Skipped(str(path), note) for note in table.notes]
    form = form_of(path, names, column)
    records = [dict(zip(names, row.values(), strict=True)) for row in table.records(more=True, verbatim=table.columns)]
    classes = tuple(sorted({record[column] for record in records}))
    number = {name: n for n, name in enumerate(classes)}
    spans: dict[str, list[tuple[float, float, int]]] = {}
    for line, record in zip(table.lines, records, strict=True):
        recording, start, end, label = (record[name] for name in (form.recording, form.start, form.end, column))
        if not recording or not label:
            raise CPCError(f"{path}, line {line}: the recording or its {column} is missing; complete or remove the line.")
        if form.events and not (start.isascii() and start.isdigit() and len(start) <= _LONGEST_NUMBER):
            raise CPCError(
                f"{path}, line {line}: sample {start!r} must be a whole number from 0, the raw position of the event."
            )
        span = (int(start) / rate, int(start) / rate) if form.events else _seconds(path, line, form, start, end, table.decimal)
        spans.setdefault(recording, []).append((*span, number[label]))
    ordered = {recording: _ordered(path, recording, of_one) for recording, of_one in spans.items()}
    return Alignment(classes, ordered, notes=tuple(notes))


def read_steps(path: Path) -> Alignment:
    """Read a text file with one line per recording: its name, and one class number for each 10 ms.

    Classes are named by their numbers.

    Args:
        path: The file.

    Raises:
        CPCError: If a number is not a whole number from 0, or a recording is repeated. The message names the line.
    """
    spans: dict[str, Spans] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CPCError(f"{path}: cannot be read as UTF-8 text ({error}); expected a name and integers on each line.") from error
    for line, text in enumerate(lines, start=1):
        recording, *fields = text.split() or [""]
        if not recording:
            continue
        if not fields or not all(field.isascii() and field.isdigit() for field in fields):
            raise CPCError(f"{path}, line {line}: after {recording!r} there must be whole numbers from 0, one for every 10 ms.")
        if large := [field for field in fields if len(field) > 6]:
            raise CPCError(
                f"{path}, line {line}: class {large[0][:20]} after {recording!r} is above 999,999. Number the classes from 0."
            )
        if recording in spans:
            raise CPCError(f"{path}, line {line}: recording {recording!r} is listed twice; keep one line for it.")
        edges_s = np.arange(len(fields) + 1) * FRAME_S
        spans[recording] = (edges_s[:-1], edges_s[1:], np.array(fields, np.int64))
    if not spans:
        raise CPCError(f"{path}: no line with labels; expected a name and one integer for every 10 ms on each line.")
    highest = max(int(label.max()) for _, _, label in spans.values())
    return Alignment(tuple(str(n) for n in range(highest + 1)), spans)


def _seconds(path: Path, line: int, form: Form, start: str, end: str, decimal: str) -> tuple[float, float]:
    from torchcpc.data.tables.values import number

    try:
        start_s, end_s = number(start, decimal=decimal), number(end, decimal=decimal)
    except (TypeError, ValueError) as error:
        said = f"{form.start} {start!r} and {form.end} {end!r} must be numbers of seconds"
        raise CPCError(f"{path}, line {line}: {said}.") from error
    end_s += start_s if form.lasts else 0.0
    if not 0 <= start_s < end_s < float("inf"):
        raise CPCError(
            f"{path}, line {line}: from {start} s {'for' if form.lasts else 'to'} {end} s is not an interval; it must start at 0 s or "
            "later, and end after it starts."
        )
    return start_s, end_s


def _ordered(path: Path, recording: str, spans: list[tuple[float, float, int]]) -> Spans:
    start_s, end_s, label = (np.array(column) for column in zip(*sorted(spans), strict=True))
    # Times are rounded in text, so neighbours may seem to overlap slightly. A frame is 10,000 times longer than this
    # tolerance.
    for n in np.flatnonzero(start_s[1:] < end_s[:-1] - 1e-6):
        raise CPCError(
            f"{path}, recording {recording!r}: the interval from {start_s[n + 1]:g} s starts before the one from "
            f"{start_s[n]:g} s ends ({end_s[n]:g} s); a frame can have only one label: shorten one."
        )
    return start_s, end_s, label


def _stretch(spans: Spans, item: Item) -> Spans:
    """Return the spans within a stretch of a recording, in seconds from its begin."""
    start_s, end_s, label = spans[0] - item.begin_s, spans[1] - item.begin_s, spans[2]
    inside = ((end_s > 0) | (start_s >= 0)) & (start_s < item.seconds)
    return np.maximum(start_s, 0.0)[inside], np.minimum(end_s, item.seconds)[inside], label[inside]


def _few(items: Sequence[str], count: int = 5) -> str:
    return ", ".join(items[:count]) + (", ..." if len(items) > count else "")

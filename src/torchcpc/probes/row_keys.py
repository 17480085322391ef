"""The names of the rows of a probe: the key of the source, and where in it a row begins."""

from collections.abc import Sequence

from torchcpc.data.clips import Clips
from torchcpc.probes.rows import ClipRows


def row_keys(clips: Clips, rows: Sequence[ClipRows], step: float) -> list[str]:
    """Return the name of each row, for example "talk.wav" or "talk.wav at 1.25 s".

    Args:
        clips: The clips.
        rows: The rows of each clip.
        step: The raw positions of one step.

    Returns:
        The names in the order of `rows`. Places are in seconds, or in positions if there is no clock.
    """
    found = []
    for own in rows:
        clip = clips.items[own.clip]
        starts = [clip.start] if own.steps is None else (clip.start + own.steps * step).tolist()
        found += [f"{clip.key}{_at(start, clips.rate, clock=clip.seconds > 0)}" for start in starts]
    return found


def _at(start: float, rate: float, *, clock: bool) -> str:
    if not start:
        return ""
    return f" at {start / rate:.2f} s" if clock else f" at {start:g}"

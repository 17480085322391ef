"""One open sound file, decoded from any place on, to its real end."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile as sf

from torchcpc.data.audio.container import Container, View, container_of, last_page

# Samples decoded ahead of an excerpt of an MP3 file. Its frames borrow from those before them: up to 255 bytes, where the smallest
# frame has 11 for 576 samples (511 bytes, 60 and 1152 in MPEG-1). A decoder that starts among them is silent or wrong, not refused.
_MP3_RUN_UP = 1 << 14
# Samples of the longest block of Vorbis.
_VORBIS_BLOCK = 1 << 13
# A pipe that was put where a file has been must not be waited on.
_FLAGS = os.O_RDONLY | (os.O_BINARY if sys.platform == "win32" else os.O_NONBLOCK)
READING_ERRORS = (sf.LibsndfileError, OSError, RuntimeError, ValueError)


class Forward(sf.SoundFile):
    """A file that is read on from where it is. soundfile itself tells and seeks around every read, which takes as long as a short read
    does, and fails at the end of a stream of unknown length."""

    def seekable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Sound:
    """An open file, and what its container says."""

    file: Forward
    container: Container
    handle: int
    view: View | None

    def read(self, start: int, count: int) -> np.ndarray:
        """Frames start .. start+count: float32 [count, channels], shorter where the file ends."""
        run_up = min(start, self._run_up(start))
        if start > run_up:
            self.file.seek(start - run_up)
        return self.file.read(run_up + count, dtype="float32", always_2d=True)[run_up:]

    def _run_up(self, start: int) -> int:
        """How many frames before `start` are to be decoded for those from `start` on to be right."""
        if self.file.format == "MP3":
            return _MP3_RUN_UP
        if self.file.subtype == "VORBIS":
            place = os.lseek(self.handle, 0, os.SEEK_CUR)
            last = last_page(self.handle, self.container.end)
            os.lseek(self.handle, place, os.SEEK_SET)
            # Before that page too, since a block of samples overlaps with the one before it.
            return start - last + _VORBIS_BLOCK if start > last - _VORBIS_BLOCK else 0
        return 0

    def unread(self) -> int:
        """The bytes behind the place up to which the decoder has read."""
        return self.view.unread if self.view else max(0, self.container.end - os.lseek(self.handle, 0, os.SEEK_CUR))


@contextmanager
def open_sound(path: Path, frames: int = 0, *, search: bool = True) -> Iterator[Sound]:
    """Opens a file by its content, whatever its suffix. frames, search: see `container_of`. Raises one of READING_ERRORS."""
    # By number, since libsndfile takes what it does not know for raw samples where a name ends in .au, .snd, .gsm or .vox.
    handle = os.open(path, _FLAGS)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError("not a file (a pipe or a device)")
        if not status.st_size:
            raise OSError("the file is empty")
        container = container_of(handle, status.st_size, frames, search=search)
        os.lseek(handle, 0, os.SEEK_SET)
        view = None if container.plain else View(handle, container)
        with Forward(cast(BinaryIO, view) if view else handle, closefd=False) as file:
            yield Sound(file, container, handle, view)
    finally:
        os.close(handle)

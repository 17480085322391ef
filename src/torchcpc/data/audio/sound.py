"""An open sound file that is decoded from any position to its real end."""

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

# Samples decoded before an excerpt of an MP3 file. A frame borrows up to 255 bytes from earlier frames (511 in MPEG-1), and
# the smallest frame has 11 bytes for 576 samples (60 for 1152). A decoder that starts among them returns silence or wrong
# samples and no error.
_MP3_RUN_UP = 1 << 14
# Samples of the longest Vorbis block.
_VORBIS_BLOCK = 1 << 13
# Opening must not block if a pipe has replaced a file.
_FLAGS = os.O_RDONLY | (os.O_BINARY if sys.platform == "win32" else os.O_NONBLOCK)
READING_ERRORS = (sf.LibsndfileError, OSError, RuntimeError, ValueError)


class Forward(sf.SoundFile):
    """A sound file that is read onwards from its current position.

    soundfile would tell and seek around every read. That takes as long as a short read, and it fails at the end of a
    stream of unknown length.
    """

    def seekable(self) -> bool:
        """Claim that the file cannot seek, so that soundfile does not seek around reads."""
        return False


@dataclass(frozen=True, slots=True)
class Sound:
    """An open sound file and its container.

    Attributes:
        file: The open file for decoding.
        container: How the file is read.
        handle: Number of the open file.
        view: The view through which the decoder reads, or None if it reads the file itself.
    """

    file: Forward
    container: Container
    handle: int
    view: View | None

    def read(self, start: int, count: int) -> np.ndarray:
        """Read frames start .. start+count.

        Args:
            start: First frame.
            count: Number of frames.

        Returns:
            Samples as float32 [count, channels], fewer where the file ends.
        """
        run_up = min(start, self._run_up(start))
        if start > run_up:
            self.file.seek(start - run_up)
        return self.file.read(run_up + count, dtype="float32", always_2d=True)[run_up:]

    def _run_up(self, start: int) -> int:
        """Return how many frames before `start` must be decoded to make the later ones correct."""
        if self.file.format == "MP3":
            return _MP3_RUN_UP
        if self.file.subtype == "VORBIS":
            place = os.lseek(self.handle, 0, os.SEEK_CUR)
            last = last_page(self.handle, self.container.end)
            os.lseek(self.handle, place, os.SEEK_SET)
            # Start before that page too, because a block of samples overlaps with the one before it.
            return start - last + _VORBIS_BLOCK if start > last - _VORBIS_BLOCK else 0
        return 0

    def unread(self) -> int:
        """Return the number of bytes that the decoder has not read yet."""
        return self.view.unread if self.view else max(0, self.container.end - os.lseek(self.handle, 0, os.SEEK_CUR))


@contextmanager
def open_sound(path: Path, frames: int = 0, *, search: bool = True) -> Iterator[Sound]:
    """Open a sound file by its content, whatever its suffix.

    Args:
        path: Sound file.
        frames: See `container_of`.
        search: See `container_of`.

    Raises:
        READING_ERRORS: If the file cannot be opened.
    """
    # Open by number: libsndfile treats an unknown file named .au, .snd, .gsm or .vox as raw samples.
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

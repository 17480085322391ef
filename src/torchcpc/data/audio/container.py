"""Read the declared length from the container of a sound file, and correct it where it is wrong or missing.

Streams are written before their length is known. Their headers therefore hold 0 or the largest possible number. MP3
files may declare no length, and decoders then guess one from the first frame. Some files are cut, and some hold several
recordings in a row.
"""

import os
import re
import struct
from dataclasses import dataclass, replace

# First bytes of the files that libsndfile reads. The last alternatives are MPEG frames and the tag before them.
SOUND_HEADER = re.compile(
    rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE|FORM....(AIF[FC]|8SVX|16SV)|fLaC|OggS|\.snd|dns\.|caff|riff\x2e\x91\xcf\x11|NIST_1A|"
    rb"Creative Voice File|ID3[\x02-\x04]|\xff[\xfa\xfb\xf2\xf3\xe2\xe3][\x10-\xeb]",
    re.DOTALL,
)

# If a declared size exceeds the file, it marks a stream from this many bytes on. A smaller one marks a cut file.
_STREAM = 1_900_000_000
_UNKNOWN_32 = b"\xff\xff\xff\xff"
# For an open end, the decoder is given this many times the size of the file. Frames of one MPEG file differ in size by a
# factor of at most 40.
_FARTHER = 64
_MOST_CHUNKS = 10_000
# Bytes searched at a time.
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Container:
    """How to read a sound file.

    Attributes:
        patch: A position and the bytes to read there in place of the stored ones.
        begin: First byte that is read.
        end: End of the bytes that are read.
        bounded: Whether bytes after `end` would disturb the decoder.
        open_end: Whether the end is hidden from the decoder.
        streamed: Whether the length is unknown until the file is decoded.
        appended: Whether another recording follows in the same file.
        trailed: Whether the bytes after the samples are known not to be sound.
        cut: Reason why the file is incomplete, or "".
    """

    patch: tuple[int, bytes] | None = None
    begin: int = 0
    end: int = 0
    bounded: bool = False
    open_end: bool = False
    streamed: bool = False
    appended: bool = False
    trailed: bool = False
    cut: str = ""

    @property
    def plain(self) -> bool:
        """Whether a decoder can read the file unchanged."""
        return not (self.patch or self.begin or self.open_end or self.bounded)


class View:
    """A file as its `Container` describes it, in the form of an open file for soundfile."""

    def __init__(self, handle: int, container: Container) -> None:
        self._handle, self._container, self._at = handle, container, 0
        self._size = container.end - container.begin
        self._told = self._size * _FARTHER + (1 << 20) if container.open_end else self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position, as files do."""
        self._at = max(0, offset + (0, self._at, self._told)[whence])
        return self._at

    def tell(self) -> int:
        """Return the current position."""
        return self._at

    @property
    def unread(self) -> int:
        """The bytes after the current position."""
        return max(0, self._size - self._at)

    def readinto(self, into: bytearray) -> int:
        """Fill the buffer `into` with the bytes that are there, and return their number."""
        place = self._container.begin + self._at
        data = bytearray(read_at(self._handle, min(len(into), max(0, self._size - self._at)), place))
        if not data and self._container.open_end and self._told - 128 <= self._at < self._told:
            data = bytearray(min(len(into), 128))  # a decoder looks for a tag at the end it was given
        if self._container.patch:
            begin, new = self._container.patch
            for n in range(max(begin, place), min(begin + len(new), place + len(data))):
                data[n - place] = new[n - begin]
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_at(handle: int, count: int, place: int, head: bytes = b"") -> bytes:
    """Read at most `count` bytes of an open file from `place` on.

    Args:
        handle: Number of the open file.
        count: Number of bytes.
        place: Position of the first byte.
        head: First bytes of the file, if they were read before.
    """
    if place + count <= len(head):
        return head[place : place + count]
    os.lseek(handle, place, os.SEEK_SET)
    return os.read(handle, count)


def container_of(handle: int, size: int, frames: int = 0, *, search: bool = True) -> Container:
    """Return how an open sound file should be read.

    A file of an unknown kind is read unchanged.

    Args:
        handle: Number of the open file.
        size: Size of the file in bytes.
        frames: Frames of the file, 0 if unknown.
        search: Whether to search the whole file for a second recording. Some formats do not declare one.
    """
    head = read_at(handle, 4096, 0)
    whole = Container(end=size)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return _chunks(handle, head, whole, "<" if head[:4] != b"RIFX" else ">", head[:4] == b"RF64")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _chunks(handle, head, whole, ">", False)
    if head[:4] == b".snd":
        return _au(head, whole)
    if head[:4] == b"caff":
        return _caf(handle, whole)
    if head[:4] == b"fLaC":
        return _flac(handle, head, whole, frames, search)
    if head[:4] == b"OggS":
        return _ogg(handle, whole) if search else whole
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return _mpeg(handle, head, whole)
    return whole


def _chunks(handle: int, start: bytes, whole: Container, order: str, wide: bool) -> Container:
    """Return the container of a RIFF or AIFF file. libsndfile silently corrects sizes of chunks that exceed the file."""
    at, frame, size64, place64 = 12, 1, 0, 0
    for _ in range(_MOST_CHUNKS):
        if len(head := read_at(handle, 8, at, start)) < 8:
            break
        name, size = head[:4], struct.unpack(order + "I", head[4:])[0]
        begin = at + 8
        if name == b"fmt " and len(form := read_at(handle, 16, begin, start)) == 16:
            frame = max(1, struct.unpack(order + "H", form[12:14])[0])
        elif name == b"ds64" and wide and len(form := read_at(handle, 16, begin, start)) == 16:
            size64, place64 = struct.unpack("<Q", form[8:16])[0], begin + 8
        elif name in (b"data", b"SSND"):
            present = whole.end - begin
            if wide and place64 and size == 0xFFFF_FFFF:
                size, patch = size64, (place64, struct.pack("<Q", present))
            else:
                patch = (at + 4, _UNKNOWN_32)
            if size == 0 and present >= frame and not _trailing(handle, begin, whole.end, order)[1]:
                # libsndfile reads an AIFF file without a size to its end, so it needs no patch.
                return replace(whole, patch=patch if name == b"data" else None, streamed=True)
            if size // frame > present // frame:
                if size >= _STREAM and present < size // 2:
                    return replace(whole, patch=patch if wide and place64 else None, streamed=True)
                return replace(whole, cut=f"truncated: {present} of {size} bytes of samples are there")
            end, known = _trailing(handle, begin + size + size % 2, whole.end, order)
            return _ending(Container(end=whole.end, trailed=known), end if end < whole.end else 0)
        at = begin + size + size % 2
    return whole


def _trailing(handle: int, at: int, end: int, order: str) -> tuple[int, bool]:
    """Return where the file ends or another recording begins, and whether only chunks or zeros come before that."""
    for _ in range(_MOST_CHUNKS):
        if at + 8 > end:
            return end, True
        head = read_at(handle, 12, at)
        if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"FORM") and head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):
            return at, True
        if not re.fullmatch(rb"[ -~]{4}", head[:4]):
            return end, not any(read_at(handle, 1 << 16, at))
        size = struct.unpack(order + "I", head[4:8])[0]
        at += 8 + size + size % 2
    return end, True


def _au(head: bytes, whole: Container) -> Container:
    """Return the container of a Sun .au file. libsndfile knows only the format's marker of an unknown size, 0xFFFFFFFF."""
    if len(head) < 24:
        return whole
    begin, size = struct.unpack(">II", head[4:12])
    present = whole.end - begin
    if size == 0xFFFF_FFFF or (present > 0 and (size == 0 or (size >= _STREAM and present < size // 2))):
        return replace(whole, patch=(8, _UNKNOWN_32), streamed=True)
    return replace(whole, cut=f"truncated: {present} of {size} bytes of samples are there") if size > present else whole


def _caf(handle: int, whole: Container) -> Container:
    """Return the container of an Apple CAF file. Its last chunk may have the size -1, which means unknown."""
    at = 8
    for _ in range(_MOST_CHUNKS):
        if len(head := read_at(handle, 12, at)) < 12:
            break
        name, size = head[:4], struct.unpack(">q", head[4:])[0]
        present = whole.end - at - 12
        if name == b"data":
            if size <= 0 or (size >= _STREAM and present < size // 2):
                return replace(whole, patch=(at + 4, struct.pack(">q", present)), streamed=True)
            return replace(whole, cut=f"truncated: {present} of {size} bytes of samples are there") if size > present else whole
        if size < 0:
            break
        at += 12 + size
    return whole


def _flac(handle: int, head: bytes, whole: Container, frames: int, search: bool) -> Container:
    """Return the container of a FLAC file. If its sample count is zero, it is unknown, and a decoder cannot seek."""
    if len(head) < 26:
        return whole
    streamed = not head[21] & 0x0F and not any(head[22:26])
    total = head[21] | frames >> 32 & 0x0F, frames & 0xFFFF_FFFF
    patch = (21, struct.pack(">BI", *total)) if streamed and frames else None
    again = _find(handle, 4, b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22") if search else 0
    return _ending(replace(whole, patch=patch, streamed=streamed), again)


def _ogg(handle: int, whole: Container) -> Container:
    """Return the container of an Ogg file. In a chain of recordings, first pages follow other pages."""
    others = _find(handle, 0, b"OggS\0\0", b"OggS\0\1")
    return _ending(whole, _find(handle, others, b"OggS\0\2") if others else 0)


def last_page(handle: int, end: int) -> int:
    """Return the frame at which the last page of an Ogg Vorbis file begins.

    libsndfile seeks to wrong places in that page, because its samples are cut. `end` is the end of the file in bytes.
    """
    tail = read_at(handle, min(end, 1 << 17), max(0, end - (1 << 17)))
    before = tail.rfind(b"OggS", 0, max(0, tail.rfind(b"OggS")))
    return max(0, struct.unpack("<q", tail[before + 6 : before + 14])[0]) if before >= 0 else 0


def _ending(whole: Container, second: int) -> Container:
    """Return the container that ends where a second recording begins. Without the end, a decoder that seeks would stray into
    it.
    """
    return replace(whole, end=second, bounded=True, appended=True) if second else whole


def _find(handle: int, begin: int, *wanted: bytes) -> int:
    """Return the first position of any of some byte strings of equal length, or 0."""
    kept, place = b"", begin
    while block := read_at(handle, _BLOCK, place):
        joined = kept + block
        if found := [at for what in wanted if (at := joined.find(what)) >= 0]:
            return place - len(kept) + min(found)
        place += len(block)
        kept = joined[1 - len(wanted[0]) :]
    return 0


def _mpeg(handle: int, head: bytes, whole: Container) -> Container:
    """Return the container of an MPEG audio file. Only a first frame named Xing or Info declares its frames and bytes."""
    begin, end = 0, _before_tags(handle, whole.end)
    while head[:3] == b"ID3" and len(head) >= 10:
        a, b, c, d = head[6:10]
        begin += 10 + ((a & 127) << 21 | (b & 127) << 14 | (c & 127) << 7 | (d & 127)) + (10 if head[5] & 16 else 0)
        head = read_at(handle, 4096, begin)
    if len(head) < 200 or head[0] != 0xFF or head[1] < 0xE0:
        return whole
    tag = next((head.find(name, 0, 48) for name in (b"Xing", b"Info") if name in head[:48]), -1)
    flags = struct.unpack(">I", head[tag + 4 : tag + 8])[0] if tag > 0 else 0
    if not flags & 1:
        return Container(begin=begin, end=end, open_end=True, streamed=True)
    if flags & 2:
        own = struct.unpack(">I", head[tag + 12 : tag + 16])[0]
        behind, second = read_at(handle, 3, begin + own), head.find(head[:2], tag + 8)
        another = behind == b"ID3" or (behind[:1] == b"\xff" and behind[1:2] >= b"\xe0")
        if another and second > 0 and end > begin + own:
            # Without its first frame, nothing marks the end of the first of several recordings.
            return Container(begin=begin + second, end=end, open_end=True, streamed=True)
    return replace(whole, end=end)


def _before_tags(handle: int, end: int) -> int:
    """Return where the tags at the end begin: ID3v1, and APE before it."""
    if read_at(handle, 3, max(0, end - 128)) == b"TAG":
        end -= 128
    footer = read_at(handle, 32, max(0, end - 32))
    if footer[:8] == b"APETAGEX":
        size, _, flags = struct.unpack("<III", footer[12:24])
        end = max(0, end - size - (32 if flags >> 31 else 0))
    return end

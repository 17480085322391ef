"""What the container of a sound file declares of its length, and how the file is to be read where that is wrong or missing.

Streams are written before their length is known, so that their headers hold 0 or the largest number there is. MP3 files may have no
length at all, and decoders then guess one from the first frame. Files may also be cut, or hold several recordings in a row.
"""

import os
import re
import struct
from dataclasses import dataclass, replace

# What begins files that libsndfile reads: the last are MPEG frames, or a tag before them.
SOUND_HEADER = re.compile(
    rb"RIFF....WAVE|RIFX....WAVE|RF64....WAVE|FORM....(AIF[FC]|8SVX|16SV)|fLaC|OggS|\.snd|dns\.|caff|riff\x2e\x91\xcf\x11|NIST_1A|"
    rb"Creative Voice File|ID3[\x02-\x04]|\xff[\xfa\xfb\xf2\xf3\xe2\xe3][\x10-\xeb]",
    re.DOTALL,
)

# Bytes from which on a size that the file does not have is that of a stream, not of a file that was cut.
_STREAM = 1_900_000_000
_UNKNOWN_32 = b"\xff\xff\xff\xff"
# An open end is told as so many times the bytes there are: MPEG frames of one file differ in size by a factor of 40 at most.
_FARTHER = 64
_MOST_CHUNKS = 10_000
# Bytes that are searched at once.
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Container:
    """How to read a file. patch: a place in it and what is read there instead; begin, end: the bytes that are read; bounded:
    whether the decoder would mind those behind; open_end: the decoder
    is not told where it ends; streamed: its length is unknown until it is decoded; appended: another recording follows the one that is
    read; trailed: what follows the samples is known and no sound; cut: the reason why it is not whole."""

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
        """Whether a decoder may have the file as it is."""
        return not (self.patch or self.begin or self.open_end or self.bounded)


class View:
    """A file as `container` says it is to be read: what soundfile takes for an open file."""

    def __init__(self, handle: int, container: Container) -> None:
        self._handle, self._container, self._at = handle, container, 0
        self._size = container.end - container.begin
        self._told = self._size * _FARTHER + (1 << 20) if container.open_end else self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._told)[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    @property
    def unread(self) -> int:
        return max(0, self._size - self._at)

    def readinto(self, into: bytearray) -> int:
        """Fills `into` as far as there is something to read; the number of bytes."""
        place = self._container.begin + self._at
        data = bytearray(read_at(self._handle, min(len(into), max(0, self._size - self._at)), place))
        if not data and self._container.open_end and self._told - 128 <= self._at < self._told:
            data = bytearray(min(len(into), 128))  # a decoder looks for a tag at the end that it was told
        if self._container.patch:
            begin, new = self._container.patch
            for n in range(max(begin, place), min(begin + len(new), place + len(data))):
                data[n - place] = new[n - begin]
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


def read_at(handle: int, count: int, place: int, head: bytes = b"") -> bytes:
    """At most `count` bytes of an open file from `place` on. head: its beginning, if that has been read."""
    if place + count <= len(head):
        return head[place : place + count]
    os.lseek(handle, place, os.SEEK_SET)
    return os.read(handle, count)


def container_of(handle: int, size: int, frames: int = 0, *, search: bool = True) -> Container:
    """What the header of an open file says; a file of an unknown kind is read as it is. frames: of the file, if they are known; search:
    whether a whole file is searched for a second recording, where no header tells of one."""
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
    """RIFF and AIFF: chunks of a name, a size and that many bytes. libsndfile silently corrects sizes that a file does not have."""
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
                # libsndfile itself reads an AIFF file of no size to its end.
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
    """Where the file ends, or another recording begins; and whether only chunks, or next to nothing, stand before that."""
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
    """Sun's .au: 0xFFFFFFFF is its own word for an unknown size, and the only one that libsndfile knows."""
    if len(head) < 24:
        return whole
    begin, size = struct.unpack(">II", head[4:12])
    present = whole.end - begin
    if size == 0xFFFF_FFFF or (present > 0 and (size == 0 or (size >= _STREAM and present < size // 2))):
        return replace(whole, patch=(8, _UNKNOWN_32), streamed=True)
    return replace(whole, cut=f"truncated: {present} of {size} bytes of samples are there") if size > present else whole


def _caf(handle: int, whole: Container) -> Container:
    """Apple's CAF: -1 is an unknown size, of the last chunk only."""
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
    """FLAC: no samples in all means that their number is unknown, and a decoder that does not know it cannot seek."""
    if len(head) < 26:
        return whole
    streamed = not head[21] & 0x0F and not any(head[22:26])
    total = head[21] | frames >> 32 & 0x0F, frames & 0xFFFF_FFFF
    patch = (21, struct.pack(">BI", *total)) if streamed and frames else None
    again = _find(handle, 4, b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22") if search else 0
    return _ending(replace(whole, patch=patch, streamed=streamed), again)


def _ogg(handle: int, whole: Container) -> Container:
    """Ogg: in a chain, first pages stand behind other pages."""
    others = _find(handle, 0, b"OggS\0\0", b"OggS\0\1")
    return _ending(whole, _find(handle, others, b"OggS\0\2") if others else 0)


def last_page(handle: int, end: int) -> int:
    """The frame at which the last page of an Ogg Vorbis file begins. libsndfile seeks to wrong places in it, as its samples are cut."""
    tail = read_at(handle, min(end, 1 << 17), max(0, end - (1 << 17)))
    before = tail.rfind(b"OggS", 0, max(0, tail.rfind(b"OggS")))
    return max(0, struct.unpack("<q", tail[before + 6 : before + 14])[0]) if before >= 0 else 0


def _ending(whole: Container, second: int) -> Container:
    """The container where another recording begins at `second`, if that is not 0. A decoder that seeks would stray into it."""
    return replace(whole, end=second, bounded=True, appended=True) if second else whole


def _find(handle: int, begin: int, *wanted: bytes) -> int:
    """The first place of any of some byte strings of one length, 0 if there is none."""
    kept, place = b"", begin
    while block := read_at(handle, _BLOCK, place):
        joined = kept + block
        if found := [at for what in wanted if (at := joined.find(what)) >= 0]:
            return place - len(kept) + min(found)
        place += len(block)
        kept = joined[1 - len(wanted[0]) :]
    return 0


def _mpeg(handle: int, head: bytes, whole: Container) -> Container:
    """MPEG audio: only a first frame called Xing or Info knows how many frames and bytes follow."""
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
            # Without its first frame nothing says where the first of several recordings ends.
            return Container(begin=begin + second, end=end, open_end=True, streamed=True)
    return replace(whole, end=end)


def _before_tags(handle: int, end: int) -> int:
    """Where the tags begin that stand at the end: ID3v1, and APE before it."""
    if read_at(handle, 3, max(0, end - 128)) == b"TAG":
        end -= 128
    footer = read_at(handle, 32, max(0, end - 32))
    if footer[:8] == b"APETAGEX":
        size, _, flags = struct.unpack("<III", footer[12:24])
        end = max(0, end - size - (32 if flags >> 31 else 0))
    return end

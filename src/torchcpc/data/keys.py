"""Which source is meant by the name that a table or a person gives it.

A name is a path relative to any folder above the source, with or without the suffix; a bare file name is one of one part. It means a source
only where it fits no other: two sources of one name are told apart by their folders, never by their order.
"""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torchcpc.contracts import CPCError, Item

_SUFFIX = re.compile(r"(.*?[^/])\.[^./#@]+((?:#\d+|@[\d.]*-[\d.]*)?)", re.DOTALL)


def one_spelling(path: str) -> str:
    """File systems and editors compose accents differently; ./a//b is a/b."""
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def without_suffix(path: str) -> str:
    """a/b.wav as a/b. What tells several sources of one file apart (a.npz#3, a.wav@1-2) stays."""
    found = _SUFFIX.fullmatch(path)
    return found[1] + found[2] if found else path


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of some sources, and the paths of their files where there are any, by every name that may mean them."""

    keys: Sequence[str]
    paths: Sequence[Path | None]
    _exact: dict[str, list[int]] = field(init=False, default_factory=dict, repr=False)
    _bare: dict[str, list[int]] = field(init=False, default_factory=dict, repr=False)
    _last: dict[str, list[int]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for number, key in enumerate(self.keys):
            spelled = one_spelling(key)
            self._exact.setdefault(spelled, []).append(number)
            self._bare.setdefault(without_suffix(spelled), []).append(number)
            for end in {spelled.rpartition("/")[2], without_suffix(spelled).rpartition("/")[2]}:
                self._last.setdefault(end, []).append(number)

    @classmethod
    def of(cls, items: Iterable[Item]) -> "Keys":
        held = list(items)
        return cls([item.key for item in held], [item.path for item in held])

    def meant(self, name: str) -> list[int]:
        """The positions of all sources that `name` may mean: of those whose key it is, else of those whose key it is without the suffix,
        else of those whose path ends in it."""
        wanted = one_spelling(name)
        return self._exact.get(wanted) or self._bare.get(wanted) or self._by_end(wanted)

    def one(self, name: str) -> int | None:
        """The position of the source that `name` means, None where there is none. Raises CPCError where there are several."""
        if len(meant := self.meant(name)) > 1:
            raise CPCError(f"{name!r} {self.ambiguity(meant)}.")
        return meant[0] if meant else None

    def ambiguity(self, meant: Sequence[int]) -> str:
        """Why a name is refused that means several sources, and what to write instead."""
        some = ", ".join(self.keys[i] for i in meant[:3]) + ", ..." * (len(meant) > 3)
        return f"may be any of {len(meant)} ({some}); write its path, for instance {self.keys[meant[0]]}"

    def _by_end(self, wanted: str) -> list[int]:
        parts = tuple(wanted.strip("/").split("/"))
        found: dict[bool, list[int]] = {True: [], False: []}
        for number in self._last.get(parts[-1], ()):
            whole = self._parts(number)
            for exact, own in ((True, whole), (False, (*whole[:-1], without_suffix(whole[-1])))):
                if own[-len(parts) :] == parts and (not wanted.startswith("/") or len(own) == len(parts)):
                    found[exact].append(number)
                    break
        return found[True] or found[False]

    def _parts(self, number: int) -> tuple[str, ...]:
        """The folders above a source, as far as they are known, and its name."""
        key, path = one_spelling(self.keys[number]), self.paths[number]
        if path is None:
            return tuple(key.strip("/").split("/"))
        name = key.rpartition("/")[2]
        return (*one_spelling(os.path.abspath(path.parent)).strip("/").split("/"), name)

"""Decide which source a name in a table or from a user means.

A name is a path relative to any folder above the source, with or without the suffix. It may be just a file name. It must
fit exactly one source. Only folders distinguish two sources of the same name, never their order.
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
    """Return a path in a uniform spelling: accents composed, and ./a//b as a/b.

    File systems and editors compose accents differently.

    Args:
        path: The path.
    """
    return unicodedata.normalize("NFC", posixpath.normpath(path))


def without_suffix(path: str) -> str:
    """Return a path without its suffix, such as a/b for a/b.wav.

    The part that distinguishes sources of one file stays (a.npz#3, a.wav@1-2).

    Args:
        path: The path.
    """
    found = _SUFFIX.fullmatch(path)
    return found[1] + found[2] if found else path


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of sources, and the paths of their files, searchable by every name that may mean them.

    Attributes:
        keys: Key of each source.
        paths: File of each source, None if there is none.
    """

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
        """Return the keys of items."""
        held = list(items)
        return cls([item.key for item in held], [item.path for item in held])

    def meant(self, name: str) -> list[int]:
        """Return the positions of all sources that a name may mean.

        Sources with exactly this key come first, then those with this key without the suffix. Otherwise the end of the path
        is compared.

        Args:
            name: The name.
        """
        wanted = one_spelling(name)
        return self._exact.get(wanted) or self._bare.get(wanted) or self._by_end(wanted)

    def one(self, name: str) -> int | None:
        """Return the position of the source that a name means, or None.

        Args:
            name: The name.

        Raises:
            CPCError: If there are several.
        """
        if len(meant := self.meant(name)) > 1:
            raise CPCError(f"{name!r} {self.ambiguity(meant)}.")
        return meant[0] if meant else None

    def ambiguity(self, meant: Sequence[int]) -> str:
        """Explain why a name that means several sources is refused, and what to write instead.

        Args:
            meant: Positions of the sources.
        """
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
        """Return the known folders above a source, and its name."""
        key, path = one_spelling(self.keys[number]), self.paths[number]
        if path is None:
            return tuple(key.strip("/").split("/"))
        name = key.rpartition("/")[2]
        return (*one_spelling(os.path.abspath(path.parent)).strip("/").split("/"), name)

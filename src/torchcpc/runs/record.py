"""settings.json, the record of a run. It is written once, before the first update, with the settings learned from the data."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from torchcpc import __version__
from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError
from torchcpc.results import read_json
from torchcpc.runs.check_record import whole_settings
from torchcpc.settings import Settings, current_names, first_names

NAME = "settings.json"
_OPTIONAL = ("expanded", "sources", "accepted", "given")
_LIBRARIES = ("torch", "lightning-fabric", "numpy", "scikit-learn", "soundfile", "soxr", "pillow", "safetensors")


def versions() -> dict[str, str]:
    """Return the versions of this package, of Python and of the libraries it computes with."""
    return {"torchcpc": __version__, "python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """How a run was trained.

    Attributes:
        recipe: Name of the recipe.
        seed: Seed of the weights, the data order and the candidates.
        precision: Numerical precision.
        processes: Number of processes that trained it.
        roots: Absolute paths of its data.
        settings: All settings, with those learned from the data.
        versions: Versions of the package and its libraries.
        data: Counts of its sources.
        expanded: The run and the file of word vectors that an expanded model comes from, else None.
        sources: Digest of its sources, "" in runs of older versions.
        accepted: Changes of the data that were accepted when the run was resumed.
        given: Settings that were learned from the data, as the recipe gave them. They make this file a recipe too.
        newer: Settings that the file lacks, because they are newer. They have their defaults, and no checkpoint depends on them.
    """

    recipe: str
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    precision: str
    processes: Annotated[int, Field(ge=1)] = 1
    roots: list[str]
    settings: Settings
    versions: Mapping[str, str] = field(default_factory=versions)
    data: Mapping[str, int | float] = field(default_factory=dict)
    expanded: Mapping[str, str] | None = None
    sources: str = ""
    accepted: tuple[str, ...] = ()
    given: Settings = field(default_factory=dict)
    newer: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of a run folder.

        Raises:
            CPCError: In one line, if the record is missing or damaged.
        """
        from pydantic import TypeAdapter, ValidationError

        path = folder / NAME
        if not os.path.exists(path):
            raise CPCError(f"{folder} is not a run folder: it holds no {NAME}. Start one with `cpc train RECIPE`.")
        try:
            record = TypeAdapter(cls).validate_python(read_json(path))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            fault = f"{'.'.join(map(str, first['loc']))[:99]}: {first['msg']}"
            raise CPCError(f"{path} is damaged: {fault}. Restore it, or start a new run.") from None
        named, given = current_names(record.settings), current_names(record.given)
        whole = whole_settings(named, path)
        newer = {f"{section}.{name}" for section in whole for name in whole[section].keys() - named.get(section, {}).keys()}
        return replace(record, settings=whole, given=given, newer=frozenset(newer))

    def learned(self, settings: Settings) -> Self:
        """Return the record with the settings that were learned from the data."""
        given = {
            section: {name: value for name, value in own.items() if settings[section].get(name) != value}
            for section, own in self.settings.items()
        }
        return replace(self, settings=settings, given=self.given or {section: own for section, own in given.items() if own})

    def write(self, folder: Path) -> None:
        """Write the record to a run folder, whole or not at all."""
        content = {name: value for name, value in asdict(self).items() if name != "newer" and (value or name not in _OPTIONAL)}
        write_json(folder / NAME, {**content, "settings": self._own_settings()})

    def fingerprint(self) -> str:
        """Return a text that identifies the run that a checkpoint belongs to.

        It depends on the settings, the seed and the precision, but not on versions or on where the data are. A run without a digest
        of its data depends on their place instead.
        """
        roots = [] if self.sources else self.roots
        kept = {"settings": first_names(self._own_settings()), "seed": self.seed, "roots": roots, "precision": self.precision}
        return blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16).hexdigest()

    def _own_settings(self) -> Settings:
        """Return the settings that the file has."""
        return {
            section: {name: value for name, value in settings.items() if f"{section}.{name}" not in self.newer}
            for section, settings in self.settings.items()
        }

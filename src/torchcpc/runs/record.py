"""settings.json: the one record of a run, written once, when what is learned before training is known."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Self

from torchcpc import __version__
from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError
from torchcpc.settings import Settings

NAME = "settings.json"
_OPTIONAL = ("expanded", "sources", "accepted")
_LIBRARIES = ("torch", "lightning-fabric", "numpy", "scikit-learn", "soundfile", "soxr", "pillow", "safetensors")


def versions() -> dict[str, str]:
    """Of this program and what it computes with."""
    return {"torchcpc": __version__, "python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """How a run came to be. roots: absolute paths of its data; processes: how many trained it; data: counts of its sources; expanded: the
    run and the word vectors that it was enlarged from, for a model that was; sources: a digest of its sources, "" in runs of older
    versions; accepted: what changed in them where a resumed run was told to go on."""

    recipe: str
    seed: int
    precision: str
    processes: int = 1
    roots: list[str]
    settings: Settings
    versions: Mapping[str, str] = field(default_factory=versions)
    data: Mapping[str, int | float] = field(default_factory=dict)
    expanded: Mapping[str, str] | None = None
    sources: str = ""
    accepted: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The record of a run folder. Raises CPCError, in one line, for a folder without one and for a damaged one."""
        from pydantic import TypeAdapter, ValidationError

        path = folder / NAME
        try:
            return TypeAdapter(cls).validate_python(json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise CPCError(f"{folder} is not a run folder: it holds no {NAME}. Start one with `cpc train RECIPE`.") from None
        except ValidationError as error:
            first = error.errors()[0]
            fault = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except (OSError, ValueError, RecursionError) as error:
            fault = str(error)
        raise CPCError(f"{path} is damaged: {fault}. Restore it, or start a new run.")

    def write(self, folder: Path) -> None:
        """Written whole or not at all."""
        content = asdict(self)
        write_json(folder / NAME, {name: value for name, value in content.items() if value or name not in _OPTIONAL})

    def fingerprint(self) -> str:
        """Identifies what a checkpoint belongs to: the settings, the seed and the precision, not the versions. Data are known by their
        digest, wherever they are; a run without one is bound to where they were."""
        roots = [] if self.sources else self.roots
        kept = {"settings": self.settings, "seed": self.seed, "roots": roots, "precision": self.precision}
        return blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16).hexdigest()

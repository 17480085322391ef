"""Settings of a run as they are read back: whole, of the types that the code declares, and within what can be built."""

from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.domains import DOMAINS
from torchcpc.runs.build import schema
from torchcpc.settings import Settings, resolve


def whole_settings(settings: Settings, path: Path) -> Settings:
    """The settings with the defaults of those that are newer than their file. Raises CPCError, in one line, for others than settings of a
    model, and for files of the run that lead out of its folder."""
    try:
        found: dict[str, Any] = resolve(settings, schema())
    except CPCError as error:
        raise CPCError(
            f"{path} is damaged: {'; '.join(error.lines[1:] or error.lines)} Restore it, or start a new run."
        ) from None
    check_files(found["data"], path)
    return found


def check_files(data: dict[str, Any], path: Path) -> None:
    """Raises CPCError where a [data] section names a file of the model by more than its name."""
    domain = DOMAINS.get(data["name"])
    for setting in domain.files if domain else ():
        if Path(value := str(data.get(setting, ""))).name != value:
            raise CPCError(f"{path}: data.{setting} = {value!r} leads out of its folder: give the name of a file in it.")

"""Check the settings of a run when they are read back from its folder."""

from pathlib import Path
from typing import Any

from torchcpc.contracts import CPCError
from torchcpc.domains import DOMAINS
from torchcpc.runs.build import schema
from torchcpc.settings import Settings, resolve


def whole_settings(settings: Settings, path: Path) -> Settings:
    """Return the settings, with the defaults of settings that are newer than the file.

    Raises:
        CPCError: In one line, for settings that make no model, and for a file name that leads out of the run folder.
    """
    try:
        found: dict[str, Any] = resolve(settings, schema())
    except CPCError as error:
        raise CPCError(
            f"{path} is damaged: {'; '.join(error.lines[1:] or error.lines)} Restore it, or start a new run."
        ) from None
    check_files(found["data"], path)
    return found


def check_files(data: dict[str, Any], path: Path) -> None:
    """Check that a [data] section names the files of the model without a folder.

    Raises:
        CPCError: For a path that leads to another folder.
    """
    domain = DOMAINS.get(data["name"])
    for setting in domain.files if domain else ():
        if Path(value := str(data.get(setting, ""))).name != value:
            raise CPCError(f"{path}: data.{setting} = {value!r} leads out of its folder: give the name of a file in it.")

"""Find the files of a saved model without loading torch."""

import re
from pathlib import Path

from torchcpc.contracts import CPCError


def model_files(folder: Path) -> tuple[Path, Path]:
    """Return the paths of config.json and model.safetensors in `folder`.

    Raises:
        CPCError: If one of them is missing.
    """
    paths = folder / "config.json", folder / "model.safetensors"
    for path in paths:
        if not path.is_file():
            raise CPCError(
                f"{folder} holds no {path.name}: it is not a saved model. A `cpc train` run folder is one, from its start on."
            )
    return paths


def check_name(name: str | Path) -> None:
    """Check the name of a run or a saved model.

    Raises:
        CPCError: If it is neither the folder of a saved model nor the id of a repository on the Hub.
    """
    if Path(name).is_dir():
        model_files(Path(name))
    elif not re.fullmatch(r"\w[\w.-]*/[\w.-]+", str(name)):
        raise CPCError(f"{name} is neither a folder here nor a Hub repository id such as 'name/model'. Check the path.")

"""Save a model as a folder that others can load. Loading runs no code of the folder.

The folder holds these files:

- `config.json` has the keys `format` (1), `torchcpc` (the version), `encoder`, `context`, `predictor` and `data`. The last four hold a
  `name` and its settings.
- `model.safetensors` has one float tensor for each parameter or statistic, named as in the module tree.
- Files of the domain, such as `tokenizer.json`.
"""

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from torchcpc import __version__
from torchcpc.atomic import copy_file, write_json
from torchcpc.contracts import CPCError, one_line, shown
from torchcpc.domains import DOMAINS, DataSettings
from torchcpc.model import CPCModel
from torchcpc.results import read_json
from torchcpc.runs.build import MODEL_PARTS, build, schema
from torchcpc.runs.check_record import check_files
from torchcpc.runs.model_files import check_name, model_files
from torchcpc.settings import Settings, current_names, resolve
from torchcpc.training.checkpoint import require_fit, write_tensors

FORMAT = 1
# Filters that are computed anew, such as those of mel bands.
_UNSAVED_BYTES = 1 << 27


def save_pretrained(model: nn.Module, settings: Settings, folder: Path) -> None:
    """Write a model to a folder. Each file is written whole or not at all.

    Args:
        model: The model.
        settings: Resolved settings. Files that the [data] section names are copied into the folder.
        folder: Folder to write to.

    Raises:
        CPCError: If a file cannot be written.
    """
    data = dict(settings["data"])
    for setting, name in files_of(data).items():
        if data[setting] != name:
            copy_file(Path(data[setting]), folder / name)
            data[setting] = name
    write_tensors(folder / "model.safetensors", model.state_dict())
    parts = {part: settings[part] for part in MODEL_PARTS}
    write_json(folder / "config.json", {"format": FORMAT, "torchcpc": __version__, **parts, "data": data})


def from_pretrained(name: str | Path) -> tuple[CPCModel, Settings]:
    """Load a saved model.

    Args:
        name: Folder of a saved model (a run folder is one), or id of a repository on the Hugging Face Hub.

    Returns:
        The model in evaluation mode, and its config.

    Raises:
        CPCError: If there is no model of that name, or if its files are damaged.
    """
    return load_model(find_folder(name))


def load_model(folder: Path) -> tuple[CPCModel, Settings]:
    """Load a saved model from a folder, as `from_pretrained` does.

    Settings that are newer than the file have their defaults, so runs of one recipe stay comparable.
    """
    config_path, weights_path = model_files(folder)
    try:
        content = read_json(config_path)
        version, data = content["format"], content["data"]
        known = {*MODEL_PARTS, "data"} if data["name"] in DOMAINS else MODEL_PARTS
        kinds = {section: choices for section, choices in schema().items() if section in known}
    except (CPCError, KeyError, TypeError) as error:
        raise CPCError(f"{config_path} is damaged ({one_line(error)}). Save the model again.") from None
    if version != FORMAT:
        here = f"this torchcpc {__version__} reads format {FORMAT}"
        raise CPCError(f"{config_path} has format {shown(version)}, {here}. Update torchcpc.")
    try:
        config: Settings = {"data": data, **resolve(current_names({name: content[name] for name in kinds}), kinds)}
        check_files(data, config_path)
        # A model has no more weights than its file. The file may hold them in half the bytes, and lacks a few that need no saving.
        model = build(config, most_bytes=_UNSAVED_BYTES + 2 * weights_path.stat().st_size)
    except (KeyError, TypeError, CPCError) as error:
        raise CPCError(f"{config_path} does not describe a model of this torchcpc {__version__}: {one_line(error)}") from None
    try:
        weights = load_file(weights_path)
    except Exception as error:  # safetensors raises its own errors, and torch raises some for unknown types
        raise CPCError(f"{weights_path} is not a readable safetensors file: {one_line(error)}. Copy it again.") from None
    require_fit(weights_path, model, weights)
    model.load_state_dict(weights)
    return model.eval(), {**config, "data": located(config["data"], folder)}


def files_of(data: DataSettings) -> Mapping[str, str]:
    """Return the settings of [data] that name a file of the run: setting -> its file name in the run folder."""
    domain = DOMAINS.get(data["name"])
    return {setting: name for setting, name in domain.files.items() if data.get(setting)} if domain else {}


def located(data: DataSettings, folder: Path) -> dict[str, object]:
    """Return a resolved [data] section with the full paths of the files of the model in `folder`."""
    return {**data, **{setting: str(folder / data[setting]) for setting in files_of(data)}}


def find_folder(name: str | Path) -> Path:
    """Return the folder of that name, or download the files of a model from the Hub.

    Raises:
        CPCError: If there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    check_name(name)
    kept = [file for domain in DOMAINS.values() for file in domain.files.values()]
    try:
        return Path(snapshot_download(str(name), allow_patterns=["config.json", "model.safetensors", *kept]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        failed = f"the Hub did not give it: {type(error).__name__}"
        raise CPCError(f"{str(name)!r} is not a folder here, and {failed}. Check the name.") from None

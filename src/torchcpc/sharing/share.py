"""A trained model for others, in a folder or on the Hugging Face Hub, with its card."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from torchcpc.atomic import write_text
from torchcpc.contracts import CPCError
from torchcpc.runs.run import TrainedRun
from torchcpc.runs.saved import files_of, save_pretrained
from torchcpc.settings import Settings
from torchcpc.sharing.hub import Hub
from torchcpc.sharing.marked import is_ours, marked
from torchcpc.sharing.model_card import CARD, Terms, model_card

_KEPT = "It is kept: delete it, then save again, for a new card."


def save(run: TrainedRun, folder: Path, terms: Terms) -> Path:
    """Write the model and its card into a folder, and return the folder. A README.md that a user wrote or edited is kept."""
    _write(run, folder)
    if _is_kept(folder / CARD):
        run.listener.note(f"note: {folder / CARD} was not written by torchcpc, or was edited. {_KEPT}")
    else:
        write_text(folder / CARD, marked(model_card(run, folder.absolute().name, terms)))
    return folder


def push(run: TrainedRun, repo_id: str, terms: Terms, *, private: bool, token: str | None) -> str:
    """Upload the same to a repository of the Hub, and return its address. A card that a user wrote or edited there is kept."""
    hub = Hub(repo_id, token)
    address = hub.create(private=private)
    with TemporaryDirectory() as name:
        folder = Path(name)
        _write(run, folder)
        there = hub.read(CARD)
        if there is not None and not is_ours(there):
            run.listener.note(f"note: {CARD} of {hub.repo_id} was not written by torchcpc, or was edited. {_KEPT}")
        else:
            write_text(folder / CARD, marked(model_card(run, hub.repo_id, terms)))
        hub.upload(folder)
    return address


def _write(run: TrainedRun, folder: Path) -> None:
    """Write config.json, model.safetensors and the files of the domain, without paths of this machine."""
    own, data = files_of(run.config["data"]), run.config["data"]
    plain = {
        name: Path(value).name if name not in own and isinstance(value, str) and os.path.isabs(value) else value
        for name, value in data.items()
    }
    config: Settings = {**run.config, "data": plain}
    save_pretrained(run.model, config, folder)


def _is_kept(path: Path) -> bool:
    """Return whether there is a file that is not ours to replace."""
    if not os.path.lexists(path):
        return False
    try:
        return not is_ours(path.read_text(encoding="utf8", errors="surrogateescape"))
    except OSError as error:
        raise CPCError(f"cannot read {path}: {error.strerror}. Move it away, then save again.") from None

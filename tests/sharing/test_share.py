"""Folders and repositories: what a user wrote is kept, and what the Hub says is one line. The Hub is a folder here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, RepositoryNotFoundError

from tests.conformance.worlds import World
from torchcpc.api import Run, load
from torchcpc.contracts import CPCError
from torchcpc.contracts.progress import Quiet
from torchcpc.sharing.marked import is_ours, marked


class Notes(Quiet):
    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def run(worlds: Callable[[str], World]) -> Run:
    return load(worlds("digits").run, listener=Notes())


def notes(run: Run) -> list[str]:
    listener = run.trained.listener
    assert isinstance(listener, Notes)
    return listener.said


class LocalHub:
    """Repositories as folders below `place`, with the methods that are used of HfApi."""

    place: Path
    private: dict[str, bool]
    tokens: list[str | None]

    def __init__(self, token: str | None = None, library_name: str = "") -> None:
        self.tokens.append(token)

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> SimpleNamespace:
        name = repo_id if "/" in repo_id else f"ada/{repo_id}"
        assert exist_ok
        self.private.setdefault(name, private)
        (self.place / name).mkdir(parents=True, exist_ok=True)
        return type("RepoUrl", (str,), {"repo_id": name})(f"https://hub.invalid/{name}")

    def file_exists(self, repo_id: str, filename: str) -> bool:
        return (self.place / repo_id / filename).is_file()

    def hf_hub_download(self, repo_id: str, filename: str) -> str:
        return str(self.place / repo_id / filename)

    def upload_folder(self, *, repo_id: str, folder_path: Path, commit_message: str) -> None:
        shutil.copytree(folder_path, self.place / repo_id, dirs_exist_ok=True)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[LocalHub]]:
    place = tmp_path / "hub"

    def download(repo_id: str, allow_patterns: list[str]) -> str:
        shutil.copytree(place / repo_id, tmp_path / "cache", ignore=lambda _, names: set(names) - set(allow_patterns))
        return str(tmp_path / "cache")

    monkeypatch.setattr(LocalHub, "place", place, raising=False)
    monkeypatch.setattr(LocalHub, "private", {}, raising=False)
    monkeypatch.setattr(LocalHub, "tokens", [], raising=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", LocalHub)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.chdir(tmp_path)
    yield LocalHub


def test_what_was_pushed_is_loaded_by_the_code_of_its_card(run: Run, hub: type[LocalHub]) -> None:
    assert run.push_to_hub("digits", data_license="CC0", token="secret") == "https://hub.invalid/ada/digits"
    assert hub.private == {"ada/digits": True} and hub.tokens == ["secret"]
    folder = hub.place / "ada/digits"
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    card = (folder / "README.md").read_text(encoding="utf8")
    assert "\n# digits\n" in card and "Training data: CC0." in card and "secret" not in card
    code = card.partition("```python\n")[2].partition("```")[0]
    assert 'torchcpc.load("ada/digits")' in code
    found: dict[str, object] = {}
    exec(code, found)
    assert np.array_equal(found["embedding"].c, run.embed().c)  # pyright: ignore
    assert notes(run) == []


def test_the_how_to_page_runs(run: Run, hub: type[LocalHub], tmp_path: Path) -> None:
    shutil.copytree(run.folder, tmp_path / "runs/mine")
    page = (Path(__file__).parents[2] / "docs/how-to/share-a-model.md").read_text(encoding="utf8")
    blocks, found = re.findall(r"```python\n(.*?)```", page, re.DOTALL), {}
    for block in blocks:
        exec(block, found)
    assert len(blocks) == 2 and found["model"].trained.record is None
    written = {path.name for path in (tmp_path / "mine").iterdir()}
    assert written == {path.name for path in (hub.place / "NAMESPACE/mine").iterdir()}
    named = re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)
    assert written == {*named} - {"tokenizer.json"} and "Training data: CC BY 4.0." in Path("mine/README.md").read_text()


def test_a_public_repository_is_asked_for(run: Run, hub: type[LocalHub]) -> None:
    run.push_to_hub("bob/open", private=False)
    assert hub.private == {"bob/open": False}


def test_a_card_that_a_user_edited_on_the_hub_is_kept(run: Run, hub: type[LocalHub]) -> None:
    run.push_to_hub("ada/digits")
    path = hub.place / "ada/digits/README.md"
    run.push_to_hub("ada/digits", data_license="CC0")  # a card of ours is replaced
    assert "CC0" in path.read_text(encoding="utf8") and notes(run) == []
    edited = path.read_text(encoding="utf8").replace("CC0", "CC BY 4.0")
    path.write_text(edited, encoding="utf8")
    (hub.place / "ada/digits/config.json").unlink()
    run.push_to_hub("ada/digits")
    assert path.read_text(encoding="utf8") == edited and (hub.place / "ada/digits/config.json").is_file()
    (said,) = notes(run)
    assert "README.md of ada/digits" in said and "kept" in said


@pytest.mark.parametrize("text", ["my words\n", "", "\ud800".encode("utf8", "surrogatepass").decode("utf8", "surrogateescape")])
def test_a_readme_of_the_user_is_kept(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf8", errors="surrogateescape")
    before = path.read_bytes()
    run.save_pretrained(tmp_path)
    assert path.read_bytes() == before and (tmp_path / "model.safetensors").is_file()
    (said,) = notes(run)
    assert str(path) in said and "It is kept: delete it" in said
    path.unlink()
    run.save_pretrained(tmp_path)
    assert is_ours(path.read_text(encoding="utf8")) and len(notes(run)) == 1


def test_a_card_is_ours_until_a_letter_changes() -> None:
    card = marked("# a card\n\nwith words — and ends\n\n\n")
    assert is_ours(card) and is_ours(card + "\n") is False and is_ours(card.rstrip("\n"))
    for other in (card.replace("words", "word"), "x" + card, card + "more", card.replace("card ", "card 0", 1), ""):
        assert not is_ours(other)


def test_a_run_may_hold_its_own_card(worlds: Callable[[str], World]) -> None:
    """Its weights and config stay as they were."""
    world = worlds("text")
    run = load(world.run)
    kept = {path.name: path.read_bytes() for path in world.run.iterdir() if path.is_file()}
    run.save_pretrained(world.run)
    assert {path.name: path.read_bytes() for path in world.run.iterdir() if path.is_file() and path.name != "README.md"} == kept
    (world.run / "README.md").unlink()


def refusal(status: int, kind: type[HfHubHTTPError] = HfHubHTTPError) -> HfHubHTTPError:
    response = SimpleNamespace(status_code=status, headers={}, request=None)
    return kind(f"{status} Client Error.\n\nfor url: https://hub.invalid", response=response)  # pyright: ignore


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refusal(401), r"the token is missing or not valid .*hf auth login"),
        (refusal(403), r"the token may not write there"),
        (refusal(404, RepositoryNotFoundError), r"no such repository"),
        (refusal(500), r"the Hub refused \(HfHubHTTPError: 500 Client Error\. for url"),
        (LocalTokenNotFoundError("Token is required"), r"no token .*hf auth login"),
        (HFValidationError("Repo id must use\nalphanumeric chars"), r"no such name can be .*NAMESPACE/NAME"),
        (RuntimeError("[Errno -2] Name or service not known"), r"the Hub cannot be reached .*Check the network"),
        (RuntimeError("x" * 9999), r"the Hub cannot be reached"),
    ],
)
@pytest.mark.parametrize("method", ["create_repo", "file_exists", "upload_folder"])
def test_what_the_hub_refuses_is_one_line(
    run: Run, hub: type[LocalHub], monkeypatch: pytest.MonkeyPatch, method: str, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(hub, method, fail)
    with pytest.raises(CPCError, match=words) as caught:
        run.push_to_hub("ada/digits")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400 and "'ada/digits' was not" in str(caught.value)

"""One repository of the Hugging Face Hub. Whatever goes wrong there is one clear line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torchcpc.contracts import CPCError, one_line


class Hub:
    """A repository for a model, which is written with a token.

    Args:
        repo_id: "NAMESPACE/NAME", or "NAME" until `create` has completed it.
        token: Access token; None takes the stored one.
    """

    def __init__(self, repo_id: str, token: str | None = None) -> None:
        from huggingface_hub import HfApi

        self.repo_id = repo_id
        self._api = HfApi(token=token, library_name="torchcpc")

    def create(self, *, private: bool) -> str:
        """Make the repository unless it exists, complete its id, and return its address."""
        with self._asking("made"):
            url = self._api.create_repo(self.repo_id, private=private, exist_ok=True)
        self.repo_id = url.repo_id
        return str(url)

    def read(self, name: str) -> str | None:
        """Return the text of a file of the repository, None where there is none."""
        with self._asking("read"):
            if not self._api.file_exists(self.repo_id, name):
                return None
            path = self._api.hf_hub_download(self.repo_id, name)
            return Path(str(path)).read_text(encoding="utf8", errors="surrogateescape")

    def upload(self, folder: Path) -> None:
        """Upload the files of a folder as one commit."""
        with self._asking("written"):
            self._api.upload_folder(repo_id=self.repo_id, folder_path=folder, commit_message="Upload a model of torchcpc")

    @contextmanager
    def _asking(self, done: str) -> Iterator[None]:
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

        try:
            yield
        except LocalTokenNotFoundError as error:
            raise self._refused(done, "no token", error, _LOG_IN) from None
        except HFValidationError as error:
            raise self._refused(done, "no such name can be", error, "Name it as 'NAMESPACE/NAME'.") from None
        except HfHubHTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            what, step = _REFUSALS.get(status, ("the Hub refused", "Try again, or correct what the reason names."))
            raise self._refused(done, what, error, step) from None
        # The library raises what its client of HTTP raises, which differs between its versions.
        except Exception as error:
            raise self._refused(done, "the Hub cannot be reached", error, "Check the network, then push again.") from None

    def _refused(self, done: str, what: str, error: Exception, step: str) -> CPCError:
        reason = one_line(error)
        reason = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
        return CPCError(f"{self.repo_id!r} was not {done}: {what} ({type(error).__name__}: {reason}). {step}")


_LONGEST_REASON = 160
_LOG_IN = "Pass token=..., or log in with `hf auth login`."
# What a status of HTTP means here, and the next step.
_REFUSALS = {
    401: ("the token is missing or not valid", _LOG_IN),
    403: ("the token may not write there", "Use a token with the right to write, or a namespace of your own."),
    404: ("there is no such repository, or the token may not see it", "Check the name and the token."),
}

"""The commands and the Python blocks that a page shows, in the order of the page.

The tests run them on small data (`tests/docs/`), and `docs/run_commands.py` runs them at full length.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/how-to/pictures-series-text.md",
    *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs/tutorials").glob("*.md"))),
)

# Each word that begins a line of a block and is not run, with the reason.
NOT_RUN = {
    "git": "fetches the repository",
    "cd": "enters the repository",
    "make": "the other tests and the demo have tests of their own",
    "python3": "makes an environment",
    ".": "enters an environment",
    "pip": "installs packages",
    "tensorboard": "serves a page until it is stopped",
    "open": "opens a browser",
}
# Commands that no machine can run as they are written, with the reason.
NEEDS_MORE = {
    r"data\.name=hub_images": "reads a collection from the Hugging Face Hub",
    r"--nodes [2-9]": "needs several machines",
}
# Arguments that a reader replaces: NAME, RUN, ... A command in the text that has one is a pattern.
PLACEHOLDER = re.compile(r"\b(?:NAME|RUN|COLUMN|FILE|DATA|SOURCE|STEP|KEY|VALUE|LABEL|N|X|Y)\b|\.\.\.")
# Commands that do something when nothing follows them. A mention of any other is not run.
COMPLETE = ("recipes", "demo")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(cpc [a-z][^`\n]*)`")


@dataclass(frozen=True, slots=True)
class Shown:
    """One command or block of Python that a page shows.

    Args:
        kind: "cpc", "python", or "skipped".
        text: The command on one line, or the block.
        line: Where it begins in the page, from 1.
        reason: Why it is not run, for "skipped".
        output: What the page says that it prints, line by line.
    """

    kind: Literal["cpc", "python", "skipped"]
    text: str
    line: int
    reason: str = ""
    output: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The words of a command that follow `cpc`, without a comment and without the file behind `>`."""
        return shlex.split(self.text, comments=True)[1:] if not self.saved_as else shlex.split(self.text, comments=True)[1:-2]

    @property
    def saved_as(self) -> str:
        """The file that a command's output goes to, or nothing."""
        words = shlex.split(self.text, comments=True)
        return words[-1] if ">" in words[-2:-1] else ""

    @property
    def promises(self) -> list[str]:
        """Files and folders that must exist when this has run."""
        if self.kind == "python":
            return re.findall(r'"([\w./-]+\.(?:csv|npz|npy|parquet|png|svg|html|txt))"', self.text)
        if self.kind == "skipped" or self.words[0] == "recipes" or "--dry-run" in self.words:
            return [self.saved_as] if self.saved_as else []
        out = [self.words[self.words.index(option) + 1] for option in ("-o", "--out", "--picture") if option in self.words]
        if self.words[0] == "train" and not out:
            out = [f"runs/{Path(self.words[1]).stem}"] if not self.words[1].startswith("-") else []
        if self.words[0] == "report":
            out = [f"{self.words[1]}/report.html"]
        return out + ([self.saved_as] if self.saved_as else [])


def shown(page: str) -> list[Shown]:
    """Return what a page shows, in order.

    Args:
        page: The text of the page, in Markdown.

    Raises:
        ValueError: For a line of a block that is neither a command of ours nor in `NOT_RUN`.
    """
    found = [*_in_blocks(page), *_in_text(page)]
    return sorted(found, key=lambda one: one.line)


def _in_blocks(page: str) -> list[Shown]:
    found: list[Shown] = []
    for block in FENCE.finditer(page):
        indent, language, body = block.groups()
        first = page.count("\n", 0, block.start()) + 2
        body = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
        if language == "python":
            found.append(Shown("python", body, first))
        elif language in ("bash", "sh", "console"):
            found.extend(_of_shell(body, first))
        elif language == "text" and found:
            found[-1] = replace(found[-1], output=tuple(body.splitlines()))
        else:
            raise ValueError(f"line {first}: a block in {language or 'no language'}. Name it bash, python, or text for output.")
    return found


def _of_shell(body: str, first: int) -> Iterator[Shown]:
    joined = re.sub(r"\\\n", lambda _: "\0", body)
    line = first
    for text in joined.splitlines():
        command = " ".join(text.replace("\0", " ").split()) if "#" not in text else text.replace("\0", " ").strip()
        if command and not command.startswith("#"):
            yield _command(command, line)
        line += 1 + text.count("\0")


def _command(text: str, line: int) -> Shown:
    begin = text.split()[0]
    if begin == "cpc":
        reason = next((why for pattern, why in NEEDS_MORE.items() if re.search(pattern, text)), "")
        return Shown("skipped" if reason else "cpc", text, line, reason)
    if begin not in NOT_RUN:
        raise ValueError(f"line {line}: {text!r} cannot be run by a test. Add {begin!r} to NOT_RUN with a reason.")
    return Shown("skipped", text, line, NOT_RUN[begin])


def _in_text(page: str) -> Iterator[Shown]:
    """Commands between backticks, in tables and in sentences."""
    prose = FENCE.sub(lambda block: "\n" * block[0].count("\n"), page)
    for match in INLINE.finditer(prose):
        text, line = match[1], prose.count("\n", 0, match.start()) + 1
        name, *rest = text.split()[1:]
        if not rest and name not in COMPLETE:
            continue
        one = _command(text, line)
        if one.kind == "cpc" and PLACEHOLDER.search(text):
            one = Shown("skipped", text, line, "a pattern: the reader fills in a name")
        yield one


if __name__ == "__main__":
    for name in PAGES:
        for one in shown((ROOT / name).read_text(encoding="utf8")):
            print(f"{name}:{one.line}: {one.kind}: {one.text.splitlines()[0]}{f'  ({one.reason})' if one.reason else ''}")

"""Run by hand every command and Python block of some pages, at full length.

    python docs/run_commands.py docs/tutorials/digits.md
    python docs/run_commands.py README.md --data recordings=/path/to/recordings photos=/path/to/photos

Each runs as a process of its own, in the order of the page, in a new folder. Names of `--data` are links in that folder. Without
data of that name, a command fails as it would for a reader. The last lines list every command with its seconds and its exit code.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from doc_commands import Shown, shown

ENVIRONMENT = {**os.environ, "MPLBACKEND": "agg"}
TOO_LONG = 124  # the exit code of what ran past its limit, as that of timeout(1)


class Python:
    """One process for the Python blocks of a page, because later blocks use the names of earlier ones."""

    LOOP = """
import json, sys, traceback
names = {"__name__": "page"}
for line in sys.stdin:
    code = 0
    try:
        exec(compile(json.loads(line), "block", "exec"), names)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        code = 1
    print(f"\\0{code}", flush=True)
"""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.LOOP],
            cwd=folder,
            env=ENVIRONMENT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, block: str, limit: float) -> tuple[int, str]:
        """Return the exit code of a block and its output. A block past its limit ends the process."""
        assert self.process.stdin and self.process.stdout
        if self.process.poll() is not None:
            return TOO_LONG, "an earlier block was stopped"
        timer = threading.Timer(limit, self.process.kill)
        timer.start()
        said: list[str] = []
        self.process.stdin.write(json.dumps(block) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            before, end, code = line.partition("\0")
            said.append(before)
            if end:
                timer.cancel()
                return int(code), "".join(said)
        return TOO_LONG, "".join(said) + f"stopped after {limit:g} s"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def run(one: Shown, python: Python, folder: Path, limit: float) -> tuple[int, str]:
    """Run one command or block. Returns the exit code and the output."""
    if one.kind == "python":
        return python.run(one.text, limit)
    argv = [sys.executable, "-m", "torchcpc", *one.words]
    try:
        done = subprocess.run(argv, cwd=folder, timeout=limit, capture_output=True, text=True, env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        return TOO_LONG, f"stopped after {limit:g} s"
    if one.saved_as and done.returncode == 0:
        (folder / one.saved_as).write_text(done.stdout)
    return done.returncode, done.stderr + done.stdout


def run_page(page: Path, folder: Path, limit: float) -> list[tuple[str, float, str]]:
    """Run what a page shows. Returns a line for each: what came of it, the seconds, the command."""
    rows: list[tuple[str, float, str]] = []
    python = Python(folder)
    for one in shown(page.read_text(encoding="utf8")):
        name = f"{page.name}:{one.line}: {one.text.splitlines()[0]}"
        if one.kind == "skipped":
            rows.append((f"not run ({one.reason})", 0.0, name))
            continue
        print(f"\n$ {one.text}", flush=True)
        begin = time.monotonic()
        code, output = run(one, python, folder, limit)
        print(output, flush=True)
        missing = [path for path in one.promises if not (folder / path).exists()]
        result = f"exit code {code}" + (f", no {', '.join(missing)}" if missing else "")
        rows.append((result, time.monotonic() - begin, name))
    python.close()
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--data", nargs="*", default=[], metavar="NAME=PATH", help="data under the names that the page uses")
    parser.add_argument("--folder", type=Path, help="where to run (default: a new temporary folder, which is kept)")
    parser.add_argument("--limit", type=float, default=3600, help="seconds for each command (default: 3600)")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="torchcpc-pages-"))
    folder.mkdir(parents=True, exist_ok=True)
    for pair in arguments.data:
        name, _, path = pair.partition("=")
        if not Path(path).exists():
            parser.error(f"--data {pair}: {path or 'nothing'} is not here. Write NAME=PATH.")
        link = folder / name.rstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path(path).resolve())
    rows = [row for page in arguments.pages for row in run_page(page, folder, arguments.limit)]
    print(f"\nin {folder}:")
    for result, seconds, name in rows:
        print(f"{seconds:7.1f} s  {result:12}  {name}")
    return int(any(result.startswith("exit code") and result != "exit code 0" for result, _, _ in rows))


if __name__ == "__main__":
    sys.exit(main())

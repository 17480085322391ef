"""End all processes of a training if one of them ends. The others report it in one line instead of waiting forever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from torchcpc.contracts import CPCError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

# Seconds between two checks of the other processes, and seconds in which the main thread may end by itself after one is lost.
_LOOK, _GRACE = 0.2, 3.0
# Environment variable with the id of the process that started this one.
_PARENT = "TORCHCPC_PARENT"


class _Watch:
    """Watches the other processes of the training on this machine.

    Attributes:
        children: Processes that this one started.
        lost: Which process has ended, in words.
        over: Set when the watch is over.
    """

    def __init__(self) -> None:
        self.children: Sequence[subprocess.Popen[bytes]] = ()
        self.lost = ""
        self.over = threading.Event()

    def of_children(self, children: Sequence[subprocess.Popen[bytes]]) -> None:
        self.children = children
        threading.Thread(target=self._look_at_children, daemon=True, name="torchcpc-watch").start()

    def of_parent(self, pid: int) -> None:
        threading.Thread(target=self._look_at_parent, args=(pid,), daemon=True, name="torchcpc-watch").start()

    def kill_children(self) -> None:
        for child in self.children:
            child.kill()

    def _look_at_children(self) -> None:
        while not self.over.wait(_LOOK):
            codes = [child.poll() for child in self.children]
            if gone := [(rank, code) for rank, code in enumerate(codes, start=1) if code]:
                rank, code = gone[0]
                how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                self._end(f"process {rank} of {len(codes) + 1} {how}")

    def _look_at_parent(self, pid: int) -> None:
        while not self.over.wait(_LOOK):
            if os.getppid() != pid:
                self._end("the first process has ended")

    def _end(self, lost: str) -> None:
        self.lost = lost
        if not self.over.wait(_GRACE):
            if speaks():
                sys.stderr.write(f"torchcpc: {_sentence(lost)}\n")
                sys.stderr.flush()
            self.kill_children()
            os._exit(1)


_WATCH = _Watch()


def launch(fabric: Fabric) -> None:
    """Start the other processes, or join those that a launcher has started, and watch them from then on.

    Raises:
        CPCError: If the processes do not find each other.
    """
    from lightning_fabric.strategies.launchers import subprocess_script

    if started := os.environ.get(_PARENT):
        _WATCH.of_parent(int(started))
    else:
        os.environ[_PARENT] = str(os.getpid())
    # Lightning's own observer checks every five seconds only, and kills this process without a message.
    name = "_launch_process_observer"
    observer = vars(subprocess_script)[name]
    setattr(subprocess_script, name, _WATCH.of_children)
    try:
        fabric.launch()
    except RuntimeError as error:
        raise CPCError(f"the processes did not meet: {' '.join(str(error).split())}. Start the command again.") from None
    finally:
        setattr(subprocess_script, name, observer)
        if not started:
            del os.environ[_PARENT]


@contextmanager
def ending_together(fabric: Fabric) -> Iterator[None]:
    """Watch the work that several processes do together, and end all of them if one is lost.

    Raises:
        CPCError: If a process is lost, in the first of the others.
    """
    if fabric.world_size == 1:
        yield
        return
    try:
        yield
    except BaseException as error:
        if not isinstance(error, RuntimeError) or "gloo" not in str(error).lower():
            # The children would report that the first process has ended, but its own error says why.
            _WATCH.kill_children()
            raise
        deadline = time.monotonic() + _GRACE
        while not _WATCH.lost and time.monotonic() < deadline and (_WATCH.children or _PARENT in os.environ):
            time.sleep(_LOOK)
        _WATCH.kill_children()
        if not speaks():
            raise SystemExit(1) from None
        raise CPCError(_sentence(_WATCH.lost or f"another of the {fabric.world_size} processes has gone")) from None
    finally:
        _WATCH.over.set()


def speaks() -> bool:
    """Return whether this process reports a lost one: it is the first, or the second if the first is lost."""
    started_here = os.environ.get(_PARENT, str(os.getpid())) == str(os.getpid())
    return started_here or os.environ.get("LOCAL_RANK") == "1"


def _sentence(lost: str) -> str:
    return f"{lost}, so the others end too. What was saved is kept: resume the run, or start it again if nothing was saved."

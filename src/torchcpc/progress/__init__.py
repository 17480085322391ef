"""How long work is shown: a bar in a terminal, plain lines in a file or a job log. Without torch."""

from torchcpc.progress.terminal import TERMINAL, Terminal

__all__ = ["TERMINAL", "Terminal"]

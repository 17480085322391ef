"""Progress of long work: bars in a terminal, plain lines in a file or a job log.

This package does not import torch.
"""

from torchcpc.progress.terminal import TERMINAL, Terminal

__all__ = ["TERMINAL", "Terminal"]

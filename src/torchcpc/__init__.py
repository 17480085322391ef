"""torchcpc: Contrastive Predictive Coding (van den Oord, Li, Vinyals, arXiv:1807.03748)."""

__version__ = "0.1.0"

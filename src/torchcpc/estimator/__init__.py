"""The scikit-learn interface: the transformer `CPC`, which trains on arrays in memory."""

from torchcpc.estimator.transformer import CPC

__all__ = ["CPC"]

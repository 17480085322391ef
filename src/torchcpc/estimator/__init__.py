"""The scikit-learn face: `CPC` is a transformer that is trained on arrays in memory."""

from torchcpc.estimator.transformer import CPC

__all__ = ["CPC"]

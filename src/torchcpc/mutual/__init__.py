"""Mutual information of two arrays of samples.

It is estimated with an elliptical copula, a critic for what the copula misses, and nearest neighbours in few
dimensions.
"""

from torchcpc.mutual.array_files import read_array
from torchcpc.mutual.estimate import mutual_information
from torchcpc.mutual.train_critics import CriticSettings

__all__ = ["CriticSettings", "mutual_information", "read_array"]

"""Mutual information of two arrays of samples: an elliptical copula, a critic for what it misses, nearest neighbours in few dimensions."""

from torchcpc.mutual.estimate import mutual_information

__all__ = ["mutual_information"]

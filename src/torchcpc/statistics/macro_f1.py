"""Macro-F1: what accuracy hides where one class is nearly everything.

F1 of a class is 2 TP / (2 TP + FP + FN); macro-F1 is its plain mean over the classes that the test part has. Its interval
(`intervals.interval`) resamples seeds and sources as that of an accuracy does. F1 is computed anew from the counts of every resample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from torchcpc.contracts import CPCError
from torchcpc.statistics.intervals import crossed_weights


@dataclass(frozen=True, slots=True)
class Confusions:
    """Counts by replicate, source and class of the test: true positives, predictions and, by source and class, rows."""

    true_RSC: np.ndarray
    predicted_RSC: np.ndarray
    actual_SC: np.ndarray

    @classmethod
    def of(cls, predicted_RM: np.ndarray, y_M: np.ndarray, source_M: np.ndarray) -> Confusions:
        """From the predicted class of every test row in every replicate (seed). Classes without a test row are left out: they have
        no recall, and to predict them costs precision nowhere but recall where it belongs."""
        if predicted_RM.shape[1:] != y_M.shape or y_M.shape != source_M.shape or not y_M.size:
            raise CPCError(f"predictions {predicted_RM.shape} for {y_M.size} test rows: give one a row, and at least one row.")
        sources, place_M = np.unique(source_M, return_inverse=True)
        # Sparse, for every sentence of ten thousand can be a source.
        member_SM = csr_matrix((np.ones(len(y_M)), (place_M, np.arange(len(y_M)))), shape=(len(sources), len(y_M)))
        classes = np.unique(y_M)
        actual_MC = (y_M[:, None] == classes).astype(np.float64)
        predicted_RMC = (predicted_RM[..., None] == classes).astype(np.float64)
        return cls(
            np.stack([member_SM @ (predicted_MC * actual_MC) for predicted_MC in predicted_RMC]),
            np.stack([member_SM @ predicted_MC for predicted_MC in predicted_RMC]),
            member_SM @ actual_MC,
        )

    @property
    def per_class(self) -> np.ndarray:
        """F1 of each class of the test, mean over replicates: [C]."""
        return _f1(self.true_RSC.sum(1), self.predicted_RSC.sum(1), self.actual_SC.sum(0)).mean(axis=0)

    @property
    def mean(self) -> float:
        return float(self.per_class.mean())

    @property
    def test_rows(self) -> np.ndarray:
        return self.actual_SC

    def resampled(self, *, resamples: int, seed: int) -> np.ndarray:
        """Macro-F1 in each resample: [resamples]; resamples are those of `Hits` with as many replicates and sources."""
        weight_QR, weight_QS = crossed_weights(*self.true_RSC.shape[:2], resamples=resamples, seed=seed)
        # Stretched weights of few sources can be negative, counts cannot.
        true_QRC, predicted_QRC = (
            np.tensordot(weight_QS, counts, (1, 1)).clip(0) for counts in (self.true_RSC, self.predicted_RSC)
        )
        actual_QC = (weight_QS @ self.actual_SC).clip(0)
        f1_QRC = _f1(true_QRC, predicted_QRC, actual_QC[:, None])
        # A resample that misses a class altogether says nothing of it.
        met_Q1C = (actual_QC > 0)[:, None]
        macro_QR = (f1_QRC * met_Q1C).sum(axis=2) / np.maximum(met_Q1C.sum(axis=2), 1)
        return (weight_QR * macro_QR).sum(axis=1)


def _f1(true: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    both = predicted + actual
    return np.divide(2 * true, both, out=np.zeros_like(true), where=both > 0).clip(0, 1)

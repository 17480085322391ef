"""Folds of a cross-validation: shuffled, alike in their classes, and what belongs together never on both sides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from torchcpc.contracts import CPCError


def grouped_folds(y_M: np.ndarray, group_M: np.ndarray, *, folds: int, seed: int = 0, names: Sequence[str] = ()) -> np.ndarray:
    """The fold of each row, 0 .. folds-1: [M]. Rows of one group share theirs.

    Groups come in random order, large ones first, and each goes where its commonest class has the fewest rows so far (of equals where
    there are the fewest of all), so that sizes and classes of the folds are as even as the groups permit. Raises CPCError where
    some class (`names`, for the message), by the commonest of each group, has fewer groups than there are folds.
    """
    if folds < 2:
        raise CPCError(f"folds = {folds}: a cross-validation has at least 2.")
    _, place_M = np.unique(group_M, return_inverse=True)
    count_GK = np.zeros((place_M.max() + 1, y_M.max() + 1), np.int64)
    np.add.at(count_GK, (place_M, y_M), 1)
    class_G, size_G = count_GK.argmax(axis=1), count_GK.sum(axis=1)
    groups_K = np.bincount(class_G, minlength=count_GK.shape[1])
    short = [int(k) for k in np.unique(y_M) if groups_K[k] < folds]
    if short:
        name = names[short[0]] if names else short[0]
        raise CPCError(
            f"{folds} folds: class {name} has {groups_K[short[0]]} of {len(size_G)} groups of sources that belong together, and every fold "
            "should have one. Take fewer folds, or leave that class out."
        )
    order = np.random.default_rng(seed).permutation(len(size_G))
    order = order[np.argsort(-size_G[order], kind="stable")]
    fold_G = np.zeros(len(size_G), np.int64)
    rows_KF, rows_F = np.zeros((count_GK.shape[1], folds), np.int64), np.zeros(folds, np.int64)
    for group in order:
        own = rows_KF[class_G[group]]
        fold = int(np.lexsort((rows_F, own))[0])
        fold_G[group] = fold
        rows_KF[:, fold] += count_GK[group]
        rows_F[fold] += size_G[group]
    return fold_G[place_M]


def together(*columns: Sequence[Hashable]) -> np.ndarray:
    """A number for each row, the same for rows that agree in any of the columns, directly or through others: [M]."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = len(columns[0])
    edges, nodes = [], rows
    for column in columns:
        number = {value: nodes + n for n, value in enumerate(dict.fromkeys(column))}
        nodes += len(number)
        edges += [(row, number[value]) for row, value in enumerate(column)]
    left, right = np.array(edges, dtype=np.int64).reshape(-1, 2).T
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(nodes, nodes))
    return connected_components(graph, directed=False)[1][:rows].astype(np.int64)

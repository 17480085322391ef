"""Alarms and scores beside labelled rows: scikit-learn as witness."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from torchcpc.anomalies.detect import AnomalySpec
from torchcpc.anomalies.result import AnomalyRow, AnomalyTable
from torchcpc.anomalies.scores import compare_with_labels
from torchcpc.contracts import CPCError


def test_agreement_against_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    labels = [rng.random(n) < 0.3 for n in (211, 101, 157)]
    scores = [rng.normal(size=len(label)) + label for label in labels]
    scores[1][:13] = np.nan
    found = compare_with_labels(scores, labels, 0.7)
    y = np.concatenate([label[np.isfinite(s)] for s, label in zip(scores, labels, strict=True)])
    s = np.concatenate([s[np.isfinite(s)] for s in scores])
    assert (found.rows, found.anomalous) == (456, y.sum())
    assert found.f1.mean == pytest.approx(f1_score(y, s > 0.7))
    assert found.false_alarms.mean == pytest.approx(np.mean(s[~y] > 0.7))
    assert found.recall.mean == pytest.approx(np.mean(s[y] > 0.7)) and found.precision.mean == pytest.approx(
        np.mean(y[s > 0.7])
    )
    assert found.auroc.mean == pytest.approx(roc_auc_score(y, s)) and found.auprc.mean == pytest.approx(
        average_precision_score(y, s)
    )
    for each in (found.f1, found.precision, found.recall, found.false_alarms, found.auroc, found.auprc):
        assert 0 <= each.low < each.mean < each.high <= 1


@pytest.mark.parametrize("label", [False, True])
def test_one_kind_of_rows_alone_is_refused(label: bool) -> None:
    with pytest.raises(CPCError, match="both kinds are needed"):
        compare_with_labels([np.arange(5.0)], [np.full(5, label)], 0.0)


def test_the_table_shows_agreement_where_there_are_labels() -> None:
    rng = np.random.default_rng(0)
    labels = [rng.random(101) < 0.3 for _ in range(3)]
    found = compare_with_labels([rng.normal(size=101) + label for label in labels], labels, 0.5)
    rows = (AnomalyRow("surprise", "cpc", 0.5, 0.3, found), AnomalyRow("z-score", "handmade", 2.0, 0.125))
    table = AnomalyTable(0.99, "fault", 4, 3, rows)
    assert AnomalyTable.from_json(table.to_json()) == table
    assert max(map(len, table.text().splitlines())) <= 100
    assert f"{100 * found.auroc.mean:.1f} ({100 * found.auroc.low:.1f} to" in table.text() and "12.5" in table.text()
    assert len(AnomalyTable(0.99, "", 4, 3, rows[1:]).tables()) == 1
    frame = table.to_pandas()
    assert list(frame["role"]) == ["cpc", "handmade"] and frame["f1"][0] == found.f1.mean and np.isnan(frame["f1"][1])


@pytest.mark.parametrize("wrong", [{"smooth": 0}, {"reference": -1}, {"quantile": 1.0}])
def test_a_specification_outside_its_rules_is_refused(wrong: dict) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(CPCError, match=f"{name} = {value}"):
        AnomalySpec(**wrong)

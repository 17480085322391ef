"""torchcpc.CPC against scikit-learn's own checks, against the parts it is made of, and on every kind of input."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import torchcpc
from torchcpc.contracts import CPCError
from torchcpc.representations.pool import mean_and_deviation

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(17)
CUBE = RNG.normal(size=(13, 11, 3)).cumsum(axis=1) * 5 + 100
RAGGED = [case[: 5 + number % 7] for number, case in enumerate(CUBE)]


def tiny(**settings) -> torchcpc.CPC:
    return torchcpc.CPC(**{"max_iter": 3, "latent_dim": 5, "context_dim": 7, "random_state": 0, **settings})


STEPS_OF_A_SEQUENCE = "rows are steps of one sequence, and the context of a step is made of those before it"


@parametrize_with_checks(
    [tiny(random_state=None), tiny(random_state=None, per="step")],
    expected_failed_checks=lambda estimator: (
        {"check_methods_sample_order_invariance": STEPS_OF_A_SEQUENCE, "check_methods_subset_invariance": STEPS_OF_A_SEQUENCE}
        if estimator.per == "step"
        else {}
    ),
)
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def fitted() -> torchcpc.CPC:
    return tiny(per="step").fit(CUBE)


def test_a_step_is_what_the_model_says_of_the_standardised_past(fitted):
    x = torch.from_numpy(((CUBE - fitted.mean_) / fitted.scale_).astype(np.float32))
    with torch.no_grad():
        z, c, _ = fitted.model_(x)
    np.testing.assert_allclose(fitted.transform(CUBE), c, atol=1e-6)
    np.testing.assert_allclose(clone_of(fitted, output="latent").transform(CUBE), z, atol=1e-6)
    assert fitted.transform(CUBE).shape == (13, 11, 7) and fitted.transform(CUBE).dtype == np.float32


def clone_of(fitted, **settings):
    return pickle.loads(pickle.dumps(fitted)).set_params(**settings)


def test_per_step_the_answer_has_the_shape_of_the_question(fitted):
    whole = fitted.transform(CUBE)
    for rows, steps in zip(fitted.transform(RAGGED), whole, strict=True):
        np.testing.assert_allclose(rows, steps[: len(rows)], atol=1e-6)
    np.testing.assert_allclose(fitted.transform(CUBE[4]), whole[4], atol=1e-6)
    values = fitted.score_samples(RAGGED)
    assert [len(value) for value in values] == [len(case) for case in RAGGED]
    assert all(np.isnan(value[0]) and np.isfinite(value[1:]).all() for value in values)
    np.testing.assert_allclose(fitted.score_samples(CUBE[4])[:9], values[4], atol=1e-5)


def test_per_sequence_there_is_a_row_per_case(fitted):
    cases = clone_of(fitted, per="sequence")
    wanted = np.stack([mean_and_deviation(rows) for rows in fitted.transform(RAGGED)])
    np.testing.assert_allclose(cases.transform(RAGGED), wanted, atol=1e-6)
    means = [np.nanmean(value) for value in fitted.score_samples(RAGGED)]
    np.testing.assert_allclose(cases.score_samples(RAGGED), means, atol=1e-5)
    assert clone_of(cases, pool="last").transform(CUBE).shape == (13, 7)


def test_a_table_is_cases_of_one_channel_or_steps_of_one_sequence():
    table = CUBE[:, :, 0]
    series = tiny().fit(table)
    assert series.transform(table).shape == (13, 14) and series.model_.encoder.features == 1
    np.testing.assert_allclose(series.transform(table), series.transform(table[:, :, None]), atol=1e-6)
    long = CUBE.reshape(-1, 3)
    recording = tiny(per="step", window=13).fit(long)
    assert recording.transform(long).shape == (143, 7) and recording.window_ == 13 and recording.horizons_ == 8


def test_pandas_tables_and_frames_are_read_as_arrays(fitted):
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(case, columns=list("abc")) for case in CUBE]
    np.testing.assert_array_equal(tiny(per="step").fit(frames).transform(frames)[2], fitted.transform(CUBE)[2])
    table = pandas.DataFrame(CUBE[0], columns=list("abc"))
    shown = tiny(per="step").fit(table).set_output(transform="pandas").transform(table)
    assert list(shown.columns) == [f"cpc{i}" for i in range(7)] and len(shown) == 11


def test_the_same_seed_gives_the_same_model_and_another_another(fitted):
    again = clone(fitted).fit(CUBE)
    np.testing.assert_array_equal(again.transform(CUBE), fitted.transform(CUBE))
    assert not np.allclose(clone(fitted).set_params(random_state=1).fit(CUBE).transform(CUBE), fitted.transform(CUBE))


def test_the_kept_bound_is_the_score_of_the_sequences_held_out(fitted):
    """The held-out sequences are found again by what standardisation leaves out."""
    from torchcpc.data.splits import by_source

    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    parts = by_source([str(i) for i in range(13)], {"train": 0.9, "validation": 0.1}, seed=seed)
    trained = CUBE[parts["train"]].reshape(-1, 3)
    np.testing.assert_allclose(fitted.mean_, trained.mean(axis=0))
    np.testing.assert_allclose(fitted.scale_, trained.std(axis=0))
    # One held-out batch below the size of the pool: every step competes, whatever the seed of the candidates.
    assert fitted.score(CUBE[parts["validation"]]) == pytest.approx(fitted.bound_, abs=1e-6)
    assert max(h["bound"] for h in fitted.history_) == fitted.bound_ and fitted.n_iter_ == 3


def test_the_untrained_network_is_measured_on_the_same_windows(fitted):
    """Built anew from the seed of the fit, it has the bound that fit kept for it."""
    from torchcpc.data.splits import by_source
    from torchcpc.runs.build import build

    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    parts = by_source([str(i) for i in range(13)], {"train": 0.9, "validation": 0.1}, seed=seed)
    untrained = clone_of(fitted)
    untrained.model_ = build(untrained._settings(), seed=seed).eval()
    assert untrained.score(CUBE[parts["validation"]]) == pytest.approx(fitted.untrained_bound_, abs=1e-6)
    assert fitted.history_[0]["step"] == 0 and fitted.history_[0]["bound"] == fitted.untrained_bound_
    assert fitted.history_[[h["step"] for h in fitted.history_].index(fitted.best_iter_)]["bound"] == fitted.bound_


SMOOTH = np.cumsum(RNG.normal(size=(31, 23, 1)), axis=1)


def test_weights_that_came_too_late_are_not_kept_and_the_user_hears_of_it():
    """Eight sequences are soon known by heart."""
    model = tiny(max_iter=300, latent_dim=16, context_dim=16, learning_rate=2e-2, horizons=2)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(SMOOTH[:9])
    said = " ".join(str(each.message) for each in caught)
    bounds = {h["step"]: h["bound"] for h in model.history_}
    assert bounds[model.best_iter_] == model.bound_ == max(bounds.values()) and bounds[300] < model.bound_
    assert f"iteration {model.best_iter_}" in said or "untrained weights are kept" in said


def test_training_in_vain_is_told_and_undone():
    with pytest.warns(ConvergenceWarning, match="untrained weights are kept. Give more sequences, raise max_iter"):
        model = tiny(max_iter=40, learning_rate=0.5).fit(RNG.normal(size=(13, 11, 3)))
    assert model.best_iter_ == 0 and model.bound_ == model.untrained_bound_


def test_verbose_shows_as_much_as_it_is_asked_for(capsys):
    said = {}
    for verbose in (0, 1, 2):
        tiny(max_iter=20, verbose=verbose).fit(CUBE)
        out, said[verbose] = capsys.readouterr()
        assert out == ""
    lines = said[2].splitlines()
    assert said[0] == "" and said[1].splitlines() == lines[-1:]
    assert lines[-1].startswith("held-out bound ") and "; untrained network " in lines[-1]
    assert [line.partition(":")[0] for line in lines[:-1]] == [f"iteration {n}" for n in range(0, 21, 2)]
    with pytest.raises(ValueError, match="verbose = -1: 0, 1 or 2"):
        tiny(verbose=-1).fit(CUBE)


def test_in_a_pipeline_it_is_one_step_of_cross_validation():
    labels = np.arange(13) % 2
    model = make_pipeline(tiny(), StandardScaler(), LogisticRegression())
    assert cross_val_score(model, CUBE, labels, cv=2).shape == (2,)
    steps = make_pipeline(StandardScaler(), tiny(per="step", standardize=False), LogisticRegression())
    long = CUBE.reshape(-1, 3)
    assert steps.fit(long, np.arange(143) % 2).predict(long).shape == (143,)


def test_learns_what_predicts_the_future():
    """Two channels, of noise and of memory: above chance on fresh sequences, and below it when their steps are shuffled."""

    def draw(rng, n):
        noise = rng.normal(size=(n, 32, 2))
        for t in range(1, 32):
            noise[:, t, 0] = 0.95 * noise[:, t - 1, 0] + 0.3 * noise[:, t, 0]
        return noise

    rng = np.random.default_rng(3)
    model = tiny(max_iter=100, horizons=2, latent_dim=8, context_dim=8, learning_rate=1e-2).fit(draw(rng, 128))
    fresh = draw(rng, 64)
    shuffled = np.stack([case[rng.permutation(32)] for case in fresh])
    # The channel alone shares -log(1 - 0.95^2)/2 = 1.16 nats between neighbours.
    assert 0.4 < model.score(fresh) < 1.2
    assert model.score(shuffled) < 0
    assert model.score_samples(fresh).mean() > 0.4 > 0 > model.score_samples(shuffled).mean()


@pytest.mark.parametrize(
    ("settings", "X", "said"),
    [
        ({"per": "case"}, CUBE, "per = 'case' is unknown"),
        ({"output": "contexts"}, CUBE, "Did you mean 'context'"),
        ({"pool": "max"}, CUBE, "pool = 'max'"),
        ({}, [CUBE[0], CUBE[1][:, :2]], r"channels \[2, 3\]"),
        ({}, CUBE[:, :1], "n_samples = 13, n_features = 3: no sequence is long enough"),
        ({"context": "lstm"}, CUBE, "^context = 'lstm' is unknown"),
        ({"strategy": "mixd"}, CUBE, "^strategy = 'mixd'"),
        ({"max_iter": 0}, CUBE, "max_iter = 0: a whole number, at least 1"),
        ({"latent_dim": 0}, CUBE, "latent_dim = 0: a whole number"),
        ({"horizons": "a"}, CUBE, "horizons = 'a': a whole number"),
        ({"learning_rate": -1}, CUBE, "learning_rate = -1: a number above 0"),
    ],
)
def test_faults_are_named(settings, X, said):
    with pytest.raises(CPCError, match=said):
        tiny(**settings).fit(X)


def test_a_constant_channel_is_not_scaled_by_its_rounding():
    """The mean of many equal numbers is not quite that number, and what is left over is no spread."""
    constant = np.full((*CUBE.shape[:2], 1), 0.1 + 1 / 3)
    model = tiny().fit(np.concatenate([CUBE, constant], axis=2))
    assert model.scale_[-1] == 1.0 and (model.scale_[:-1] != 1.0).all()


def test_other_channels_than_those_of_fit_are_refused(fitted):
    with pytest.raises(ValueError, match="sequences of 2 channels: fit saw 3"):
        fitted.transform(CUBE[:, :, :2])

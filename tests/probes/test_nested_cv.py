import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from torchcpc.baselines.words import Tfidf, normalised
from torchcpc.contracts import CPCError
from torchcpc.probes.nested_cv import ABSENT, FoldedTask, columns, cross_validated, grouped_folds, joint_penalties

M, FOLDS, INNER = 211, 5, 3
FEW = (1e-1, 1e-2, 1e-3, 1e-4)
WORDS = "red green blue warm cold dark bright soft loud".split()


def make(y, group, **changes):
    fold = grouped_folds(y, group, folds=FOLDS)
    return FoldedTask("class", ("one", "two"), y, group, fold, **({"inner": INNER} | changes))


@pytest.fixture(scope="module")
def world():
    """Two classes, seven noisy columns, sentences whose words lean to a class, some of them twice."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, 2, size=M)
    x = (0.6 * y[:, None] + generator.normal(size=(M, 7))).astype(np.float32)
    lean = generator.dirichlet(np.ones(len(WORDS)), size=2)
    texts = [" ".join(generator.choice(WORDS, size=3, p=lean[k])) for k in y]
    _, group = np.unique(texts, return_inverse=True)
    return make(y, group), x, texts


def slow(task, parts):
    """The protocol in loops, with scikit-learn: parts(train, other) -> their features, fitted on train alone."""
    predicted = np.full(M, -1)
    for fold in task.folds:
        train, test = np.flatnonzero(task.fold_M != fold), np.flatnonzero(task.fold_M == fold)
        x, x_test = parts(train, test)
        y = task.y_M[train]
        inner = grouped_folds(y, task.source_M[train], folds=INNER, seed=1 + fold)
        shares = []
        for penalty in FEW:
            held = np.full(len(y), -1)
            for n in range(INNER):
                use = inner != n
                model = LogisticRegression(C=2 / (penalty * use.sum()), tol=1e-7, max_iter=2000).fit(x[use], y[use])
                held[~use] = model.predict(x[~use])
            shares.append(np.mean(held == y))
        penalty = FEW[int(np.argmax(shares))]
        predicted[test] = LogisticRegression(C=2 / (penalty * len(y)), tol=1e-7, max_iter=2000).fit(x, y).predict(x_test)
    return predicted


def test_columns_are_answered_as_by_the_slow_loop(world):
    task, x, _ = world
    answers = cross_validated([columns(x.astype(np.float64))], task, [np.array([FEW])] * FOLDS, tolerance=1e-12)

    def standardised(train, test):
        mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
        return (x[train] - mean) / deviation, (x[test] - mean) / deviation

    assert np.mean(answers.predicted_M == slow(task, standardised)) > 0.98
    assert len(answers.penalties) == FOLDS and np.mean(answers.predicted_M == task.y_M) > 0.65


def test_words_are_answered_as_by_the_slow_loop_whose_vectorizer_saw_the_training_part_only(world):
    task, _, texts = world
    answers = cross_validated([Tfidf(texts)], task, [np.array([FEW])] * FOLDS, tolerance=1e-12)

    def vectors(train, test):
        maker = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        return maker.fit_transform([texts[i] for i in train]), maker.transform([texts[i] for i in test])

    assert np.mean(answers.predicted_M == slow(task, vectors)) > 0.97


def test_what_stands_in_the_test_part_shapes_no_feature(world):
    _, x, texts = world
    train, test = np.arange(150), np.arange(150, M)
    odd = [*texts[:150], *["unheard words only"] * (M - 150)]
    (one, _), (other, rows) = Tfidf(texts)(train, test), Tfidf(odd)(train, test)
    assert one.second_moment_N.tobytes() == other.second_moment_N.tobytes() and rows.nnz == 0
    moved = np.concatenate([x[:150], 100 + x[150:]])
    (one, _), (other, _) = columns(x)(train, test), columns(moved)(train, test)
    assert one.second_moment_N.tobytes() == other.second_moment_N.tobytes()


def test_planted_duplicates_would_be_found_again_and_are_not():
    """Every sentence twice under a random label: who saw the other copy knows the answer, all others guess."""
    generator = np.random.default_rng(1)
    y = np.repeat(generator.integers(0, 2, size=101), 2)
    texts = [f"{word}{blank}Sentence" for n in range(101) for word, blank in ((f"w{n}", " "), (f"W{n}", "  "))]
    group = np.unique([normalised(each) for each in texts], return_inverse=True)[1]
    kept = np.mean(cross_validated([Tfidf(texts)], make(y, group)).predicted_M == y)
    leaky = make(y, np.arange(202))
    leaked = np.mean(cross_validated([Tfidf(texts)], leaky).predicted_M == y)
    assert kept < 0.62 and leaked > 0.7
    with pytest.raises(CPCError, match="inside and outside fold 0"):
        FoldedTask("class", ("one", "two"), y, group, leaky.fold_M)


def test_words_beside_noise_are_as_good_as_words_and_beside_columns_better(world):
    task, x, texts = world
    words, noise = Tfidf(texts), np.random.default_rng(2).normal(size=(M, 101)).astype(np.float32)
    share = {}
    alone = cross_validated([words], task)
    for name, x_MD in (("noise", noise), ("columns", x)):
        own = cross_validated([columns(x_MD)], task)
        both = cross_validated([columns(x_MD), words], task, joint_penalties(own, alone))
        share[name] = np.mean(both.predicted_M == task.y_M)
        offered = [{ABSENT, *(weight * penalty for weight in (1, 10, 100, 1000))} for penalty in own.penalties]
        assert all(penalty in among for penalty, among in zip(both.penalties, offered, strict=True))
    only = np.mean(alone.predicted_M == task.y_M)
    assert share["noise"] > only - 0.05 and share["columns"] > only - 0.02


def test_a_given_split_is_a_single_fold(world):
    task, x, _ = world
    assert min(len(task.parts(fold)[0]) for fold in task.folds) == M - np.bincount(task.fold_M).max()
    fold = np.where(task.fold_M == 0, 0, -1)
    given = FoldedTask("class", task.names, task.y_M, task.source_M, fold, inner=INNER)
    answers = cross_validated([columns(x)], given)
    assert len(answers.predicted_M) == len(given.test.y_M) == np.count_nonzero(fold == 0)
    np.testing.assert_array_equal(answers.predicted_M, cross_validated([columns(x)], task).predicted_M[fold == 0])
    commonest = np.bincount(task.y_M[fold < 0]).argmax()
    assert given.chance == pytest.approx(np.mean(given.test.y_M == commonest))


def test_a_class_of_few_groups_has_as_many_inner_folds_as_groups_or_a_clear_error():
    generator = np.random.default_rng(3)
    y = np.repeat([0, 1], [101, 4])
    group = np.concatenate([np.arange(101), 101 + np.array([0, 1, 2, 2])])
    fold = np.where(np.arange(105) % 7 == 0, 0, -1)
    fold[101:] = -1
    few = FoldedTask("class", ("one", "two"), y, group, fold, inner=5)
    assert few.inner_count(0) == 3 and set(few.inner_folds(0).tolist()) == {0, 1, 2}
    answers = cross_validated([columns(generator.normal(size=(105, 7)))], few)
    three = FoldedTask("class", ("one", "two"), y, group, fold, inner=3)
    same = cross_validated([columns(np.random.default_rng(3).normal(size=(105, 7)))], three)
    np.testing.assert_array_equal(answers.predicted_M, same.predicted_M)
    assert answers.penalties == same.penalties
    one = FoldedTask("class", ("one", "two"), y, np.where(y == 1, 101, group), fold)
    with pytest.raises(CPCError, match="inner folds: class 'two' has 1 of .* in the training part of fold 0"):
        cross_validated([columns(generator.normal(size=(105, 7)))], one)

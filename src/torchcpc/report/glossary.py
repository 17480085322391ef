"""The glossary of the page. A page explains the terms that occur in it."""

import re
from functools import cache
from typing import NamedTuple


class Term(NamedTuple):
    """A term of the glossary.

    Attributes:
        form: A regular expression that matches the term.
        name: The name in the list.
        meaning: One or two sentences.
    """

    form: str
    name: str
    meaning: str


TERMS = (
    Term(
        r"\bCPC\b",
        "CPC",
        "Contrastive Predictive Coding: a network learns to recognise the true future of a sequence among other steps.",
    ),
    Term(r"\b[Ss]teps? z\b|\bCPC z\b|\bz and c\b|\binit z\b", "z", "The representation of one step. The encoder computes it."),
    Term(r"\bcontexts? c\b|\bCPC c\b|\bz and c\b|\binit c\b", "c, context", "The representation of all steps so far."),
    Term(
        r"\bk = \d|\bstep k\b|\bprediction step\b",
        "k, prediction step",
        "The number of steps from the context to the predicted step.",
    ),
    Term(r"\bN\b", "N, candidates", "Each context must find its true step among N candidates."),
    Term(
        r"\bchance\b|\bguessing\b",
        "chance",
        "The accuracy of guessing. It is 1/N among N candidates, and the share of the most frequent class in a probe.",
    ),
    Term(r"\bL\b|\bloss\b", "L, loss", "The mean negative log probability of the true step."),
    Term(r"\bnats?\b", "nat", "The unit of information with the natural logarithm. It equals 1.44 bits."),
    Term(r"\bbits?\b", "bit", "The unit of information with the logarithm to base 2. It equals 0.69 nats."),
    Term(
        r"\b[Bb]ound\b|\bInfoNCE\b",
        "bound, log N − L, InfoNCE",
        "A lower bound on the mutual information of a context and a step ahead. It holds on data that the model was not trained on.",
    ),
    Term(
        r"\b[Cc]eiling\b",
        "ceiling, log N",
        "The largest bound that N candidates allow. If the bound is near it, the true information may be much larger.",
    ),
    Term(r"\b[Vv]alidation\b", "validation", "Sources that were held out and measured during the training."),
    Term(r"\bgroups?\b", "group", "Sources that belong together, such as the recordings of one speaker."),
    Term(r"\bsources?\b", "source", "One recording, document, picture or series."),
    Term(
        r"\bPMI\b",
        "PMI",
        "Pointwise mutual information: the log of p(step | context) / p(step). It is above 0 if the context makes the step more likely. "
        "Its mean is the mutual information.",
    ),
    Term(
        r"\bI\([^)]*\)",
        "I(x; c)",
        "The mutual information of a step ahead x and a context c. A bar introduces a condition.",
    ),
    Term(
        r"\blog Z\b",
        "log Z",
        "The normaliser of a score: the log of the mean of exp(score) over steps of other sources. PMI is the score minus log Z.",
    ),
    Term(r"\b[Cc]alibrat\w+", "calibrated", "A score minus its log Z. It can be read in nats."),
    Term(
        r"\bE exp PMI\b",
        "E exp PMI",
        "The mean of exp(PMI) over pairs that do not belong together. It is 1 if the score is calibrated.",
    ),
    Term(
        r"\bslope\b",
        "slope, intercept",
        "The coefficients of a logistic regression that separates true from false pairs by PMI. Calibrated scores give 1 and 0.",
    ),
    Term(
        r"\bESS\b", "ESS", "Effective sample size: the number of independent samples that would give log Z the same precision."
    ),
    Term(r"\bRMSE\b", "RMSE", "Root mean square error."),
    Term(r"\bs\.e\.", "s.e.", "Standard error of the difference."),
    Term(
        r"\bsurprise\b", "surprise", "The negative PMI of the step that came. It is high if the past did not predict the step."
    ),
    Term(
        r"\b95 % interval|\bintervals?\b",
        "95 % interval",
        "A range that contains the true value in 95 of 100 repetitions with other seeds and test sources.",
    ),
    Term(
        r"\bpoints\b|\bpaired\b",
        "points, paired difference",
        "The difference of two accuracies on the same test rows, in percentage points. It counts as shown if its interval excludes 0.",
    ),
    Term(
        r"\bprobe[ds]?\b|\bProbe\b",
        "probe",
        "A small classifier on the frozen representation. It measures how easily a label can be predicted.",
    ),
    Term(r"\blinear\b", "linear", "A logistic regression."),
    Term(r"\bMLP\b", "MLP", "Multi-layer perceptron: a small network with one hidden layer."),
    Term(
        r"\buntrained\b|\brandom init\b",
        "untrained network, random init",
        "The same network before training. Its accuracy comes from the architecture alone.",
    ),
    Term(r"\bhandmade\b", "handmade features", "Features from formulas, without training."),
    Term(
        r"\b[Gg]ap closed\b|\bcloses [^.]* of the gap\b",
        "gap closed",
        "(CPC - untrained) / (supervised - untrained), in accuracy: the share of what labels can teach the network that CPC "
        "learned without them. It may be above 100 %.",
    ),
    Term(r"\bsame network\b", "same network", "The same network trained from scratch on the labels."),
    Term(r"\bMFCC\b", "MFCC", "Mel-frequency cepstral coefficients, the classical features of speech."),
    Term(r"\blog-mel\b", "log-mel", "Log energies in frequency bands of the mel scale."),
    Term(r"\bTF-IDF\b", "TF-IDF", "Word counts in which rare words have more weight."),
    Term(r"\bmacro-F1\b", "macro-F1", "The mean of F1 over the classes, so that rare classes count as much as common ones."),
    Term(r"\bF1\b", "F1", "The harmonic mean of precision and recall."),
    Term(r"\bt-SNE\b", "t-SNE", "A map in two dimensions that keeps neighbours together."),
    Term(
        r"\b[Nn]ormalised per\b|\bstandardised by\b",
        "normalised per …",
        "Features have mean 0 and variance 1 within each speaker or other group.",
    ),
    Term(r"\btop-1\b", "top-1", "The share of contexts whose true future ranks first."),
    Term(r"\b1/rank\b", "mean 1/rank", "The mean reciprocal rank of the true future. The best value is 1."),
    Term(
        r"\bR-value\b",
        "R-value",
        "How well boundaries match. Recall counts, and extra boundaries cost. The best value is 100 %.",
    ),
    Term(r"\bP\b(?=[\s\S]{0,40}\bR\b)", "P, R", "Precision and recall of boundaries."),
    Term(r"\bOS\b", "OS", "Over-segmentation: how many more boundaries were found than exist, as a share of the true ones."),
    Term(r"\balarms?\b", "alarm", "A row whose score is above the threshold."),
    Term(
        r"\bz-score\b", "z-score", "How far the values of a row lie from the mean of the training data, in standard deviations."
    ),
    Term(
        r"\bAUROC\b",
        "AUROC",
        "Area under the receiver operating characteristic. Guessing gives 50 %, and the best value is 100 %.",
    ),
    Term(
        r"\bAUPRC\b",
        "AUPRC",
        "Area under the precision-recall curve. Guessing gives the share of anomalous rows, and the best value is 100 %.",
    ),
    Term(
        r"\b[Ee]ffective ranks?\b",
        "effective rank",
        "The number of directions over which the variance of a representation is spread.",
    ),
    Term(r"\b[Gg]radient\b", "gradient norm", "The length of the gradient of the loss with respect to the weights."),
)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form)


def occurring(text: str) -> list[Term]:
    """Return the terms that occur in a text, in alphabetical order."""
    return sorted((term for term in TERMS if _pattern(term.form).search(text)), key=lambda term: term.name.lower())


def plain_text(html: str) -> str:
    """Return the text of a page without style, tags and code."""
    html = re.sub(r"<(style|title|code)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\N{NO-BREAK SPACE}", " ").split())

"""The words of the page, explained. A page explains those that occur in it."""

import re
from functools import cache
from typing import NamedTuple


class Term(NamedTuple):
    """form: a regular expression of how the term occurs; name: how it is listed; meaning: one or two sentences."""

    form: str
    name: str
    meaning: str


TERMS = (
    Term(
        r"\bCPC\b",
        "CPC",
        "Contrastive Predictive Coding: a network learns to tell the true future of a sequence from other steps.",
    ),
    Term(r"\b[Ss]teps? z\b|\bCPC z\b|\bz and c\b|\binit z\b", "z", "The representation of one step, from the encoder alone."),
    Term(r"\bcontexts? c\b|\bCPC c\b|\bz and c\b|\binit c\b", "c, context", "The representation of all steps up to now."),
    Term(
        r"\bk = \d|\bstep k\b|\bprediction step\b",
        "k, prediction step",
        "How many steps ahead of the context the predicted step lies.",
    ),
    Term(r"\bN\b", "N, candidates", "Each context must find its true step among N candidates."),
    Term(r"\bchance\b|\bguessing\b", "chance", "What guessing reaches: 1/N among candidates, the commonest class in a probe."),
    Term(r"\bL\b|\bloss\b", "L, loss", "The mean of −log of the probability given to the true step."),
    Term(r"\bnats?\b", "nat", "The unit of information with the natural logarithm: 1.44 bits."),
    Term(r"\bbits?\b", "bit", "The unit of information with the logarithm to base 2: 0.69 nats."),
    Term(
        r"\b[Bb]ound\b|\bInfoNCE\b",
        "bound, log N − L, InfoNCE",
        "On data not trained on, a lower bound on the mutual information between context and step ahead.",
    ),
    Term(
        r"\b[Cc]eiling\b",
        "ceiling, log N",
        "The bound cannot pass it, whatever the truth. Near it the bound says “at least this much”.",
    ),
    Term(r"\b[Vv]alidation\b", "validation", "Sources that were held out of the training and measured as it went."),
    Term(r"\bgroups?\b", "group", "Sources that belong together, such as the recordings of one speaker."),
    Term(r"\bsources?\b", "source", "One recording, document, picture or series."),
    Term(
        r"\bPMI\b",
        "PMI",
        "Pointwise mutual information: by how many nats a context makes this step more likely than it is anyway. Its mean is the mutual "
        "information.",
    ),
    Term(
        r"\bI\([^)]*\)",
        "I(x; c)",
        "The mutual information of a step ahead x and a context c. After a bar stands what is held fixed.",
    ),
    Term(
        r"\blog Z\b",
        "log Z",
        "What a score must lose to become a PMI: the log of the mean of exp score over steps of other sources.",
    ),
    Term(r"\b[Cc]alibrat\w+", "calibrated", "A score less its log Z, so that it can be read in nats."),
    Term(r"\bE exp PMI\b", "E exp PMI", "The mean of exp PMI over pairs of strangers: 1 if the score is calibrated."),
    Term(
        r"\bslope\b",
        "slope, intercept",
        "Of the logistic regression of true against strange pairs on the PMI: 1 and 0 if calibrated.",
    ),
    Term(
        r"\bESS\b", "ESS", "Effective sample size: the number of independent samples that would give log Z the same precision."
    ),
    Term(r"\bRMSE\b", "RMSE", "Root mean square error."),
    Term(r"\bs\.e\.", "s.e.", "Standard error of the difference."),
    Term(r"\bsurprise\b", "surprise", "−PMI of what came: high where the past did not announce it."),
    Term(
        r"\b95 % interval|\bintervals?\b",
        "95 % interval",
        "Where the number would lie with other seeds and other test sources, in 95 of 100 cases.",
    ),
    Term(
        r"\bpoints\b|\bpaired\b",
        "points, paired difference",
        "The difference of two accuracies on the same test rows, in points of a percent. It is shown where its interval leaves out 0.",
    ),
    Term(
        r"\bprobe[ds]?\b|\bProbe\b",
        "probe",
        "A small classifier on the frozen representation: how easily a label can be read off.",
    ),
    Term(r"\blinear\b", "linear", "A logistic regression."),
    Term(r"\bMLP\b", "MLP", "Multi-layer perceptron: a small network with one hidden layer."),
    Term(
        r"\buntrained\b|\brandom init\b",
        "untrained self, random init",
        "The same network before training. What it reaches is owed to its form.",
    ),
    Term(r"\bhandmade\b", "handmade features", "Features from formulas, without training."),
    Term(r"\bsame network\b", "same network", "The same network trained from scratch on the labels."),
    Term(r"\bMFCC\b", "MFCC", "Mel-frequency cepstral coefficients, the classical features of speech."),
    Term(r"\blog-mel\b", "log-mel", "Log energies in bands of the mel scale of pitch."),
    Term(r"\bTF-IDF\b", "TF-IDF", "Counts of words, rare words weighted more."),
    Term(r"\bmacro-F1\b", "macro-F1", "The mean of F1 over the classes, so that rare classes count as much as common ones."),
    Term(r"\bF1\b", "F1", "The harmonic mean of precision and recall."),
    Term(r"\bt-SNE\b", "t-SNE", "A map in two dimensions that keeps neighbours together."),
    Term(
        r"\b[Nn]ormalised per\b|\bstandardised by\b",
        "normalised per …",
        "Features of each speaker or other group get mean 0 and variance 1.",
    ),
    Term(r"\btop-1\b", "top-1", "The share of contexts whose true future has the first rank."),
    Term(r"\b1/rank\b", "mean 1/rank", "Mean reciprocal rank of the true future; 1 at best."),
    Term(
        r"\bR-value\b", "R-value", "How well boundaries match: recall, less what extra boundaries bought of it; 100 % at best."
    ),
    Term(r"\bP\b(?=[\s\S]{0,40}\bR\b)", "P, R", "Precision and recall of boundaries."),
    Term(r"\bOS\b", "OS", "Over-segmentation: boundaries found too many, as a share of the true ones."),
    Term(r"\balarms?\b", "alarm", "A row whose score is above the threshold."),
    Term(
        r"\bz-score\b", "z-score", "How far the values of a row lie from the mean of the training data, in standard deviations."
    ),
    Term(r"\bAUROC\b", "AUROC", "Area under the receiver operating characteristic: 50 % by guessing, 100 % at best."),
    Term(
        r"\bAUPRC\b", "AUPRC", "Area under the precision-recall curve: the share of anomalous rows by guessing, 100 % at best."
    ),
    Term(
        r"\b[Ee]ffective ranks?\b",
        "effective rank",
        "The number of directions over which the variance of a representation is spread.",
    ),
    Term(r"\b[Gg]radient\b", "gradient norm", "The length of the step that the loss asks of the weights."),
)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(form)


def occurring(text: str) -> list[Term]:
    """The terms that occur in a text, in alphabetical order."""
    return sorted((term for term in TERMS if _pattern(term.form).search(text)), key=lambda term: term.name.lower())


def plain_text(html: str) -> str:
    """The text of a page, without its style, its tags, and the commands and names that stand as code."""
    html = re.sub(r"<(style|title|code)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\N{NO-BREAK SPACE}", " ").split())

"""Processes whose density ratios and mutual information are known exactly: what estimates are checked against.

Every process is a `Process`: it samples, holds a belief about the past, and scores any candidate in nats.
"""

from torchcpc.data.synthetic.emissions import Clouds, Symbols
from torchcpc.data.synthetic.gaussian import autoregression, gaussian_pairs, gaussian_vectors, vector_autoregression
from torchcpc.data.synthetic.hidden_markov import HiddenMarkov, markov_chain, symmetric
from torchcpc.data.synthetic.linear_gaussian import LinearGaussian
from torchcpc.data.synthetic.nuisance import Nuisance
from torchcpc.data.synthetic.oracle import oracle_infonce
from torchcpc.data.synthetic.process import Process, Sampled
from torchcpc.data.synthetic.reader import PROCESSES, named, simulate
from torchcpc.data.synthetic.speakers import Speakers
from torchcpc.data.synthetic.warped import Warped

__all__ = [
    "PROCESSES",
    "Clouds",
    "HiddenMarkov",
    "LinearGaussian",
    "Nuisance",
    "Process",
    "Sampled",
    "Speakers",
    "Symbols",
    "Warped",
    "autoregression",
    "gaussian_pairs",
    "gaussian_vectors",
    "markov_chain",
    "named",
    "oracle_infonce",
    "simulate",
    "symmetric",
    "vector_autoregression",
]

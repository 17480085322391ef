"""Processes whose density ratios and mutual information are known exactly, to check estimates against.

Each is a `Process`: it samples sequences, holds a belief about the past, and scores any candidate in nats.
"""

from torchcpc.data.synthetic.derived import Nuisance, Speakers, Warped
from torchcpc.data.synthetic.hidden_markov import Clouds, HiddenMarkov, Symbols, markov_chain, symmetric
from torchcpc.data.synthetic.linear_gaussian import (
    LinearGaussian,
    autoregression,
    gaussian_pairs,
    gaussian_vectors,
    vector_autoregression,
)
from torchcpc.data.synthetic.process import Process, SampledSequences, oracle_infonce
from torchcpc.data.synthetic.reader import PROCESSES, named, simulate

__all__ = ["PROCESSES", "Process", "SampledSequences", "named", "oracle_infonce", "simulate"]
__all__ += ["Clouds", "HiddenMarkov", "Symbols", "markov_chain", "symmetric"]
__all__ += ["LinearGaussian", "autoregression", "gaussian_pairs", "gaussian_vectors", "vector_autoregression"]
__all__ += ["Nuisance", "Speakers", "Warped"]

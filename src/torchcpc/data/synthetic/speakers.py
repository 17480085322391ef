"""Speakers who never change and phones that do: the smallest process in which the proposal decides what is estimated."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from torchcpc.contracts import CPCError, Result
from torchcpc.data.synthetic.hidden_markov import markov_chain, symmetric
from torchcpc.data.synthetic.process import Sampled


class Speakers:
    """Each sequence has one of `speakers` voices and walks a symmetric chain of `phones`; x = one-hot speaker, one-hot phone.

    proposal "mixed": competitors are steps of anyone, and the ratio is that of I(x; past); "same_group": of the same speaker, and
    it is that of I(x; past | speaker). They differ by log `speakers`: 1.832 against 0.446 nats for 4 x 4 and flip 0.3. Belief: the
    speaker, then the phone, both one-hot. A candidate of another speaker has ratio 0, and is never proposed by "same_group".
    """

    def __init__(
        self, *, speakers: int = 4, phones: int = 4, flip: float = 0.3, proposal: Literal["mixed", "same_group"] = "mixed"
    ) -> None:
        if speakers < 1 or proposal not in ("mixed", "same_group"):
            raise CPCError(f"speakers = {speakers}, proposal = {proposal!r}: at least 1, and 'mixed' or 'same_group'.")
        self.speakers, self.proposal, self.dim = speakers, proposal, speakers + phones
        self.chain = markov_chain(symmetric(phones, flip))

    def sample(self, sequences: int, steps: int, rng: np.random.Generator) -> Sampled:
        group_B = rng.integers(self.speakers, size=sequences)
        voice_BTV = np.broadcast_to(self._voice(group_B)[:, None], (sequences, steps, self.speakers))
        phone_BTP = self.chain.sample(sequences, steps, rng).x_BTD
        return Sampled(np.concatenate([voice_BTV, phone_BTP], axis=2, dtype=np.float32), group_B)

    def belief(self, x_BTD: np.ndarray) -> np.ndarray:
        voice_BTV = self._voice(x_BTD[..., : self.speakers].argmax(-1))
        return np.concatenate([voice_BTV, self.chain.belief(x_BTD[..., self.speakers :])], axis=-1)

    def log_ratio(self, x: np.ndarray, belief: np.ndarray, k: int) -> np.ndarray:
        phone = self.chain.log_ratio(x[..., self.speakers :], belief[..., self.speakers :], k)
        same = x[..., : self.speakers].argmax(-1) == belief[..., : self.speakers].argmax(-1)
        return np.where(same, phone + self._gain(), -np.inf)

    def propose(self, belief: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        shape = (*belief.shape[:-1], count)
        voice = rng.integers(self.speakers, size=shape)
        if self.proposal == "same_group":
            voice = np.broadcast_to(belief[..., : self.speakers].argmax(-1)[..., None], shape)
        return np.concatenate([self._voice(voice), self.chain.propose(belief, count, rng)], axis=-1)

    def information(self, k: int, *, past: int | None = None) -> Result:
        value = self.chain.information(k, past=past).value + self._gain()
        return Result("information", value, "nats", 0, value, value, {"k": k, "past": past, "proposal": self.proposal})

    def _gain(self) -> float:
        return math.log(self.speakers) if self.proposal == "mixed" else 0.0

    def _voice(self, number: np.ndarray) -> np.ndarray:
        return np.eye(self.speakers)[number]

"""Sentences -> one vector each: word embedding, convolution over words, ReLU, mean over the words there are (the paper's text encoder)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import CPCError, Layout, Steps, Window
from torchcpc.encoders.strided import strided_steps

# Sentences whose words are held at once: a book, or a library, is embedded in bounded memory (here about 300 MB at 512 numbers a word).
_TOGETHER = 1 << 13


class SentenceEncoder(nn.Module):
    """x [B, S, width] token numbers, 0 after the end of a sentence -> z [B, S, dim]: a step is a sentence and sees only itself.

    Tokens of all sentences are packed into one list first, so that padding costs nothing: with sentences of 1 to 32 words it would
    be more than half of the work. A convolution of `kernel` words sees zeros beyond the ends of its sentence. vocabulary: numbers
    that a token can have; `cpc train` sets it from the tokenizer. The paper's sizes are the defaults.
    """

    def __init__(
        self, *, vocabulary: int = 20_000, embedding: int = 620, dim: int = 2400, kernel: int = 1, width: int = 32
    ) -> None:
        super().__init__()
        if min(vocabulary, embedding, dim, width) < 1 or kernel < 1 or kernel % 2 == 0:
            raise CPCError(
                f"encoder.vocabulary = {vocabulary}, embedding = {embedding}, dim = {dim}, width = {width}: all at least 1; "
                f"kernel = {kernel}: an odd number of words, so that it has a middle."
            )
        self.dim, self.kernel, self.row_shape, self.layout = dim, kernel, (width,), Layout()
        self.stride, self.receptive_field, self.first_new_step = 1, 1, 1
        self.embedding = nn.Embedding(vocabulary, embedding)
        # Of unit variance, torch's own choice: started at the scale of the weights, frequent words grow large and the rare ones, which
        # carry the matter of a sentence, are lost in the mean (1,200 updates for the bound of 800).
        self.words = nn.Linear(kernel * embedding, dim)

    def frame_rate(self, sample_rate: float) -> float:
        """Steps per second of sentences that arrive `sample_rate` times a second."""
        return sample_rate

    def forward(self, x_BSL: Tensor) -> Tensor:
        if x_BSL.dim() != 3:
            raise CPCError(f"input of shape {tuple(x_BSL.shape)}: expected [batch, sentences, tokens].")
        B, S, L = x_BSL.shape
        ids_nL = x_BSL.reshape(B * S, L).long()
        if len(ids_nL) <= _TOGETHER:
            return self._means(ids_nL).reshape(B, S, self.dim)
        return torch.cat([self._means(part) for part in ids_nL.split(_TOGETHER)]).reshape(B, S, self.dim)

    def _means(self, ids_nL: Tensor) -> Tensor:
        n, L = ids_nL.shape
        place_W = (ids_nL.flatten() != 0).nonzero().squeeze(1)
        sentence_W = torch.div(place_W, L, rounding_mode="floor")
        e_WE = self.embedding(ids_nL.flatten()[place_W])
        y_WD = F.relu(self.words(neighbours(e_WE, sentence_W, self.kernel)))
        count_n = (ids_nL != 0).sum(dim=1)
        # Summed in the precision of the weights whatever the autocast.
        sum_nD = torch.zeros(n, self.dim, dtype=self.words.weight.dtype, device=ids_nL.device)
        # Not index_add: exported to ONNX it would keep one word of each sentence.
        sum_nD = sum_nD.scatter_add(0, sentence_W.unsqueeze(1).expand_as(y_WD), y_WD.to(sum_nD.dtype))
        return sum_nD / count_n.clamp(min=1).unsqueeze(1)

    def steps(self, window: Window) -> Steps:
        return strided_steps(window, self.stride)


def neighbours(e_WE: Tensor, sentence_W: Tensor, kernel: int) -> Tensor:
    """[W, kernel * E]: each word's embedding between those of the words around it, zeros where these are of other sentences."""
    reach = kernel // 2
    near = []
    for shift in range(-reach, reach + 1):
        same_W = sentence_W.roll(-shift) == sentence_W
        # roll goes round: the ends of the list are neighbours only where it holds one sentence, and there not either.
        if shift > 0:
            same_W[-shift:] = False
        elif shift < 0:
            same_W[:-shift] = False
        near.append(e_WE.roll(-shift, dims=0) * same_W.unsqueeze(1) if shift else e_WE)
    return torch.cat(near, dim=1) if reach else e_WE

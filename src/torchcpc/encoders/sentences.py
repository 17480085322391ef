"""Turn sentences into one vector each: word embedding, convolution over words, ReLU, and the mean over the words.

This is the text encoder of the paper.
"""

from collections.abc import Callable
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import CPCError, OneOf, Positive, Size, check_choice
from torchcpc.encoders.strided import Strided

# Sentences whose words are in memory at a time, about 300 MB for 512 numbers per word. A book or a library is thus embedded
# in bounded memory.
_TOGETHER = 1 << 13
# Maps the mean over the words of a sentence, and its length relative to the longest sentence, to the vector of the
# sentence.
POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": lambda mean_nD, share_n1: mean_nD,
    "root": lambda mean_nD, share_n1: (mean_nD - mean_nD.mean(dim=1, keepdim=True)) * share_n1.sqrt(),
}


class SentenceEncoder(Strided):
    """x [B, S, width] token numbers, 0 after the end of a sentence -> z [B, S, dim].

    A step is a sentence and sees only itself. Tokens of all sentences are first packed into one list, so that padding costs
    nothing. With a kernel of one word, a frequent word costs no more than a rare one. A wider convolution sees zeros beyond
    the ends of its sentence. The defaults are the sizes of the paper.

    Args:
        vocabulary: Numbers that a token can have. Training sets it from the tokenizer.
        embedding: Width of a word vector.
        dim: Width of z.
        kernel: Words that the convolution sees, an odd number. 1 looks at each word alone.
        width: Tokens that are read of a sentence. Training sets it from data.width.
        pace: Factor of the learning rate of word vectors, which hardly change otherwise.
        rarity: Scales the initial norm of each word vector by (log rank / log vocabulary) ** rarity. 0 gives all words the
            same norm; 1 corresponds to inverse document frequency under Zipf's law.
        pooling: How words become a sentence. "mean" is the paper's. "root" is the centred mean times sqrt(words / width).
            With it a word counts as much in a long sentence as in a short one.
    """

    def __init__(
        self,
        *,
        vocabulary: Annotated[int, Ge(1), Le(1 << 24)] = 20_000,
        embedding: Size = 620,
        dim: Size = 2400,
        kernel: Annotated[int, Ge(1), Le(1023)] = 1,
        width: Size = 32,
        pace: Annotated[Positive, Le(1e4)] = 1.0,
        rarity: Annotated[float, Ge(0), Le(8)] = 0.0,
        pooling: Annotated[str, OneOf(POOLINGS)] = "mean",
    ) -> None:
        super().__init__()
        if min(vocabulary, embedding, dim, width) < 1 or kernel < 1 or kernel % 2 == 0:
            raise CPCError(
                f"encoder.vocabulary = {vocabulary}, embedding = {embedding}, dim = {dim}, width = {width}: all at least 1; "
                f"kernel = {kernel}: an odd number of words, so that it has a middle."
            )
        if pace <= 0:
            raise CPCError(f"encoder.pace = {pace}: a factor of the learning rate of word vectors, above 0; 1 changes nothing.")
        if not 0 <= rarity <= 8:
            raise CPCError(f"encoder.rarity = {rarity}: from 0 (equal norms) to 8; 1 is like inverse document frequency.")
        check_choice("encoder.pooling", pooling, POOLINGS)
        self.dim, self.kernel, self.pace, self.row_shape, self.pooling = dim, kernel, pace, (width,), pooling
        self.embedding = nn.Embedding(vocabulary, embedding)
        # Word vectors have unit variance, torch's default. At the scale of the weights, frequent words would grow large.
        # Rare words, which carry the content of a sentence, would be lost in the mean (1,200 updates for the bound of 800).
        # Adam changes every number by about the learning rate, whatever its size, so smaller numbers change by a greater
        # part. Ranks are counted from 2, so that no word starts at zero.
        log_V = (torch.arange(vocabulary).clamp(min=1) + 1.0).log()
        length_V = (log_V / log_V[-1]) ** rarity
        with torch.no_grad():
            self.embedding.weight.mul_(length_V[:, None] / pace)
        self.words = nn.Linear(kernel * embedding, dim)

    def forward(self, x_BSL: Tensor) -> Tensor:
        """Return z [B, S, dim] of token numbers [B, S, width]."""
        if x_BSL.dim() != 3:
            raise CPCError(f"input of shape {tuple(x_BSL.shape)}: expected [batch, sentences, tokens].")
        B, S, L = x_BSL.shape
        ids_nL = x_BSL.reshape(B * S, L).long()
        if len(ids_nL) <= _TOGETHER:
            return self._means(ids_nL).reshape(B, S, self.dim)
        return torch.cat([self._means(part) for part in ids_nL.split(_TOGETHER)]).reshape(B, S, self.dim)

    def _means(self, ids_nL: Tensor) -> Tensor:
        real_nL = ids_nL != 0
        count_n = real_nL.sum(dim=1)
        ids_W = ids_nL[real_nL]
        if self.kernel == 1:
            # Without neighbours, the vector of a word is the same everywhere. It is computed once for each word of the
            # batch.
            ids_V, word_W = torch.unique(ids_W, return_inverse=True)
            y_VD = F.relu(self.words(self.pace * self.embedding(ids_V)))
        else:
            sentence_W = torch.repeat_interleave(torch.arange(len(ids_nL), device=ids_nL.device), count_n)
            y_VD = F.relu(self.words(neighbours(self.pace * self.embedding(ids_W), sentence_W, self.kernel)))
            word_W = torch.arange(len(ids_W), device=ids_nL.device)
        # Averaged in the precision of the weights under any autocast. The mean of no word is zero.
        start_n = count_n.cumsum(0) - count_n
        mean_nD = F.embedding_bag(word_W, y_VD.to(self.words.weight.dtype), start_n, mode="mean")
        return POOLINGS[self.pooling](mean_nD, (count_n / self.row_shape[0]).unsqueeze(1))


def neighbours(e_WE: Tensor, sentence_W: Tensor, kernel: int) -> Tensor:
    """Join the embedding of each word with those of the words around it.

    Words of other sentences count as zeros.

    Args:
        e_WE: Embedding of each word.
        sentence_W: Number of the sentence of each word.
        kernel: Number of words to join, odd.

    Returns:
        Joined embeddings, [W, kernel * E].
    """
    near, reach = [], kernel // 2
    for shift in range(-reach, reach + 1):
        same_W = sentence_W.roll(-shift) == sentence_W
        # roll wraps around. The ends of the list could be taken for neighbours only if it holds a single sentence, and this
        # is undone here.
        if shift:
            same_W[slice(-shift, None) if shift > 0 else slice(-shift)] = False
        near.append(e_WE.roll(-shift, dims=0) * same_W.unsqueeze(1) if shift else e_WE)
    return torch.cat(near, dim=1)

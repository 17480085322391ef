"""The published settings of facebookresearch/CPC_audio in plain torch, a contender of `quality_per_minute.py`.

All of it is written anew. It shares neither the objective nor the encoders of torchcpc. The facts come from these files of
the repository facebookresearch/CPC_audio on GitHub (MIT licence), with the first digits of the commit that was read:

| fact | value | file |
| --- | --- | --- |
| encoder: kernels, strides, padding | 10 8 4 4 4, 5 4 2 2 2, 3 2 1 1 1 | cpc/model.py, 056c75e |
| encoder: width | 256 | cpc/cpc_default_config.py, 41fec49 |
| encoder: after each layer | channel norm with eps 1e-5 and the unbiased variance, ReLU | cpc/model.py, 056c75e |
| context | one layer of LSTM, 256 wide | cpc/cpc_default_config.py, 41fec49 |
| steps ahead | 1 to 12, each with its own head | cpc/cpc_default_config.py, 41fec49 |
| head | one causal transformer layer, post-norm | cpc/criterion/criterion.py, 1b5fded |
| head: sizes | 8 attention heads, 2,048 hidden units, dropout 0.1 | cpc/transformers.py, efefd89 |
| head: positions | a learned key for each distance, shared by the attention heads | cpc/transformers.py, efefd89 |
| score | mean over the channels of prediction times z | cpc/criterion/criterion.py, 1b5fded |
| loss | cross-entropy of 1 positive and 128 negatives, mean over steps, sum over k | cpc/criterion/criterion.py, 1b5fded |
| negatives | see `draw_negatives` | cpc/criterion/criterion.py, 1b5fded |
| windows | 20,480 samples, 8 in a batch, all of one speaker, see `SpeakerWindows` | cpc/dataset.py, 323f1df |
| optimiser | Adam, 2e-4, betas 0.9 and 0.999, eps 1e-8, constant rate | cpc/train.py, 03b0b4e |

Linear heads and a GRU are options of the original too. Here they are `Published(heads="linear")` and `cell="GRU"`.

What differs from the original:

- A batch has 8 windows, the number for one GPU. The original has 8 for each of its GPUs.
- There is no validation, and the current weights count. The original keeps the last weights and those of its best epoch.
- All scores of a batch come from one matrix product, and the drawn ones are taken from it. The numbers are the same, and
  a CPU needs far less time.
- The random numbers of an update follow from (seed, step), so that a stopped run can go on.
- The first window of an epoch is never at the very start of a speaker. The original allows that with probability 1 / 10,241.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from torchcpc.contracts import CPCError, Sources
from torchcpc.training.loop import step_generator

KERNELS, STRIDES, PADDINGS = (10, 8, 4, 4, 4), (5, 4, 2, 2, 2), (3, 2, 1, 1, 1)
STEP = prod(STRIDES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The settings of the original.

    Attributes:
        channels: Width of the encoder.
        context: Width of the context.
        cell: "LSTM" or "GRU".
        horizons: Number of steps ahead, from 1.
        heads: "transformer" or "linear".
        attention_heads: Attention heads of a transformer layer.
        hidden: Hidden units of a transformer layer.
        dropout: Dropout of a transformer layer.
        negatives: Negatives of each step.
        window: Samples of a window.
        batch: Windows of a batch.
        learning_rate: Learning rate of Adam.
    """

    channels: int = 256
    context: int = 256
    cell: str = "LSTM"
    horizons: int = 12
    heads: str = "transformer"
    attention_heads: int = 8
    hidden: int = 2048
    dropout: float = 0.1
    negatives: int = 128
    window: int = 20_480
    batch: int = 8
    learning_rate: float = 2e-4

    def __post_init__(self) -> None:
        if self.cell not in ("LSTM", "GRU") or self.heads not in ("transformer", "linear"):
            raise CPCError(f"cell = {self.cell!r}, heads = {self.heads!r}: choose LSTM or GRU, and transformer or linear.")
        if self.heads == "transformer" and self.context != self.channels:
            raise CPCError(f"context = {self.context}: a transformer head keeps the width {self.channels} of the encoder.")


class ChannelNorm(nn.Module):
    """Standardise each step over its channels, then scale and shift each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale_D1, self.shift_D1 = nn.Parameter(torch.ones(channels, 1)), nn.Parameter(torch.zeros(channels, 1))

    def forward(self, x_BDT: Tensor) -> Tensor:
        variance_B1T, mean_B1T = torch.var_mean(x_BDT, dim=1, keepdim=True)
        return (x_BDT - mean_B1T) * (variance_B1T + 1e-5).rsqrt() * self.scale_D1 + self.shift_D1


class Encoder(nn.Module):
    """x_BS -> z_BTD, a step for each 160 samples.

    Step t sees 465 samples, from 153 before its first sample to 152 after its last. The encoders of torchcpc see nothing
    after the last. The centre of a step is the same, so one set of frame labels serves both.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        widths = (1, *[channels] * len(KERNELS))
        sizes = zip(widths, widths[1:], KERNELS, STRIDES, PADDINGS, strict=False)
        self.convolutions = nn.ModuleList(nn.Conv1d(*size) for size in sizes)
        self.normalisations = nn.ModuleList(ChannelNorm(channels) for _ in KERNELS)

    def forward(self, x_BS: Tensor) -> Tensor:
        x_BDT = x_BS.unsqueeze(1)
        for convolution, normalisation in zip(self.convolutions, self.normalisations, strict=True):
            x_BDT = F.relu(normalisation(convolution(x_BDT)))
        # With 159 samples after the last step, the padding makes one step more.
        return x_BDT.transpose(1, 2)[:, : x_BS.shape[1] // STEP]


class CausalLayer(nn.Module):
    """A transformer layer whose step t attends to the steps up to t, x_BTD -> y_BTD.

    Args:
        width: Width of x and y.
        steps: Largest number of steps.
        settings: The settings of the original.
    """

    def __init__(self, width: int, steps: int, settings: Published) -> None:
        super().__init__()
        self.heads, self.dropout = settings.attention_heads, nn.Dropout(settings.dropout)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        reach = (width // self.heads) ** -0.5
        self.distance_ET = nn.Parameter(torch.empty(width // self.heads, steps).uniform_(-reach, reach))
        hidden = nn.Linear(width, settings.hidden), nn.ReLU(), nn.Dropout(settings.dropout)
        self.feed = nn.Sequential(*hidden, nn.Linear(settings.hidden, width))
        self.after_attention, self.after_feed = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        y_BTD = self.after_attention(x_BTD + self.attend(x_BTD))
        return self.after_feed(y_BTD + self.feed(y_BTD))

    def attend(self, x_BTD: Tensor) -> Tensor:
        """Return the mixture of earlier steps. Keys and distances both decide their weights."""
        B, T, D = x_BTD.shape
        split = [layer(x_BTD).view(B, T, self.heads, -1).transpose(1, 2) for layer in (self.query, self.key, self.value)]
        query_BHTE, key_BHTE, value_BHTE = split
        past_TT = torch.arange(T)[:, None] - torch.arange(T)
        by_distance_BHTT = query_BHTE @ self.distance_ET[:, :T]
        near_BHTT = by_distance_BHTT.gather(3, past_TT.clamp_min(0).expand_as(by_distance_BHTT))
        score_BHTT = (query_BHTE @ key_BHTE.transpose(2, 3) + near_BHTT) / query_BHTE.shape[3] ** 0.5
        weight_BHTT = score_BHTT.masked_fill(past_TT < 0, -torch.inf).softmax(dim=3)
        return self.out((self.dropout(weight_BHTT) @ value_BHTE).transpose(1, 2).reshape(B, T, D))


class Network(nn.Module):
    """Encoder, context and heads.

    Args:
        settings: The settings of the original.
    """

    def __init__(self, settings: Published) -> None:
        super().__init__()
        D, C, steps = settings.channels, settings.context, settings.window // STEP - settings.horizons
        self.encoder = Encoder(D)
        self.context = (nn.LSTM if settings.cell == "LSTM" else nn.GRU)(D, C, batch_first=True)

        def head() -> nn.Module:
            return CausalLayer(D, steps, settings) if settings.heads == "transformer" else nn.Linear(C, D, bias=False)

        self.heads = nn.ModuleList(head() for _ in range(settings.horizons))

    def forward(self, x_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Return z_BTD and c_BTC."""
        z_BTD = self.encoder(x_BS)
        return z_BTD, self.context(z_BTD)[0]

    def predict(self, c_BTC: Tensor) -> Tensor:
        """Return the predictions p_BTKD."""
        return torch.stack([head(c_BTC) for head in self.heads], dim=2)


def draw_negatives(B: int, S: int, T: int, count: int, generator: torch.Generator) -> Tensor:
    """Return the positions of negatives in z_BSD, flattened to [B * S]: [B, T, count].

    As in the original, all k share the negatives of a step. A negative comes from any window of the batch, and from any
    place of it but t. So the positive t + k may be among them, each time with probability 1 / (B * (S - 1)).

    Args:
        B: Windows.
        S: Steps of a window.
        T: Steps of a window that predict.
        count: Negatives of each step.
        generator: Source of randomness.
    """
    window_BTN = torch.randint(B, (B, T, count), generator=generator)
    ahead_BTN = torch.randint(1, S, (B, T, count), generator=generator)
    return window_BTN * S + (torch.arange(T)[:, None] + ahead_BTN) % S


def scores(p_BTKD: Tensor, z_BSD: Tensor, negative_BTN: Tensor) -> Tensor:
    """Return the score of the positive, z at t + k, and of the negatives: [B, T, K, 1 + N].

    Args:
        p_BTKD: Predictions of the first T of S steps.
        z_BSD: Encoded steps.
        negative_BTN: Positions of the negatives in [B * S].
    """
    (B, T, K, D), S = p_BTKD.shape, z_BSD.shape[1]
    score_BTKM = (p_BTKD.reshape(-1, D) @ z_BSD.reshape(-1, D).t() / D).view(B, T, K, B * S)
    ahead_TK = torch.arange(T)[:, None] + torch.arange(1, K + 1)
    positive_BTK1 = (torch.arange(B)[:, None, None] * S + ahead_TK).unsqueeze(3)
    negative_BTKN = negative_BTN.unsqueeze(2).expand(B, T, K, -1)
    return score_BTKM.gather(3, torch.cat([positive_BTK1, negative_BTKN], dim=3))


def loss_of(score_BTKN: Tensor) -> Tensor:
    """Return the cross-entropy of the positives, which are in place 0: the mean over steps, summed over k."""
    flat_MN = score_BTKN.flatten(0, 2)
    return F.cross_entropy(flat_MN, flat_MN.new_zeros(len(flat_MN), dtype=torch.int64)) * score_BTKN.shape[2]


class SpeakerWindows:
    """Batches of windows of one speaker.

    The recordings of a speaker follow one another without a gap. An epoch lays windows end to end from a random start of at
    most half a window. It shuffles the windows of each speaker, forms batches, and shuffles these. The last batch of a
    speaker may be smaller. All recordings are in memory.

    Args:
        sources: The recordings. Their groups are the speakers.
        settings: The settings of the original.
        seed: Seed of the order.

    Raises:
        CPCError: If no speaker has two windows.
    """

    def __init__(self, sources: Sources, settings: Published, seed: int) -> None:
        self.window, self.batch, self.seed = settings.window, settings.batch, seed
        order = sorted(range(len(sources)), key=lambda i: sources.items[i].key)
        speakers = sorted({sources.group(i) for i in order})
        whole = {i: sources.read(i, 0, sources.length(i)) for i in order}
        self.samples = [np.concatenate([whole[i] for i in order if sources.group(i) == speaker]) for speaker in speakers]
        self.counts = [max(0, len(x_S) // self.window - 1) for x_S in self.samples]
        self.batches = sum(ceil(count / self.batch) for count in self.counts)
        if not self.batches:
            raise CPCError(f"no speaker has two windows of {self.window} samples: name more recordings, or shorten the window.")
        self._epoch: tuple[int, list[tuple[int, list[int]]]] = (-1, [])

    def draw(self, step: int) -> Tensor:
        """Return the batch x_BS of an update."""
        number, place = divmod(step, self.batches)
        if self._epoch[0] != number:
            self._epoch = number, self.epoch(number)
        speaker, starts = self._epoch[1][place]
        return torch.from_numpy(np.stack([self.samples[speaker][start : start + self.window] for start in starts]))

    def epoch(self, number: int) -> list[tuple[int, list[int]]]:
        """Return the batches of an epoch, each as the number of its speaker and the starts of its windows."""
        rng = np.random.default_rng((self.seed, number))
        offset = int(rng.integers(1, self.window // 2 + 1))
        made: list[tuple[int, list[int]]] = []
        for speaker, count in enumerate(self.counts):
            starts = (offset + self.window * rng.permutation(count)).tolist()
            made += [(speaker, starts[first : first + self.batch]) for first in range(0, count, self.batch)]
        return [made[i] for i in rng.permutation(len(made))]


class Training:
    """A training of the contender, one update a call.

    Args:
        sources: The recordings to train on.
        seed: Seed of the weights, the windows and the negatives.
        settings: The settings of the original.

    Attributes:
        model: The network.
        optimizer: Its optimiser.
        step: Updates done.
    """

    ended = False

    def __init__(self, sources: Sources, seed: int, settings: Published) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = Network(settings)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate, fused=True)
        self.windows, self.seed, self.settings, self.step = SpeakerWindows(sources, settings, seed), seed, settings, 0

    def update(self, seconds: float) -> None:
        """Update the weights once. The learning rate is constant, so `seconds` are not used."""
        generator = step_generator(self.seed, self.step, 0)  # also the seed of dropout
        z_BSD, c_BSC = self.model(self.windows.draw(self.step))
        (B, S, _), T = z_BSD.shape, z_BSD.shape[1] - self.settings.horizons
        negative_BTN = draw_negatives(B, S, T, self.settings.negatives, generator)
        loss_of(scores(self.model.predict(c_BSC[:, :T]), z_BSD, negative_BTN)).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1

    def schedule_done(self, seconds: float) -> float:
        """Return how much of the learning-rate schedule is done. A constant rate has none to finish."""
        return 1.0

    @torch.inference_mode()
    def embed(self, clips: Sources) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield the number of each clip with its z_TD and c_TC.

        Each clip is embedded alone, because padding after its end would change its last steps.
        """
        self.model.eval()
        for index in range(len(clips)):
            z_1TD, c_1TC = self.model(torch.from_numpy(clips.read(index, 0, clips.length(index))).unsqueeze(0))
            yield index, z_1TD[0].numpy(), c_1TC[0].numpy()
        self.model.train()

    def close(self) -> None:
        """Do nothing: there is no thread to end."""

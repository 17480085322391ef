"""The sentence encoder against a slow loop over words, and what padding, unknown words and order do."""

from __future__ import annotations

import math

import pytest
import torch

from torchcpc.contracts import CPCError
from torchcpc.encoders import SentenceEncoder


def slow(encoder: SentenceEncoder, ids: list[int]) -> torch.Tensor:
    """One sentence, word by word: the convolution as a sum over taps, zeros beyond the ends, ReLU, mean."""
    E = encoder.embedding.weight.shape[1]
    words = [i for i in ids if i]
    total, reach = torch.zeros(encoder.dim, dtype=torch.float64), encoder.kernel // 2
    for place in range(len(words)):
        y = encoder.words.bias.double()
        for tap in range(encoder.kernel):
            near = place + tap - reach
            if 0 <= near < len(words):
                y = (
                    y
                    + encoder.words.weight[:, tap * E : (tap + 1) * E].double() @ encoder.embedding.weight[words[near]].double()
                )
        total += y.clamp(min=0)
    return total / max(1, len(words))


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_equals_a_loop_over_words(kernel: int) -> None:
    torch.manual_seed(kernel)
    encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=7, kernel=kernel, width=5)
    length = torch.randint(0, 6, (3, 13))
    length[0, 0], length[1, 1] = 0, 5
    x = torch.randint(1, 23, (3, 13, 5)) * (torch.arange(5) < length.unsqueeze(2))
    z = encoder(x.float())
    assert z.shape == (3, 13, 7)
    expected = torch.stack([torch.stack([slow(encoder, row) for row in sentences]) for sentences in x.tolist()])
    torch.testing.assert_close(z.double(), expected, rtol=1e-5, atol=1e-6)
    assert not z[0, 0].any()


def test_many_sentences_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=7, kernel=3, width=5)
    x = torch.randint(0, 23, (3, 13, 5))
    whole = encoder(x)
    monkeypatch.setattr("torchcpc.encoders.sentences._TOGETHER", 11)
    torch.testing.assert_close(encoder(x), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("kernel", "rows"), [(1, 3), (3, 7)])
def test_a_word_without_neighbours_is_worked_out_once(kernel: int, rows: int) -> None:
    encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=5, kernel=kernel, width=5)
    seen = []
    encoder.words.register_forward_hook(lambda layer, given, made: seen.append(len(made)))
    encoder(torch.tensor([[[3, 9, 3, 0, 0], [9, 3, 3, 2, 0]]]))
    assert seen == [rows]


def test_gradients_equal_those_of_the_loop() -> None:
    torch.manual_seed(3)
    encoder = SentenceEncoder(vocabulary=7, embedding=3, dim=5, kernel=1, width=4).double()
    x = torch.tensor([[[3, 5, 3, 0], [0, 0, 0, 0], [3, 2, 5, 5]]])
    weight_3D = torch.randn(3, 5, dtype=torch.float64)
    (encoder(x)[0] * weight_3D).sum().backward()
    got = [p.grad.clone() for p in encoder.parameters() if p.grad is not None]
    encoder.zero_grad()
    by_word_3D = torch.stack([slow(encoder, row) for row in x[0].tolist()])
    (by_word_3D * weight_3D).sum().backward()
    expected = [p.grad for p in encoder.parameters() if p.grad is not None]
    assert len(got) == 3
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kernel", [1, 3])
def test_pace_is_how_fast_words_learn(kernel: int) -> None:
    """The function at the start is the same; after one step of Adam words have moved so many times as far, other weights as far."""
    x = torch.tensor([[[3, 9, 3, 0, 0], [9, 3, 7, 2, 0]]])
    moved = {}
    for pace in (1.0, 16.0):
        torch.manual_seed(0)
        encoder = SentenceEncoder(vocabulary=11, embedding=13, dim=5, kernel=kernel, width=5, pace=pace)
        used, weight = pace * encoder.embedding.weight.detach().clone(), encoder.words.weight.detach().clone()
        adam = torch.optim.Adam(encoder.parameters(), lr=1e-3, eps=1e-12)
        z = encoder(x)
        (z * torch.linspace(-1, 1, 10).reshape(1, 2, 5)).sum().backward()
        adam.step()
        of_words = (pace * encoder.embedding.weight.detach() - used)[3].abs().mean().item()
        moved[pace] = (z, of_words, (encoder.words.weight.detach() - weight).abs().mean().item())
    torch.testing.assert_close(moved[16.0][0], moved[1.0][0])
    assert moved[16.0][1] == pytest.approx(16 * moved[1.0][1], rel=1e-2)
    assert moved[16.0][2] == pytest.approx(moved[1.0][2], rel=1e-2)


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_root_is_the_mean_centred_over_columns_and_grows_with_the_root_of_the_words(kernel: int) -> None:
    torch.manual_seed(5)
    encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=7, kernel=kernel, width=13, pooling="root")
    ids = [[3, 9, 3, 2, 5, 17, 22], [4], []]
    x = torch.tensor([[row + [0] * (13 - len(row)) for row in ids]])
    expected = [(slow(encoder, row) - slow(encoder, row).sum() / 7) * (len(row) / 13) ** 0.5 for row in ids]
    torch.testing.assert_close(encoder(x)[0].double(), torch.stack(expected), rtol=1e-5, atol=1e-6)


def test_rare_words_begin_longer_by_the_logarithm_of_their_rank() -> None:
    lengths = {}
    for rarity in (0.0, 1.0, 2.0):
        torch.manual_seed(7)
        lengths[rarity] = (
            SentenceEncoder(vocabulary=101, embedding=3, rarity=rarity, pace=4.0).embedding.weight.detach().norm(dim=1)
        )
    share_V = lengths[1.0] / lengths[0.0]
    for number, rank in ((2, 3), (10, 11), (100, 101)):  # of [PAD], [UNK], and the words from the commonest on
        assert share_V[number].item() == pytest.approx(math.log(rank) / math.log(101))
    torch.testing.assert_close(lengths[2.0] / lengths[0.0], share_V**2)


def test_padding_is_no_word() -> None:
    torch.manual_seed(1)
    encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=7, kernel=3, width=5)
    x = torch.tensor([[[3, 9, 0, 0, 0]]])
    wide = torch.tensor([[[3, 9, 0, 0, 0, 0, 0, 0, 0]]])
    torch.testing.assert_close(encoder(x), encoder(wide), rtol=0, atol=1e-6)
    twice = encoder(torch.tensor([[[3, 9, 3, 9, 0]]]))
    assert not torch.allclose(encoder(x), twice)  # the convolution sees where the sentence goes on


def test_order_matters_to_a_convolution_and_not_to_one_of_a_single_word() -> None:
    torch.manual_seed(2)
    there, back = torch.tensor([[[3, 9, 5]]]), torch.tensor([[[5, 9, 3]]])
    for kernel, alike in ((1, True), (3, False)):
        encoder = SentenceEncoder(vocabulary=23, embedding=11, dim=7, kernel=kernel)
        assert torch.allclose(encoder(there), encoder(back), atol=1e-6) == alike


def test_the_paper() -> None:
    encoder = SentenceEncoder()
    assert sum(p.numel() for p in encoder.parameters()) == 20_000 * 620 + 620 * 2400 + 2400


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kernel": 2}, "kernel = 2: an odd number"),
        ({"dim": 0}, "dim = 0"),
        ({"pace": 0}, "pace = 0: a factor"),
        ({"rarity": -1}, "rarity = -1: from 0"),
        ({"pooling": "max"}, "pooling = 'max' is unknown. Choose one of mean, root"),
    ],
)
def test_impossible_sizes_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(CPCError, match=message):
        SentenceEncoder(**settings)


def test_another_shape_is_refused() -> None:
    with pytest.raises(CPCError, match=r"shape \(3, 13\): expected \[batch, sentences, tokens\]"):
        SentenceEncoder(vocabulary=5, embedding=3, dim=3)(torch.ones(3, 13))

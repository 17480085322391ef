"""The contender CPC_audio: shapes, causality, its loss against a slow loop, and its windows."""

import math

import numpy as np
import pytest
import torch

from tests.benchmarks.scripts import load
from torchcpc.contracts import CPCError
from torchcpc.objectives import infonce

(cpc_audio,) = load("cpc_audio")
# Windows of 11 steps and a remainder, of which 8 predict 3 ahead.
B, S, K, N, D = 5, 11, 3, 7, 26
SMALL = {"channels": D, "context": D, "horizons": K, "attention_heads": 2, "hidden": 17, "negatives": N, "batch": B}
SMALL |= {"window": 160 * S + 37}


class Voices:
    """Noise of several speakers, as the reader of recordings gives it."""

    def __init__(self, lengths):
        rng = np.random.default_rng(0)
        self.sound = [(speaker, rng.uniform(-0.1, 0.1, length).astype(np.float32)) for speaker, length in lengths]
        self.items = [type("Item", (), {"key": f"{n:02}"})() for n in range(len(lengths))]

    def __len__(self):
        return len(self.sound)

    def length(self, index):
        return len(self.sound[index][1])

    def group(self, index):
        return self.sound[index][0]

    def read(self, index, start, count):
        return self.sound[index][1][start : start + count]


def network(**changes):
    torch.manual_seed(0)
    return cpc_audio.Network(cpc_audio.Published(**{**SMALL, **changes})).eval()


@pytest.mark.parametrize(("heads", "cell", "context"), [("transformer", "LSTM", D), ("linear", "GRU", 13)])
def test_shapes(heads, cell, context):
    own = network(heads=heads, cell=cell, context=context)
    z_BSD, c_BSC = own(torch.randn(B, SMALL["window"]))
    assert (z_BSD.shape, c_BSC.shape) == ((B, S, D), (B, S, context))
    assert own.predict(c_BSC[:, : S - K]).shape == (B, S - K, K, D)


@pytest.mark.parametrize("remainder", [0, 1, 79, 158, 159])
def test_there_is_a_step_for_each_whole_hop(remainder):
    assert network()(torch.randn(2, 160 * 5 + remainder))[0].shape == (2, 5, D)


def test_a_step_sees_465_samples_around_its_centre():
    own, x_1S = network(), torch.randn(1, 160 * S).requires_grad_()
    own(x_1S)[0][0, 5].sum().backward()
    seen = x_1S.grad[0].nonzero().squeeze(1)
    assert (seen.min(), seen.max()) == (5 * 160 - 153, 6 * 160 + 151)
    assert seen.min() + seen.max() == 2 * 5 * 160 + 158  # the centre of [800, 960) is 879.5, that of what it sees 879


def test_the_context_is_causal():
    own, x_BS = network(), torch.randn(2, 160 * S)
    z_BSD, c_BSC = own(x_BS)
    changed = z_BSD.clone()
    changed[:, 6:] += 1
    assert torch.equal(own.context(changed)[0][:, :6], c_BSC[:, :6])
    assert not torch.equal(own.context(changed)[0][:, 6], c_BSC[:, 6])


def test_the_heads_are_causal():
    own, c_BTC = network(), torch.randn(2, S - K, D)
    changed = c_BTC.clone()
    changed[:, 5:] += 1
    now, then = own.predict(c_BTC), own.predict(changed)
    torch.testing.assert_close(then[:, :5], now[:, :5])
    assert (then[:, 5:] - now[:, 5:]).abs().amin(dim=(0, 1, 3)).shape == (K,)
    assert (then[:, 5] != now[:, 5]).any()


def test_attention_against_a_slow_loop():
    layer = network().heads[0]
    x_TD = torch.randn(S - K, D)
    query, key, value = (own(x_TD).view(S - K, 2, 13) for own in (layer.query, layer.key, layer.value))
    mixed = torch.zeros(S - K, 2, 13)
    for t in range(S - K):
        for head in range(2):
            score = [query[t, head] @ (key[s, head] + layer.distance_ET[:, t - s]) / math.sqrt(13) for s in range(t + 1)]
            weight = torch.stack(score).softmax(0)
            mixed[t, head] = sum(weight[s] * value[s, head] for s in range(t + 1))
    torch.testing.assert_close(layer.attend(x_TD[None])[0], layer.out(mixed.flatten(1)))


def test_channel_norm_standardises_each_step():
    norm = cpc_audio.ChannelNorm(D)
    y_BDT = norm(3 + 7 * torch.randn(B, D, S))
    torch.testing.assert_close(y_BDT.mean(1), torch.zeros(B, S), atol=1e-5, rtol=0)
    torch.testing.assert_close(y_BDT.std(1), torch.ones(B, S), atol=1e-4, rtol=0)


def slow_loss(p_BTKD, z_BSD, negative_BTN):
    """The cross-entropy of the positive, mean over windows and steps, summed over k."""
    windows, steps, horizons, width = p_BTKD.shape
    flat, total = z_BSD.reshape(-1, width), 0.0
    for k in range(horizons):
        losses = []
        for b in range(windows):
            for t in range(steps):
                others = [(p_BTKD[b, t, k] * flat[n]).mean() for n in negative_BTN[b, t].tolist()]
                own = (p_BTKD[b, t, k] * z_BSD[b, t + 1 + k]).mean()
                losses.append(torch.stack([own, *others]).logsumexp(0) - own)
        total += torch.stack(losses).mean()
    return total


def drawn(scale=3.0):
    generator = torch.Generator().manual_seed(1)
    p_BTKD = scale * torch.randn(B, S - K, K, D, generator=generator)
    z_BSD = scale * torch.randn(B, S, D, generator=generator)
    return p_BTKD, z_BSD, cpc_audio.draw_negatives(B, S, S - K, N, generator)


def test_the_loss_is_that_of_a_slow_loop():
    p_BTKD, z_BSD, negative_BTN = drawn()
    torch.testing.assert_close(cpc_audio.loss_of(cpc_audio.scores(p_BTKD, z_BSD, negative_BTN)), slow_loss(*drawn()))


def test_the_loss_is_our_infonce_on_the_same_scores():
    score_BTKN = cpc_audio.scores(*drawn())
    each_K = infonce(score_BTKN.flatten(0, 2)).view(B, S - K, K).mean((0, 1))
    torch.testing.assert_close(cpc_audio.loss_of(score_BTKN), each_K.sum())
    even = cpc_audio.loss_of(torch.zeros(B, S - K, K, 1 + N))
    assert even.item() == pytest.approx(K * math.log(1 + N))


def test_negatives_are_from_any_window_and_any_place_but_that_of_the_step():
    """As in the original, the positive itself may be among them."""
    index_BTN = cpc_audio.draw_negatives(B, S, S - K, 2003, torch.Generator().manual_seed(0))
    window, place = index_BTN // S, index_BTN % S
    for t in range(S - K):
        assert set(window[:, t].flatten().tolist()) == set(range(B))
        assert set(place[:, t].flatten().tolist()) == set(range(S)) - {t}
    ahead = torch.arange(S - K)[:, None] + 2
    positive = (window == torch.arange(B)[:, None, None]) & (place == ahead)
    assert positive.float().mean().item() == pytest.approx(1 / (B * (S - 1)), rel=0.05)


def test_windows_are_of_one_speaker_and_tile_an_epoch():
    settings = cpc_audio.Published(**{**SMALL, "window": 101, "batch": 3})
    voices = Voices([(0, 211), (1, 503), (0, 307), (1, 401), (2, 150)])
    windows = cpc_audio.SpeakerWindows(voices, settings, seed=0)
    assert windows.counts == [4, 7, 0]  # 518 and 904 samples, less one window each; 150 samples have no second window
    assert windows.batches == 2 + 3
    batches = windows.epoch(0)
    offset = min(start for _, starts in batches for start in starts)
    assert 1 <= offset <= 50
    assert sorted(start for speaker, starts in batches if speaker == 0 for start in starts) == [
        offset + 101 * n for n in range(4)
    ]
    assert sorted(len(starts) for speaker, starts in batches if speaker == 1) == [1, 3, 3]
    assert [windows.epoch(number)[0] for number in range(9)] != [batches[0]] * 9
    # Recordings of a speaker follow one another, in the order of their keys.
    assert np.array_equal(windows.samples[0], np.concatenate([voices.sound[0][1], voices.sound[2][1]]))
    speaker, starts = windows.epoch(1)[2]
    assert np.array_equal(windows.draw(5 + 2)[0].numpy(), windows.samples[speaker][starts[0] : starts[0] + 101])


def test_a_training_can_go_on_from_its_state():
    settings = cpc_audio.Published(**SMALL)
    voices = Voices([(0, 20_011), (1, 30_011)])
    through, stopped = cpc_audio.Training(voices, 3, settings), cpc_audio.Training(voices, 3, settings)
    for _ in range(4):
        through.update(0.0)
    for _ in range(2):
        stopped.update(0.0)
    again = cpc_audio.Training(voices, 3, settings)
    again.model.load_state_dict(stopped.model.state_dict())
    again.optimizer.load_state_dict(stopped.optimizer.state_dict())
    again.step = stopped.step
    for _ in range(2):
        again.update(0.0)
    assert all(torch.equal(own, other) for own, other in zip(through.model.parameters(), again.model.parameters(), strict=True))
    assert not torch.equal(next(through.model.parameters()), next(stopped.model.parameters()))


def test_a_short_speaker_and_a_context_of_another_width_are_refused():
    with pytest.raises(CPCError, match="no speaker has two windows of 1797 samples"):
        cpc_audio.Training(Voices([(0, 3000)]), 0, cpc_audio.Published(**SMALL))
    with pytest.raises(CPCError, match="context = 13: a transformer head keeps the width 26"):
        cpc_audio.Published(**{**SMALL, "context": 13})


def test_the_published_sizes():
    own = cpc_audio.Network(cpc_audio.Published())
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in own.named_children()}
    encoder = 256 * 10 + 256 * 256 * (8 + 4 + 4 + 4) + 5 * 3 * 256
    attention, feed = 4 * 256**2 + 32 * 116, 2 * 256 * 2048 + 2048 + 256
    assert counts == {"encoder": encoder, "context": 4 * (2 * 256**2 + 2 * 256), "heads": 12 * (attention + feed + 4 * 256)}

"""A stream against the model on the whole sequence: every encoder and context of the conformance table, any chunks."""

import random

import pytest
import torch

from tests.conformance.test_rooms import CONTEXT_TABLE, ENCODER_TABLE, raw
from torchcpc.contexts import CONTEXTS
from torchcpc.contracts import CPCError
from torchcpc.encoders import VectorEncoder, WaveformEncoder
from torchcpc.model import CPCModel
from torchcpc.scores import Bilinear, Sample
from torchcpc.streaming import Stream, Streamed

# Settings of contexts that a small model needs; every context of the conformance table is streamed.
WIDTH = {"gru": {"dim": 5}, "masked_conv": {"dim": 5, "hidden": 7, "blocks": 2}}
# A stream is one sequence, so those that make several of one input are refused.
STREAMED = [name for name, (build, _) in ENCODER_TABLE.items() if build().layout.sequences == 1]


def model_of(encoder: str, context: str) -> CPCModel:
    torch.manual_seed(3)
    built = ENCODER_TABLE[encoder][0]()
    past = CONTEXTS[context](built.dim, **WIDTH.get(context, {}))
    return CPCModel(built, past, Bilinear(past.dim, built.dim, first=2, count=3)).eval()


def joined(parts: list[Streamed]) -> Streamed:
    pmi = None if parts[0].pmi_BTK is None else torch.cat([part.pmi_BTK for part in parts if part.pmi_BTK is not None], dim=1)
    columns = (torch.cat([getattr(part, name) for part in parts], dim=1) for name in ("z_BTD", "c_BTC", "score_BTK"))
    return Streamed(parts[0].first, *columns, pmi)


def sizes(total: int, chunking: str, stride: int) -> list[int]:
    """Sizes of chunks that add up to `total`."""
    dice = random.Random(7)
    draw = {
        "one": lambda: 1,
        "prime": lambda: 37,
        "stride": lambda: stride,
        "all": lambda: total,
        "mixed": lambda: dice.choice((0, 1, 2, stride - 1, stride, stride + 1, 7 * stride + 3)),
    }[chunking]
    found: list[int] = [0]
    while sum(found) < total:
        found.append(min(draw(), total - sum(found)))
    return [*found, 0]


@pytest.mark.parametrize("chunking", ["one", "prime", "stride", "all", "mixed"])
@pytest.mark.parametrize("context", CONTEXT_TABLE)
@pytest.mark.parametrize("encoder", STREAMED)
def test_any_chunks_give_the_whole(encoder, context, chunking):
    model = model_of(encoder, context)
    stride, horizons = model.encoder.stride, model.predictor.horizons
    # One position at a time is slow and needs few steps; the receptive field is passed all the same.
    total = (5 if chunking == "one" and stride > 1 else 29) * stride + stride // 3
    x = raw(encoder, (2, total, *model.encoder.row_shape)).float()
    with torch.no_grad():
        z, c, p = model(x)
    stream, parts = model.stream(), []
    for chunk in x.split(sizes(total, chunking, stride), dim=1):
        part = stream.push(chunk)
        assert part.first == sum(earlier.z_BTD.shape[1] for earlier in parts)
        parts.append(part)
    found = joined(parts)
    assert found.z_BTD.shape == z.shape and found.c_BTC.shape == c.shape and found.pmi_BTK is None
    torch.testing.assert_close(found.z_BTD, z, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.c_BTC, c, rtol=0, atol=1e-5)
    for index, k in enumerate(horizons):
        for t in range(z.shape[1]):
            score = found.score_BTK[:, t, index]
            if t < k:
                assert score.isnan().all()
            else:
                torch.testing.assert_close(score, (p[:, t - k, index] * z[:, t]).sum(dim=-1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 3, 29])
def test_pmi_takes_the_log_partition_of_the_context_that_predicted(chunk):
    model = model_of("vectors", "gru")
    generator = torch.Generator().manual_seed(2)
    sample = Sample(torch.randn(31, 7, generator=generator), torch.arange(31) % 11, torch.zeros(31, dtype=torch.int64))
    x = torch.randn(2, 29, 3, generator=generator)
    stream = model.stream(sample)
    found = joined([stream.push(part) for part in x.split(chunk, dim=1)])
    assert found.pmi_BTK is not None
    with torch.no_grad():
        z, c, _ = model(x)
        for b, t, index, k in ((0, 2, 0, 2), (1, 13, 1, 3), (0, 28, 2, 4)):
            expected = model.score(c[b, t - k, None], z[b, t, None], sample)[0, 0, index]
            torch.testing.assert_close(found.pmi_BTK[b, t, index], expected, rtol=0, atol=1e-5)
    assert torch.equal(found.pmi_BTK.isnan(), found.score_BTK.isnan())


def test_several_sequences_are_no_stream():
    assert set(STREAMED) == set(ENCODER_TABLE) - {"pictures"}
    with pytest.raises(CPCError, match="a stream is one sequence, and this encoder makes 2 .*whole inputs"):
        model_of("pictures", "gru").stream()


@pytest.mark.parametrize("encoder", ["sensor_rows", "sensor_frames"])
def test_gaps_stream_as_they_are_read(encoder):
    """Missing values are a sensor's input: the same z and c as of the whole, and no score where nothing of a step was observed."""
    model = model_of(encoder, "gru")
    stride = model.encoder.stride
    x = torch.randn(2, 29 * stride, *model.encoder.row_shape)
    x[:, ::3, 1] = torch.nan
    x[0, 7 * stride : 11 * stride] = torch.nan  # four whole steps
    x[1, 13 * stride + 1 : 15 * stride] = torch.nan  # one whole step, and all rows but one of another where a step has several
    with torch.no_grad():
        z, c, _ = model(x)
    stream = model.stream(lambda p_AKD: p_AKD.sum(dim=-1))
    found = joined([stream.push(chunk) for chunk in x.split(sizes(29 * stride, "mixed", stride), dim=1)])
    torch.testing.assert_close(found.z_BTD, z, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.c_BTC, c, rtol=0, atol=1e-5)
    unseen_BT = torch.zeros(2, 29, dtype=torch.bool)
    unseen_BT[0, 7:11] = unseen_BT[1, 14] = True
    unseen_BT[:, : min(model.predictor.horizons)] = True  # nothing predicted them
    assert torch.equal(found.score_BTK[..., 0].isnan(), unseen_BT) and torch.equal(found.pmi_BTK[..., 0].isnan(), unseen_BT)
    with pytest.raises(CPCError, match="a chunk holds NaN or infinity"):
        stream.push(torch.full((2, 3, *model.encoder.row_shape), torch.inf))


def held_bytes(stream: Stream) -> int:
    """Storage, not size: a small view of a large chunk holds all of it."""
    tensors = [value for value in vars(stream).values() if isinstance(value, torch.Tensor)]
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


@pytest.mark.parametrize("encoder", STREAMED)
def test_memory_is_constant_over_a_long_stream(encoder):
    model = model_of(encoder, "gru")
    stride = model.encoder.stride
    noise = raw(encoder, (1, 2000 * stride, *model.encoder.row_shape)).float()
    stream, held = model.stream(lambda p_AKD: p_AKD.sum(dim=-1)), []
    for chunk in noise.split(stride, dim=1):
        stream.push(chunk)
        held.append(held_bytes(stream))
    assert len(set(held[10:])) == 1
    stream.push(noise)
    assert held_bytes(stream) == held[-1]


def test_the_buffer_of_the_caller_may_be_reused():
    model = model_of("waveform", "gru")
    x = torch.randn(11 * 160)
    stream, buffer, parts = model.stream(), torch.empty(59), []
    for chunk in x.split(59):
        buffer[: len(chunk)] = chunk
        parts.append(stream.push(buffer[: len(chunk)]))
        buffer.fill_(9.0)
    with torch.no_grad():
        torch.testing.assert_close(joined(parts).z_BTD, model.encoder(x[None]), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("encoder", "chunk", "message"),
    [
        (
            WaveformEncoder(channels=3),
            torch.zeros(2, 3, 5),
            r"shape \(2, 3, 5\): expected \[positions\] or \[batch, positions\]",
        ),
        (
            VectorEncoder(features=3, dim=5),
            torch.zeros(7, 2),
            r"shape \(7, 2\): expected \[positions, 3\] or \[batch, positions, 3\]",
        ),
        (VectorEncoder(features=3, dim=5), torch.zeros(3), r"shape \(3,\)"),
        (WaveformEncoder(channels=3), torch.zeros(5, dtype=torch.int16), r"torch.int16.*torch.float32.*32768"),
        (WaveformEncoder(channels=3), torch.zeros(5, dtype=torch.float64), r"torch.float64.*torch.float32"),
        (WaveformEncoder(channels=3), torch.tensor([0.0, torch.nan]), "NaN or infinity"),
        (WaveformEncoder(channels=3), torch.tensor([0.0, -torch.inf]), "NaN or infinity"),
        (WaveformEncoder(channels=3), torch.zeros(2, 5), "2 sequences in a stream of 1"),
    ],
)
def test_a_bad_chunk_is_refused_and_leaves_the_stream_as_it_was(encoder, chunk, message):
    model = CPCModel(encoder, CONTEXTS["gru"](encoder.dim, dim=5), Bilinear(5, encoder.dim, count=2)).eval()
    x = torch.randn(7 * encoder.stride, *encoder.row_shape)
    stream = model.stream()
    parts = [stream.push(x[: 3 * encoder.stride + 1])]
    with pytest.raises(CPCError, match=message):
        stream.push(chunk)
    found = joined([*parts, stream.push(x[3 * encoder.stride + 1 :])])
    with torch.no_grad():
        torch.testing.assert_close(found.c_BTC, model(x[None])[1], rtol=0, atol=1e-5)

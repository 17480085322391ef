"""One table per room: what every choice by name must satisfy. A new entry is tested by being listed, and must be listed."""

from dataclasses import replace

import pytest
import torch

from tests.conformance.leaks import influences, leaks
from torchcpc.contexts import CONTEXTS
from torchcpc.contracts import CPCError, Window
from torchcpc.encoders import ENCODERS
from torchcpc.model import CPCModel
from torchcpc.objectives import Contrast, anchors, contrast_pool
from torchcpc.scores import CANDIDATES, PREDICTORS, STRATEGIES

# name -> (how to build a small one, shape of raw input [B, S, ...])
ENCODER_TABLE = {
    "waveform": (lambda: ENCODERS["waveform"](channels=7), (3, 5 * 160 + 37)),
    "mel": (lambda: ENCODERS["mel"](channels=7, kernels=(3, 1), bands=5), (3, 5 * 160 + 37)),
    "vectors": (lambda: ENCODERS["vectors"](features=3, dim=7, hidden=11), (3, 13, 3)),
    "sensor_rows": (lambda: ENCODERS["sensor_rows"](dim=7, hidden=11, mean=(0.5,) * 3, scale=(2.0,) * 3), (3, 13, 3)),
    "sensor_frames": (lambda: ENCODERS["sensor_frames"](dim=7, mean=(0.5,) * 3, scale=(2.0,) * 3), (3, 5 * 18 + 7, 3)),
    "pictures": (
        lambda: ENCODERS["pictures"](
            patch=6, stride=3, columns=2, stem="small", width=5, blocks=(2,), channels=(7,), inner=(5,), margin=0
        ),
        (3, 13, 9, 1),
    ),
    "sentences": (lambda: ENCODERS["sentences"](vocabulary=23, embedding=11, dim=7, kernel=3, width=5), (3, 13, 5)),
}
# Encoders of symbols, not of magnitudes -> how many of them the input is drawn from.
SYMBOLS = {"sentences": 17}


def raw(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Input for the encoder of that name: whole numbers for symbols."""
    return torch.randint(SYMBOLS[name], shape) if name in SYMBOLS else torch.randn(shape)


CONTEXT_TABLE = {
    "gru": lambda: CONTEXTS["gru"](5, dim=7),
    "none": lambda: CONTEXTS["none"](5),
    "masked_conv": lambda: CONTEXTS["masked_conv"](5, dim=7, hidden=11, blocks=2),
    "running_means": lambda: CONTEXTS["running_means"](5, dim=7, layers=2, spans=(1, 3)),
}
PREDICTOR_TABLE = {"bilinear": lambda: PREDICTORS["bilinear"](5, 7, first=2, count=3)}
CANDIDATE_TABLE = {
    "full": lambda strategy: CANDIDATES["full"](strategy=strategy),
    "shared": lambda strategy: CANDIDATES["shared"](count=29, strategy=strategy),
    "sampled": lambda strategy: CANDIDATES["sampled"](count=11, strategy=strategy),
}
# name -> may a step of (same group?, same sequence?) compete; the positive never may.
STRATEGY_TABLE = {
    "mixed": lambda group, sequence: True,
    "same_group": lambda group, sequence: group,
    "mixed_excluding": lambda group, sequence: not sequence,
    # Windows of one source overlap here, so a sequence was read as one stretch.
    "mixed_excluding_stretch": lambda group, sequence: not sequence,
    "same_group_excluding": lambda group, sequence: group and not sequence,
    "current_only": lambda group, sequence: sequence,
}


@pytest.mark.parametrize(
    ("room", "table"),
    [
        (ENCODERS, ENCODER_TABLE),
        (CONTEXTS, CONTEXT_TABLE),
        (PREDICTORS, PREDICTOR_TABLE),
        (CANDIDATES, CANDIDATE_TABLE),
        (STRATEGIES, STRATEGY_TABLE),
    ],
)
def test_every_choice_is_in_its_table(room, table):
    assert room.keys() == table.keys()


def window_of(x: torch.Tensor, stride: int = 1) -> Window:
    """The last source comes back a few strides later and overlaps itself; the first is cut short by padding."""
    B, S = x.shape[:2]
    source = torch.arange(B) % (B - 1)
    length = torch.full((B,), S)
    length[0] = S - S // 3
    start = torch.zeros(B, dtype=torch.int64)
    start[-1] = S // 2 // stride * stride
    return Window(x, source, source % 2, start, length)


@pytest.fixture(params=ENCODER_TABLE)
def encoder_and_x(request):
    torch.manual_seed(1)
    build, shape = ENCODER_TABLE[request.param]
    return build().train(), raw(request.param, shape)


def test_encoder_shape_and_metadata(encoder_and_x):
    encoder, x = encoder_and_x
    z = encoder(x)
    assert z.shape == (len(x) * encoder.layout.sequences, x.shape[1] // encoder.stride, encoder.dim)
    steps = encoder.steps(window_of(x, encoder.stride))
    for name in ("source", "group", "segment", "time", "valid", "view"):
        assert getattr(steps, name).shape == z.shape[:2], name
    assert steps.valid.dtype == torch.bool and steps.time.dtype == torch.int64


def by_window(encoder, x: torch.Tensor) -> torch.Tensor:
    """All sequences of a window side by side: [B, T, sequences * D]."""
    return encoder(x).unflatten(0, (-1, encoder.layout.sequences)).transpose(1, 2).flatten(2)


def test_encoder_leaks_nothing_in_training_mode(encoder_and_x):
    encoder, x = encoder_and_x
    assert leaks(lambda x: by_window(encoder, x), x, encoder.stride) == set()


def test_encoder_reaches_back_no_further_than_it_says(encoder_and_x):
    encoder, x = encoder_and_x
    last = x.shape[1] // encoder.stride - 1
    seen = torch.stack([influences(lambda x: by_window(encoder, x), x + n, 1, last)[1] for n in range(3)]).any(dim=0).nonzero()
    assert int(seen.max() - seen.min()) + 1 == encoder.receptive_field
    assert int(seen.max()) == (last + 1) * encoder.stride - 1


def test_encoder_validity_is_what_padding_says(encoder_and_x):
    """A step is valid exactly when it sees something and no padding: changing the padding must not change it."""
    encoder, x = encoder_and_x
    window = window_of(x, encoder.stride)
    other = x.clone()
    other[0, int(window.length[0]) :] += 5
    valid = encoder.steps(window).valid[0]
    z_TD = encoder(x)[0]
    same = (z_TD == encoder(other)[0]).all(dim=1) & z_TD.any(dim=1)
    assert torch.equal(valid, same) and 0 < int(valid.sum()) < len(valid)


def test_encoder_takes_missing_values_exactly_where_it_says_so(encoder_and_x):
    encoder, x = encoder_and_x
    if not x.is_floating_point():  # a symbol cannot be NaN
        assert encoder.takes_missing is False
        return
    x[1, encoder.receptive_field :] = torch.nan
    assert encoder(x).isfinite().all().item() is encoder.takes_missing


def test_a_window_that_starts_between_two_steps_is_refused(encoder_and_x):
    encoder, x = encoder_and_x
    window = window_of(x, encoder.stride)
    window.start[1] = 3 * encoder.stride + 1
    if encoder.stride == 1:  # every position starts a step
        assert encoder.steps(window).time[1, 0] == 4
        return
    with pytest.raises(CPCError, match=rf"1 windows .* stride {encoder.stride}, .* position {3 * encoder.stride + 1}.*align"):
        encoder.steps(window)


@pytest.fixture(params=CONTEXT_TABLE)
def context(request):
    torch.manual_seed(2)
    made = CONTEXT_TABLE[request.param]().train()
    made(3 + torch.randn(13, 7, 5))  # where a context learns how large its input is, it has
    return made


def test_context_is_causal_and_keeps_sequences_apart(context):
    z = torch.randn(3, 11, 5)
    assert context(z)[0].shape == (3, 11, context.dim)
    assert leaks(lambda z: context(z)[0], z) == set()


@pytest.mark.parametrize("cut", range(1, 11))
def test_context_resumes_where_it_stopped(context, cut):
    context.eval()  # in training a context may learn from each call how large its input is
    z = torch.randn(3, 11, 5, generator=torch.Generator().manual_seed(cut))
    whole, end = context(z)
    first, state = context(z[:, :cut])
    second, end_of_parts = context(z[:, cut:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole, rtol=0, atol=1e-6)
    torch.testing.assert_close(end_of_parts, end, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", PREDICTOR_TABLE)
def test_predictor_is_one_map_per_horizon_and_step_by_step(name):
    torch.manual_seed(3)
    predictor = PREDICTOR_TABLE[name]()
    c = torch.randn(2, 11, 5)
    p = predictor(c)
    assert p.shape == (2, 11, len(predictor.horizons), 7)
    assert predictor.horizons == tuple(sorted(set(predictor.horizons))) and predictor.horizons[0] >= 1
    assert leaks(predictor, c) == set()
    for a in range(len(predictor.horizons)):
        for b in range(a):
            assert not torch.allclose(p[:, :, a], p[:, :, b])


@pytest.mark.parametrize("strategy", STRATEGY_TABLE)
@pytest.mark.parametrize("name", CANDIDATE_TABLE)
def test_competitors_are_allowed_valid_and_never_the_positive(name, strategy):
    x = torch.zeros(7, 13, 3)
    steps = ENCODERS["vectors"](features=3).steps(window_of(x))
    # Two segments per row, each with its own time, so that a time alone says little.
    late = torch.arange(13) >= 6
    steps = replace(steps, segment=late.long().expand(7, 13), time=steps.time - 6 * late)
    target_M = anchors(steps, (1, 2, 5)).target_M
    draw = CANDIDATE_TABLE[name](strategy).draw(steps, target_M, torch.Generator().manual_seed(5))
    times = draw.multiplicity(slice(None), slice(None))
    assert times.shape == (len(target_M), len(draw.pool_N))
    flat = steps.flat()
    assert flat.valid[draw.pool_N].all()
    columns = [c.tolist() for c in (flat.source, flat.segment, flat.time, flat.group)]
    describe = lambda i: tuple(c[i] for c in columns)  # noqa: E731
    for row, target in zip(times.tolist(), target_M.tolist(), strict=True):
        source, segment, time, group = describe(target)
        for count, member in zip(row, draw.pool_N.tolist(), strict=True):
            s, g, t, who = describe(member)
            positive = (s, g, t) == (source, segment, time)
            allowed = not positive and STRATEGY_TABLE[strategy](who == group, (s, g) == (source, segment))
            # Whoever may compete does, except where competitors are sampled one by one.
            assert bool(count) == allowed or (name == "sampled" and allowed)
    whole = times[2:9, 3:17]
    assert torch.equal(draw.multiplicity(slice(2, 9), slice(3, 17)), whole)


@pytest.mark.parametrize("name", CANDIDATE_TABLE)
def test_a_batch_in_which_nobody_may_compete_is_an_error(name):
    """One sequence alone, and only other sequences may compete."""
    x = torch.zeros(1, 13, 3)
    none = torch.zeros(1, dtype=torch.int64)
    steps = ENCODERS["vectors"](features=3).steps(Window(x, none, none, none, none + 13))
    target_M = anchors(steps, (1,)).target_M
    draw = CANDIDATE_TABLE[name]("mixed_excluding").draw(steps, target_M, torch.Generator().manual_seed(5))
    vector = torch.randn(len(target_M), 7)
    with pytest.raises(CPCError, match="12 of 12 anchors have no candidate"):
        contrast_pool(vector, vector, torch.randn(len(draw.pool_N), 7), draw.multiplicity, torch.ones(len(target_M)))


@pytest.mark.parametrize("candidates", CANDIDATE_TABLE)
@pytest.mark.parametrize("context_name", CONTEXT_TABLE)
@pytest.mark.parametrize("encoder_name", ENCODER_TABLE)
def test_every_combination_learns_through_every_parameter(encoder_name, context_name, candidates):
    torch.manual_seed(4)
    build, shape = ENCODER_TABLE[encoder_name]
    encoder = build()
    settings = {"masked_conv": {"dim": 5, "hidden": 13, "blocks": 2}, "none": {}}.get(context_name, {"dim": 5})
    context = CONTEXTS[context_name](7, encoder.layout, **settings)
    model = CPCModel(encoder, context, PREDICTORS["bilinear"](context.dim, 7, count=2))
    window = window_of(raw(encoder_name, shape), encoder.stride)
    contrast = Contrast(CANDIDATE_TABLE[candidates]("mixed"))
    contrast(model, window, torch.Generator().manual_seed(6))  # a context may learn from the first batch how large its input is
    loss, metrics = contrast(model, window, torch.Generator().manual_seed(6))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.any(), name
    assert (metrics["bound_per_k"] <= metrics["ceiling_per_k"]).all()

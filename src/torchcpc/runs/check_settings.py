"""Check that settings fit each other, before any data are read and before anything is written."""

from math import prod

import torch

from torchcpc.contracts import CPCError, Encoder, Model, Steps, Window, counted
from torchcpc.data.files.limits import amount, memory_bytes
from torchcpc.data.splits import check_rules_of_exclusion
from torchcpc.data.windows import check_sizes
from torchcpc.domains import DOMAINS, Shape
from torchcpc.objectives import anchors
from torchcpc.runs.build import build
from torchcpc.scores import CANDIDATES, Full
from torchcpc.settings import Settings, construct

# Copies of the weights in memory: the weights, their gradients, and two moments of Adam.
_COPIES = 4
# Windows of a dummy batch, and draws of its candidates. They are enough to find almost any pool that is too small.
_WINDOWS, _DRAWS = 16, 4
_LONGEST_STEPS = 1 << 14


def check_settings(settings: Settings) -> None:
    """Check resolved settings for faults that no data can correct.

    Raises:
        CPCError: In one line, for sizes that do not fit each other or the memory. Also for predictions beyond the window, and for
            steps that no other step competes with.
    """
    data, windows = settings["data"], settings["windows"]
    check_rules_of_exclusion(settings["split"]["exclude"])
    _check_rates(settings)
    model = build(settings, most_bytes=memory_bytes() // (2 * _COPIES))
    check_sizes(align=model.encoder.stride, **windows)
    shape = DOMAINS[data["name"]].shape(data)
    _check_row(settings, shape, model.encoder)
    row = model.encoder.row_shape if shape.row is None else shape.row
    _check_memory(windows, row, model)
    length = windows["length"]
    steps = _steps(model.encoder, row, length, min(length, shape.positions or length), settings)
    _check_horizons(settings, model, steps)
    _check_competitors(settings, model, steps)


def check_seed(seed: int) -> None:
    """Check a seed.

    Raises:
        CPCError: For a seed that no random generator takes.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 1 << 63:
        raise CPCError(f"seed = {seed!r}: a whole number from 0 to 2**63 - 1. Choose another with --seed.")


def _check_rates(settings: Settings) -> None:
    heard, read = settings["encoder"].get("sample_rate"), settings["data"].get("sample_rate")
    if heard != read and None not in (heard, read):
        raise CPCError(f"encoder.sample_rate = {heard}, data.sample_rate = {read}: both are the same rate. Set both.")


def _check_row(settings: Settings, shape: Shape, encoder: Encoder) -> None:
    """Check that the encoder takes the values that the data settings read at each position."""
    row, takes, name = shape.row, encoder.row_shape, settings["data"]["name"]
    if row is not None and (len(row) != len(takes) or row[-1:] != takes[-1:]):
        read = ", ".join([f"data.name = {name!r}", *(f"data.{own} = {settings['data'][own]!r}" for own in shape.settings)])
        sizes = [f"encoder.{own} = {size}" for own, size in settings["encoder"].items() if size in takes and size not in row]
        made, taken = (f"{list(each)} values" if each else "one value" for each in (row, takes))
        which = ", ".join(sizes) or settings["encoder"]["name"]
        raise CPCError(
            f"{read}: positions of {made}, and this encoder takes {taken} ({which}). Correct one, or choose another encoder.name."
        )


def _check_memory(windows: dict[str, int], row: tuple[int, ...], model: Model) -> None:
    """Check the least memory of a batch: its input, and the outputs of the parts with their gradients."""
    batch, length, encoder = windows["batch"], windows["length"], model.encoder
    steps = encoder.layout.sequences * (length // encoder.stride)
    widths = encoder.dim + model.context.dim + len(model.predictor.horizons) * encoder.dim
    needed, most = 4 * batch * (length * prod(row) + 2 * steps * widths), memory_bytes() // 2
    if torch.cuda.is_available():
        most = max(most, torch.cuda.get_device_properties(0).total_memory)
    if needed > most:
        raise CPCError(
            f"windows.batch = {batch:,}, windows.length = {length:,}: an update would take at least {amount(needed)} of memory, of "
            f"at most {amount(most)} (half of this machine's, or a GPU's). Lower windows.batch, windows.length or predictor.count."
        )


def _steps(encoder: Encoder, row: tuple[int, ...], length: int, real: int, settings: Settings) -> Steps:
    """Return the steps of a dummy batch, grouped as in training, with `real` valid positions in each window."""
    per_group, batch = settings["windows"]["windows_per_group"], settings["windows"]["batch"]
    few = 2 if length // encoder.stride * encoder.layout.sequences > _LONGEST_STEPS else _WINDOWS
    B = min(batch, per_group * max(1, few // per_group) if per_group <= few else few)
    source_B = torch.arange(B)
    group_B = source_B // per_group if per_group > 1 else torch.zeros_like(source_B)
    start_B, length_B = torch.zeros_like(source_B), torch.full_like(source_B, real)
    x = torch.zeros(()).expand(B, length, *row)
    return encoder.steps(Window(x, source_B, group_B, start_B, length_B))


def _check_horizons(settings: Settings, model: Model, steps: Steps) -> None:
    """Check that every predicted step lies within the window."""
    horizons, windows = model.predictor.horizons, settings["windows"]
    first, T = horizons[0], steps.valid.shape[1]
    pairs = {k for k in range(1, T) if len(anchors(steps, (k,)).anchor_M)} if T <= horizons[-1] else set()
    inside = pairs or {horizons[index] for index in anchors(steps, horizons).horizon_M.unique().tolist()}
    if not set(horizons) <= inside:
        furthest = max(inside, default=0)
        room = f"predictor.count to {furthest - first + 1}" if furthest >= first else "predictor.first"
        reach, held = counted(horizons[-1], "step"), counted(int(steps.valid.sum(1).max()), "step")
        raise CPCError(
            f"predictor.first = {first:,}, predictor.count = {len(horizons):,}: predictions reach {reach} ahead, and a window "
            f"(windows.length = {windows['length']:,}) holds {held}. Lower {room}, or take longer windows."
        )


def _check_competitors(settings: Settings, model: Model, steps: Steps) -> None:
    """Check that every step has another to compete with, even if all sources differ."""
    section, targets = settings["candidates"], anchors(steps, model.predictor.horizons).target_M
    strategy, generator = section["strategy"], torch.Generator().manual_seed(0)
    spans = Full(strategy=strategy).draw(steps, targets, generator).spans
    if spans is not None and bool((spans.count == 0).any()):
        raise CPCError(
            f"candidates.strategy = {strategy!r}, windows.batch = {settings['windows']['batch']}, windows.windows_per_group = "
            f"{settings['windows']['windows_per_group']}: a step has no other to compete with. Raise windows.batch and "
            "windows.windows_per_group, or choose another strategy."
        )
    candidates = construct(CANDIDATES, section)
    if per_draw := candidates.bytes_per_draw:
        made_up = len(steps.valid) // model.encoder.layout.sequences
        needed = per_draw * section["count"] * len(targets) * settings["windows"]["batch"] // made_up
        if needed > (most := memory_bytes() // 2):
            raise CPCError(
                f"candidates.count = {section['count']:,}: the draws of an update would take {amount(needed)} of memory, of at most "
                f"{amount(most)}. Lower candidates.count or windows.batch."
            )
        return
    for _ in range(_DRAWS):
        spans = candidates.draw(steps, targets, generator).spans
        if spans is not None and bool((spans.count == 0).any()):
            raise CPCError(
                f"candidates.count = {section['count']}: a pool so small leaves steps without a competitor by chance. Raise "
                "candidates.count; 256 is usual."
            )

"""The picture of the idea: how the score of all candidates lies, for contexts from the most to the least informative.

Where a context says much about the future, few candidates stand high above the rest; where it says nothing, all stand at 0 nats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from torchcpc.contracts import CPCError, Model, Sources
from torchcpc.information.result import Profile
from torchcpc.information.scoring import candidate_pmi, pair_pmi
from torchcpc.representations.embed import SourceSteps, steps_of
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample

# Contexts looked at, and points embedded of a curve: places spread evenly over the logarithm of the rank.
_LOOKED_AT, _POINTS = 1000, 160


@torch.inference_mode()
def score_profiles(
    model: Model,
    sample: Sample,
    embedded: Sequence[SourceSteps],
    keys: Sequence[str],
    *,
    index: int,
    count: int = 5,
    seed: int = 0,
) -> tuple[Profile, ...]:
    """`count` contexts at evenly spaced places of information, most informative first, at horizon `index` of the model.

    Of at most 1000 contexts drawn from `embedded`, whose source numbers are those of the sample and places in `keys`. Raises CPCError where
    no source of `embedded` reaches the horizon.
    """
    k, device = model.predictor.horizons[index], sample.z_MD.device
    places = [(number, t) for number, steps in enumerate(embedded) for t in range(len(steps.z_TD) - k)]
    if not places:
        raise CPCError(f"no source is longer than k = {k} steps: choose a shorter horizon or longer sources.")
    places = [places[int(i)] for i in np.random.default_rng(seed).permutation(len(places))[:_LOOKED_AT]]
    c_AC = torch.stack([embedded[number].c_TC[t] for number, t in places]).to(device)
    target_AD = torch.stack([embedded[number].z_TD[t + k] for number, t in places]).to(device)
    source_A = torch.tensor([embedded[number].source for number, _ in places], device=device)
    group_A = torch.tensor([embedded[number].group for number, _ in places], device=device)
    p_AD = model.predictor(c_AC.unsqueeze(0))[0, :, index]
    log_z_A = sample(p_AD.unsqueeze(1), source_A, group_A)[:, 0]
    allowed_AM = sample.allowed(len(places), source_A, group_A)
    pmi_AM = candidate_pmi(p_AD, sample.z_MD, log_z_A).masked_fill(~allowed_AM, -torch.inf)
    share_AM = torch.softmax(pmi_AM, dim=1)
    information_A = torch.where(share_AM > 0, share_AM * pmi_AM, 0.0).sum(dim=1)
    true_A = pair_pmi(p_AD, target_AD, log_z_A)
    order = information_A.argsort(descending=True)
    chosen = [int(order[round(place)]) for place in np.linspace(0, len(order) - 1, min(count, len(order)))]
    return tuple(
        _profile(keys[embedded[places[i][0]].source], places[i][1], information_A[i].item(), pmi_AM[i], true_A[i].item())
        for i in chosen
    )


def profiles_of(
    run: TrainedRun, sources: Sources, indices: Sequence[int], sample: Sample, k: int | None = None
) -> tuple[Profile, ...]:
    """Contexts of the sources at `indices`, k steps ahead; by default the first k whose target shares nothing with its context."""
    with run.listener.stage("scoring") as progress:
        found = steps_of(run.model, sources.select(list(indices)), device=run.device, progress=progress)
        steps = [each._replace(source=indices[each.source]) for each in found]
    return score_profiles(run.model, sample, steps, [item.key for item in sources.items], index=run.horizon_index(k))


def _profile(source: str, step: int, information: float, pmi_M: torch.Tensor, true: float) -> Profile:
    others = pmi_M[torch.isfinite(pmi_M)].double().cpu().numpy()
    high = np.sort(np.append(others, true))[::-1]
    rank = np.unique(np.geomspace(1, len(high), _POINTS).round().astype(int))
    return Profile(
        source=source,
        step=step,
        information=information,
        rank=tuple(rank.tolist()),
        pmi=tuple(high[rank - 1].tolist()),
        true_rank=1 + int((others > true).sum()),
        true_pmi=true,
        candidates=len(high),
    )

"""The objective alone: 12 x 1024 anchors against N candidates, D = 256, forward and backward. Time, and memory above the inputs.

The peers are what a user would take from the package registry: info-nce-pytorch, pytorch-metric-learning (NTXentLoss with a reference
set), and dense InfoNCE in plain PyTorch. The first two score by cosine; the work, anchors x candidates x D, is the same. Every
measurement is a fresh process; one that needs more than the limit, or longer than the timeout, is reported as such.

    python benchmarks/objective_against_peers.py [N ...]
"""

import resource
import subprocess
import sys
from time import perf_counter

ANCHORS, DIM = 12 * 1024, 256
MEMORY, TIMEOUT = 14 << 30, 120
SIZES = (1024, 4096, 16_384, 65_536)


def ours(query, positive, pool, autocast=False):
    import torch

    from torchcpc.objectives import contrast_pool

    weight = torch.full((len(query),), 1 / len(query))
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        return contrast_pool(
            query, positive, pool, lambda r, c: torch.ones(r.stop - r.start, c.stop - c.start, dtype=torch.bool), weight
        ).loss


def ours_bfloat16(query, positive, pool):
    return ours(query, positive, pool, autocast=True)


def dense(query, positive, pool):
    import torch

    from torchcpc.objectives import infonce

    return infonce(torch.cat([(query * positive).sum(1, keepdim=True), query @ pool.t()], dim=1)).mean()


def info_nce_pytorch(query, positive, pool):
    from info_nce import InfoNCE

    return InfoNCE(negative_mode="unpaired", temperature=0.1)(query, positive, pool)


def metric_learning(query, positive, pool):
    import torch
    from pytorch_metric_learning.losses import NTXentLoss

    # Anchor i and its positive share label i; the pool's labels are all others.
    label = torch.arange(len(query))
    reference = torch.cat([positive, pool])
    return NTXentLoss(temperature=0.1)(
        query, label, ref_emb=reference, ref_labels=torch.cat([label, len(query) + torch.arange(len(pool))])
    )


CONTENDERS = {f.__name__: f for f in (ours, ours_bfloat16, dense, info_nce_pytorch, metric_learning)}


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str, candidates: int) -> None:
    """Runs in the child: a small warm-up, so that libraries' own buffers are not counted, then the work itself."""
    import torch

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    torch.manual_seed(0)
    warm = [torch.randn(64, DIM, requires_grad=True) for _ in range(3)]
    CONTENDERS[name](*warm).backward()
    leaves = [torch.randn(n, DIM).div_(DIM**0.25).requires_grad_() for n in (ANCHORS, ANCHORS, candidates)]
    before, begun = peak(), perf_counter()
    CONTENDERS[name](*leaves).backward()
    print(perf_counter() - begun, peak() - before)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        return measure(sys.argv[2], int(sys.argv[3]))
    print(f"{'N':>7}  {'':<18} {'seconds':>8} {'MB above inputs':>16}")
    for candidates in map(int, sys.argv[1:] or SIZES):
        for name in CONTENDERS:
            command = [sys.executable, __file__, "--child", name, str(candidates)]
            try:
                child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
                fault = child.stderr.strip().splitlines()[-1][:60] if child.returncode else ""
            except subprocess.TimeoutExpired:
                fault = f"longer than {TIMEOUT} s"
            if fault:
                print(f"{candidates:>7}  {name:<18} cannot run: {fault}")
            else:
                seconds, memory = map(float, child.stdout.split())
                print(f"{candidates:>7}  {name:<18} {seconds:8.2f} {memory / 1e6:16.0f}", flush=True)


if __name__ == "__main__":
    main()

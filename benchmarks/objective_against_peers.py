"""How fast is the objective alone, and how much memory does it take above its inputs?

The task is 12 x 1024 anchors against N candidates with D = 256, forward and backward.
The peers are what a user would install instead: info-nce-pytorch, pytorch-metric-learning (NTXentLoss with a reference set) and
dense InfoNCE in plain PyTorch. The first two score by cosine. The work, anchors x candidates x D, is the same for all. Ours excludes
one member of the pool for each anchor, as in training. Every measurement is a new process, the contenders take turns, and the median
counts. A contender that needs more than the limit or the timeout is reported as such, and is not run again.

    python benchmarks/objective_against_peers.py [--rounds 3] [--only NAME ...] [N ...]
"""

import argparse
import resource
import subprocess
import sys
from statistics import median
from time import perf_counter, process_time

ANCHORS, DIM = 12 * 1024, 256
MEMORY, TIMEOUT = 14 << 30, 240
SIZES = (1024, 4096, 16_384, 65_536)


def ours(query, positive, pool, autocast=False):
    import torch

    from torchcpc.contracts import Spans
    from torchcpc.objectives import contrast_pool

    anchors, size = len(query), len(pool)
    skip = torch.arange(anchors) % size
    spans = Spans(torch.zeros_like(skip), torch.full_like(skip, size), skip, skip + 1, size)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        return contrast_pool(query, positive, pool, spans, torch.full((anchors,), 1 / anchors), spans).loss


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
    # As in `training_step`: by the clock, or with a single thread by processor time.
    now = process_time if torch.get_num_threads() == 1 else perf_counter
    before, begun = peak(), now()
    CONTENDERS[name](*leaves).backward()
    print(now() - begun, peak() - before)


def take(name: str, candidates: int) -> tuple[float, float] | str:
    """Seconds and bytes of one fresh process, or why there are none."""
    try:
        command = [sys.executable, __file__, "--child", name, str(candidates)]
        child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"longer than {TIMEOUT} s"
    if child.returncode:
        return child.stderr.strip().splitlines()[-1][:60]
    seconds, memory = map(float, child.stdout.split())
    return seconds, memory


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        return measure(sys.argv[2], int(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="N", help="candidates (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes (default: %(default)s)")
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS), help="contenders (default: all)")
    arguments = parser.parse_args()
    print(f"{'N':>7}  {'':<18} {'seconds':>8} {'MB above inputs':>16}")
    for candidates in arguments.sizes:
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in arguments.only}
        faults: dict[str, str] = {}
        for _ in range(arguments.rounds):
            for name in arguments.only:
                found = faults.get(name) or take(name, candidates)
                if isinstance(found, str):
                    faults[name] = found
                else:
                    taken[name].append(found)
        for name in arguments.only:
            if name in faults:
                print(f"{candidates:>7}  {name:<18} cannot run: {faults[name]}")
            else:
                seconds, memory = (median(column) for column in zip(*taken[name], strict=True))
                print(f"{candidates:>7}  {name:<18} {seconds:8.2f} {memory / 1e6:16.0f}", flush=True)


if __name__ == "__main__":
    main()

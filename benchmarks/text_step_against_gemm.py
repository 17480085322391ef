"""How far is a training step on text from what the machine's matrix products allow, and what does the vocabulary cost?

One whole step of `text` is timed: forward, loss, backward and Adam. The floor is the time of its floating-point operations at the best
rate that square matrix products reach here, timed in turn. Sentences have the lengths and the pieces of words (Zipf) of English
novels, 22 on average. Padding counts as no operation. With a kernel of one piece, the second occurrence of a piece in a batch counts
as none either. The same step with a tenth of the vocabulary shows the cost of the lookup, its gradient and Adam.
"""

from __future__ import annotations

import argparse
import copy

import numpy as np
import torch
from training_step import PRECISIONS, Step, in_turn

from torchcpc.contracts import Window
from torchcpc.objectives import Contrast
from torchcpc.runs.build import build, schema
from torchcpc.scores import CANDIDATES
from torchcpc.settings import construct, load_recipe, override, resolve

# Percentiles of the pieces of a sentence in 45 English novels, of a vocabulary of 8,000, cut at 48. A word is 1.10 pieces.
LENGTHS = np.array([1, 5, 9, 18, 32, 46, 48])
PIECES_A_WORD = 1.10
AT = np.array([0, 10, 25, 50, 75, 88, 100])


def batch(windows: int, sentences: int, width: int, vocabulary: int) -> torch.Tensor:
    rng = np.random.default_rng(0)
    length = np.interp(rng.uniform(0, 100, (windows, sentences, 1)), AT, LENGTHS).round()
    rank = np.exp(rng.uniform(0, np.log(vocabulary - 2), (windows, sentences, width))).astype(int)
    return torch.from_numpy(np.where(np.arange(width) < length, rank + 1, 0).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="times that step and products are timed in turn")
    parser.add_argument("--precision", nargs="*", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("settings", nargs="*", help="section.key=value of text")
    arguments = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    recipe = override(load_recipe("text"), arguments.settings)
    whole, width = recipe["data"]["vocabulary"], recipe["data"]["width"]
    for vocabulary in (whole, whole // 10):
        settings = resolve(override(recipe, [f"encoder.vocabulary={vocabulary}", f"encoder.width={width}"]), schema())
        model = build(settings)
        windows, encoder, C, gru = settings["windows"], settings["encoder"], model.context.dim, settings["context"]["dim"]
        B, S, D, K = windows["batch"], windows["length"], encoder["dim"], settings["predictor"]["count"]
        x = batch(B, S, width, vocabulary)
        pieces, distinct = int((x > 0).sum()), len(x[x > 0].unique())
        worked_out = distinct if encoder["kernel"] == 1 else pieces
        anchors = B * sum(S - k for k in range(1, K + 1))
        flops = {
            "words": 3 * 2 * worked_out * encoder["kernel"] * encoder["embedding"] * D,
            "context": 3 * 2 * B * S * 3 * gru * (D + gru),
            "predictor": 3 * 2 * B * S * C * K * D,
            "objective": 3 * 2 * anchors * B * S * D,
        }
        total = sum(flops.values())
        parts = ", ".join(f"{name} {value / 1e9:.1f}" for name, value in flops.items())
        print(f"vocabulary {vocabulary}: {pieces} pieces, {distinct} of them distinct; GFLOP {parts}; all {total / 1e9:.1f}")
        number = torch.arange(B)
        window = Window(x, number, number, torch.zeros_like(number), torch.full_like(number, S))
        for name in arguments.precision:
            step = Step(copy.deepcopy(model), Contrast(construct(CANDIDATES, settings["candidates"])), window, PRECISIONS[name])
            taken = in_turn(step, arguments.rounds)
            ratio, of_best = taken.ratios(total)
            print(
                f"  {name}: GEMM {1e-9 / taken.per_flop:.0f} GFLOP/s, step {taken.whole:.3f} s, ratio {ratio:.2f} "
                f"(of the shortest {of_best:.2f}), {pieces / PIECES_A_WORD / taken.whole:.0f} words/s"
            )


if __name__ == "__main__":
    main()

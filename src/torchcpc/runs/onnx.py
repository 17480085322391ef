"""Export a trained model as one ONNX file, for programs without Python or torch.

The graph has one input and two outputs. The sizes of batch, positions and steps are free:

- `x`, float32 [batch, positions, ...]: raw input, as the encoder takes it.
- `z` [batch, steps, D]: the output of the encoder.
- `c` [batch, steps, C]: the output of the context network.

The metadata are texts:

- `torchcpc`: version that wrote the file.
- `stride`: raw positions per step.
- `receptive_field`: raw positions that a step depends on.
- `z` and `c`: their dimensions.
- `horizons`: the steps ahead that the model predicts.
- `domain`, `encoder` and `context`: names, if the model comes from a run.
- `sample_rate` (raw positions per second) and `step_seconds`, if the model comes from a run. They are "unknown" if the data have no
  clock.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from torchcpc import __version__
from torchcpc.atomic import check_suffix, replacing
from torchcpc.contracts import CPCError
from torchcpc.model import CPCModel
from torchcpc.runs.run import TrainedRun


class _Representations(nn.Module):
    def __init__(self, model: CPCModel) -> None:
        super().__init__()
        self.encoder, self.context = model.encoder, model.context

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z_BTD = self.encoder(x)
        return z_BTD, self.context(z_BTD)[0]


def facts_of(run: TrainedRun) -> dict[str, str]:
    """Return the metadata that only the run knows: names, sample rate and seconds per step."""
    data = run.config["data"]
    # The rate 1 stands for sources without a clock.
    recorded = run.record.data.get("rate", 1) if run.record else 1
    rate = data.get("sample_rate") or data.get("rate") or (recorded if recorded != 1 else 0)
    names = {"domain": run.domain.name, **{part: run.config[part]["name"] for part in ("encoder", "context")}}
    stride = run.model.encoder.stride
    return {
        **names,
        "sample_rate": f"{rate:.12g}" if rate else "unknown",
        "step_seconds": f"{stride / rate:.12g}" if rate else "unknown",
    }


def export_onnx(model: CPCModel, path: Path, *, names: Mapping[str, str]) -> None:
    """Write the encoder and the context network of `model` in evaluation mode. The file is written whole or not at all.

    Args:
        model: The model.
        path: File that ends in .onnx.
        names: More metadata.

    Raises:
        CPCError: If the package onnx is not installed, or if the encoder makes several sequences from one window, as from a picture.
    """
    check_suffix(path, (".onnx",))
    try:
        import onnx
    except ImportError:
        raise CPCError("export needs the package onnx: pip install 'torchcpc[onnx]'.") from None
    encoder = model.encoder
    if encoder.layout.sequences > 1:
        raise CPCError(
            f"the encoder makes {encoder.layout.sequences} sequences of one window, as of a picture: only models of one sequence "
            "can be exported. Use `cpc embed` for these."
        )
    # One sequence, because the recurrent operator of ONNX warns of any other count. The graph is then right for all counts.
    # Ones instead of zeros, because a sentence of zeros has no words, and the operations on words would not be traced.
    x = torch.ones(1, 3 * encoder.stride, *encoder.row_shape, device=next(model.parameters()).device)
    axes = {"x": {0: "batch", 1: "positions"}, "z": {0: "batch", 1: "steps"}, "c": {0: "batch", 1: "steps"}}
    options = {"input_names": ["x"], "output_names": ["z", "c"], "dynamic_axes": axes, "dynamo": False}
    about = {"torchcpc": __version__, "stride": str(encoder.stride), "receptive_field": str(encoder.receptive_field)}
    about |= {
        "z": str(encoder.dim),
        "c": str(model.context.dim),
        "horizons": " ".join(map(str, model.predictor.horizons)),
        **names,
    }
    with replacing(path) as partial:
        with warnings.catch_warnings():
            # The tracing exporter warns that it is old. The new one needs another package and fixes the length of recurrences.
            warnings.simplefilter("ignore")
            torch.onnx.export(_Representations(model).eval(), (x,), partial, **options)
        made = onnx.load(partial)
        onnx.helper.set_model_props(made, about)
        onnx.checker.check_model(made)
        onnx.save(made, partial)

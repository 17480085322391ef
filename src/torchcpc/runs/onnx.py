"""A trained model as one ONNX file, for programs without Python or torch: raw input in, z and c of every step out. Input `x` [batch,
positions, ...] float32, as the encoder takes it; outputs `z` [batch, steps, D] and `c` [batch, steps, C]; batch, positions and steps are
free. Metadata, all of them texts: torchcpc (version), stride and receptive_field (raw positions per step, and seen by one), z and c (their
dimensions), horizons (steps ahead that were predicted), and of a run also domain, encoder and context (names), sample_rate (raw positions
per second) and step_seconds, both "unknown" where the data have no clock."""

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
    """What only the run knows of its model, as metadata."""
    data = run.config["data"]
    # Sources without a clock have the rate 1.
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
    """Writes the encoder and the context of `model`, in evaluation mode, whole or not at all. names: more metadata. Raises CPCError where
    onnx is not installed, and for an encoder that makes several sequences of one window, as of a picture."""
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
    # One sequence: the recurrent operator of ONNX warns of any other count, and is then right for all.
    # Ones, not zeros: a sentence of zeros has no words, and what is done to words would not be traced.
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
            # The tracing exporter is named legacy; the other one needs another package and unrolls recurrence to the length it has seen.
            warnings.simplefilter("ignore")
            torch.onnx.export(_Representations(model).eval(), (x,), partial, **options)
        made = onnx.load(partial)
        onnx.helper.set_model_props(made, about)
        onnx.checker.check_model(made)
        onnx.save(made, partial)

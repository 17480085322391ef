"""One device is one device, whatever the environment says of others."""

import pytest

from tests.training import tiny
from torchcpc.training.loop import fit
from torchcpc.training.one_device import one_device

SLURM = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NODEID": "0"}
TORCHRUN = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3", "GROUP_RANK": "0"}


@pytest.mark.parametrize(
    "environment",
    [
        SLURM | {"SLURM_NTASKS": "2"},
        SLURM | {"SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4"},
        TORCHRUN | {"TORCHELASTIC_RUN_ID": "job", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29501"},
        TORCHRUN,
        {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "LSB_JOBID": "5", "NODE_RANK": "1"},
    ],
)
def test_it_trains_alone_inside_any_launcher(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    fabric = one_device()
    assert (fabric.world_size, fabric.is_global_zero, fabric.device.type) == (1, True, "cpu")
    outcome = fit(tiny.model(), tiny.loss, tiny.draw, seed=3, steps=2)
    assert outcome.step == 2

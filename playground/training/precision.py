"""Which number format a run computes in, checked against the device before anything is loaded."""

from typing import NamedTuple

import torch

from playground.config.run import AdapterSettings, TrainingSettings
from playground.errors import RunError
from playground.models.devices import choose_dtype


class Precision(NamedTuple):
    """Number formats of a run."""

    compute: str
    """`float32`, `bfloat16` or `float16`: of the matrix products, by autocast."""
    weights: str
    """Of the frozen weights, or of the trained ones where every weight is trained. An adapter's own stay in float32."""


def choose_precision(training: TrainingSettings, adapter: AdapterSettings, device: torch.device) -> Precision:
    """The formats of a run on `device`.

    Trained weights stay in float32 (Micikevicius et al. 2018, arXiv:1710.03740): an update is often smaller than half
    precision can add to a weight. Frozen ones can be kept in the format of the computation.

    Raises:
        RunError: the device cannot compute in what was asked.
    """
    compute: str = training.precision
    if compute == "float16" and device.type != "cuda":
        raise RunError(
            f"training.precision float16 needs a CUDA GPU, and this run is on {device}; use auto, float32 or bfloat16."
        )
    fastest = str(choose_dtype("auto", device)).removeprefix("torch.")
    if compute == "bfloat16" and device.type == "cuda" and fastest != "bfloat16":
        raise RunError(
            f"{torch.cuda.get_device_name(device)} cannot compute in training.precision bfloat16; "
            "use auto, float16 or float32."
        )
    compute = fastest if compute == "auto" else compute
    return Precision(compute, "float32" if adapter.kind == "none" else compute)

"""Which device and number format a model gets."""

import torch

from playground import surroundings
from playground.errors import ModelError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device of that name; `auto` takes the fastest there is.

    Raises:
        ModelError: this machine has no such device.
    """
    # On ZeroGPU torch says that there is a GPU everywhere; only a process that is lent one can use it.
    cuda = torch.cuda.is_available() and not surroundings.has_no_gpu_of_its_own()
    here = {"cuda": cuda, "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, found in here.items() if found))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"device must be auto, cpu, cuda or mps; got {name!r}.") from error
    if not here.get(device.type) or (device.index or 0) >= max(1, torch.cuda.device_count()):
        found = ", ".join(device for device, found in here.items() if found)
        raise ModelError(f"This machine has no device {name} that torch {torch.__version__} can use; it has {found}.")
    return device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number format of that name.

    `auto` takes bfloat16 on a GPU that computes in it and float32 elsewhere: on a CPU without bfloat16 units the
    smaller format is up to three times slower.

    Raises:
        ModelError: there is no such format.
    """
    if name == "auto":
        fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if fast else torch.float32
    if name not in DTYPES:
        raise ModelError(f"dtype must be auto, {', '.join(DTYPES)}; got {name!r}.")
    return DTYPES[name]

"""Where the app runs, told by what the place itself sets: a person's machine, a container, or a Space by its hardware.

The variables are those of Hugging Face Spaces (`SPACE_ID`, `SPACES_ZERO_GPU`). Light: no torch.
"""

import os
from enum import StrEnum
from pathlib import Path

LOAN_VARIABLE = "PLAYGROUND_ON_LOAN"
"""Set in a process that ZeroGPU has lent a GPU to."""

_GPU_DEVICE = Path("/dev/nvidiactl")
_CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))


class Place(StrEnum):
    """What kind of place it is."""

    LOCAL = "local"
    CONTAINER = "container"
    SPACE_CPU = "space_cpu"
    SPACE_GPU = "space_gpu"
    ZERO_GPU = "zero_gpu"

    @property
    def is_space(self) -> bool:
        """Whether it is on Hugging Face Spaces."""
        return self in (Place.SPACE_CPU, Place.SPACE_GPU, Place.ZERO_GPU)


def place() -> Place:
    """Where this process runs."""
    if os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"):
        return Place.ZERO_GPU
    if os.environ.get("SPACE_ID"):
        return Place.SPACE_GPU if _GPU_DEVICE.exists() else Place.SPACE_CPU
    if any(mark.exists() for mark in _CONTAINER_MARKS):
        return Place.CONTAINER
    return Place.LOCAL


def space_address() -> str:
    """Where the Space that this is can be opened; empty elsewhere."""
    host = os.environ.get("SPACE_HOST", "")
    return f"https://{host}/" if host and place().is_space else ""


def has_no_gpu_of_its_own() -> bool:
    """Whether a GPU that torch may speak of is only there while it is lent, and this process has no loan."""
    return place() is Place.ZERO_GPU and not os.environ.get(LOAN_VARIABLE)


def keeps(folder: Path) -> bool:
    """Whether what is written there outlives the place: on a volume of its own, or on a person's own disk."""
    if place() is Place.LOCAL:
        return True
    mount = next((parent for parent in (folder, *folder.parents) if os.path.ismount(parent)), Path("/"))
    return mount != Path("/")

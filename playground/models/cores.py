"""The processor's cores, shared by the job that goes on and by people who look at the model meanwhile.

A text of a few tokens is read no faster by more threads than by one (80 against 87 ms for ten tokens of SmolLM2-135M on
two cores), but the others wait for it at full speed, and a job beside it stands still for as long.

Light: no torch until somebody glances.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_jobs: list[object] = []


@contextmanager
def job() -> Iterator[None]:
    """For the block, a job goes on in another process of this machine."""
    this = object()
    _jobs.append(this)
    try:
        yield
    finally:
        _jobs.remove(this)


@contextmanager
def glance() -> Iterator[None]:
    """For the block, this thread takes half of the cores where a job goes on. To be entered by one thread at a time."""
    import torch

    threads = torch.get_num_threads()
    if not _jobs or threads == 1:
        yield
        return
    torch.set_num_threads(threads // 2)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

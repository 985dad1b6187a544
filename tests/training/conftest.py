"""Small models gain nothing from several threads, and lose a lot where others use the cores."""

import gc
from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def quick_runs() -> Iterator[None]:
    """Runs torch on one core, and spares the collector, which every run calls, what importing torch has left."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.freeze()
    yield
    gc.unfreeze()
    torch.set_num_threads(threads)

"""A store of its own for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from playground.runs.store import RunStore


@pytest.fixture
def store(own_home: Path) -> Iterator[RunStore]:
    store = RunStore()
    yield store
    store.close()

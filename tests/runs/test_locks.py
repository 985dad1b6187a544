"""Who is alive, by the locks that the operating system takes back from the dead."""

import os
import signal
from pathlib import Path

import pytest

from playground.errors import Busy
from playground.runs.events import Phase
from playground.runs.locks import hold, is_held
from playground.runs.store import RunStore
from tests.runs.holder import holding
from tests.waiting import wait_until


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.PREPARING])
def test_the_death_of_a_process_shows_in_its_locks(store: RunStore, phase: Phase) -> None:
    with holding(store, phase) as process:
        record = next(iter(store.list()))
        assert record.phase is phase
        assert store.alive(record)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not store.alive(record), timeout=5)


def test_a_lock_has_one_holder_also_within_a_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "lock"
    assert not is_held(path)
    lock = hold(path)
    assert is_held(path)
    with pytest.raises(Busy, match="held by another process"):
        hold(path, wait=0.05)
    lock.release()
    assert not is_held(path)

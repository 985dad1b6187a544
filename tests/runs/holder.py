"""A process that queues a run, works on it, and then does nothing until it is killed: `python -m … HOME PHASE`."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from playground.runs.events import Phase, PhaseChange
from playground.runs.locks import hold
from playground.runs.store import RunStore

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def holding(store: RunStore, phase: Phase) -> Iterator[subprocess.Popen[str]]:
    """Such a process, once its run is in `phase`; killed at the end."""
    command = [sys.executable, "-m", __name__, str(store.home), phase]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip()
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    store = RunStore(Path(sys.argv[1]))
    run = store.create("run", {}, method="sft", model="m", name="held", owner="")
    if sys.argv[2] != Phase.QUEUED:
        lock = hold(store.lock_path(run))
        store.append(run, [PhaseChange(Phase.PREPARING)])
    print(run, flush=True)  # noqa: T201  # the test reads it
    threading.Event().wait()
